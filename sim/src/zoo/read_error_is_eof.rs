//! EOF taken from a read error: the pump's loop ends at the first read that is no chunk.
//!
//! A sandbox's guest leaves its loop on an error as on an end (`Err(_) => break`); the copiers of
//! containerd, moby and Kubernetes log the error, and the exit follows. The connection to the output
//! broke, and the caller sees a success with its output cut off.
//! <https://github.com/kubernetes/kubernetes/issues/124571>
//!
//! All else is right, as in [`OsExec`]: the drain is bounded, and a cut is told.

use lastbyte::{
    Event, Policy,
    machine::{End, Status},
};

use super::os_exec::OsExec;
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
};

/// The design.
#[derive(Debug)]
pub struct ReadErrorIsEof(OsExec);

impl Stack for ReadErrorIsEof {
    const OFFERS: &'static [Call] = OsExec::OFFERS;

    fn start(child: Child, _: &Policy) -> Self {
        ReadErrorIsEof(OsExec::copying(child, |_| End::Eof))
    }

    async fn next(&self) -> Option<Event> {
        self.0.next().await
    }

    async fn wait(&self) -> Status {
        self.0.wait().await
    }
}
