//! The child's input: accepted into a bounded buffer at once, written by a task.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::{
    boundary::{INVALID_STATE, Refusal, STOPPED, lock},
    entry::Entry,
    event::lastbyte_stdin_report,
};
use crate::Stdin;

/// Bytes accepted and not yet written.
const BUFFERED_MAX: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct Writer {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    buffered: usize,
    report: lastbyte_stdin_report,
    /// No more comes: end it when all is written.
    closing: bool,
    /// Nobody wants it written any more.
    abandoned: bool,
    /// Not everything was accepted: say when there is room.
    refused: bool,
    task: Option<Waker>,
}

impl Writer {
    /// Accepts what there is room for.
    pub(super) fn accept(&self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut state = lock(&self.state);
        if state.report.ended {
            return Err(STOPPED);
        }
        if state.closing {
            return Err(INVALID_STATE);
        }
        let taken = bytes.len().min(BUFFERED_MAX - state.buffered);
        state.refused = taken < bytes.len();
        if taken > 0 {
            state.queue.push_back(Bytes::copy_from_slice(&bytes[..taken]));
            state.buffered += taken;
            state.report.accepted += taken as u64;
        }
        wake(state.task.take());
        Ok(taken)
    }

    /// Ends the input when all that was accepted is written.
    pub(super) fn close(&self) -> Result<(), Refusal> {
        let mut state = lock(&self.state);
        if state.closing {
            return Err(INVALID_STATE);
        }
        state.closing = true;
        wake(state.task.take());
        Ok(())
    }

    /// Lets go of it now.
    pub(super) fn abandon(&self) {
        let mut state = lock(&self.state);
        state.abandoned = true;
        wake(state.task.take());
    }

    pub(super) fn report(&self) -> lastbyte_stdin_report {
        lock(&self.state).report
    }

    /// Writes until the input has ended.
    pub(super) async fn run(&self, mut stdin: Stdin, entry: Arc<Entry>) {
        poll_fn(|cx| self.poll(cx, &mut stdin, &entry)).await;
        drop(stdin);
        lock(&self.state).report.ended = true;
        entry.tell_stdin(self.report());
    }

    fn poll(&self, cx: &mut Context<'_>, stdin: &mut Stdin, entry: &Arc<Entry>) -> Poll<()> {
        loop {
            let mut state = lock(&self.state);
            if state.abandoned {
                return Poll::Ready(());
            }
            state.task = Some(cx.waker().clone());
            let Some(bytes) = state.queue.front().cloned() else {
                return if state.closing { Poll::Ready(()) } else { Poll::Pending };
            };
            drop(state);
            let Poll::Ready(written) = Pin::new(&mut *stdin).poll_write(cx, &bytes) else {
                return Poll::Pending;
            };
            let mut state = lock(&self.state);
            let Ok(written) = written else {
                state.report.broken = true;
                state.queue.clear();
                return Poll::Ready(());
            };
            if state.wrote(written) {
                let report = state.report;
                drop(state);
                entry.tell_stdin(report);
            }
        }
    }
}

impl State {
    /// Says whether somebody waits for room that there is now.
    fn wrote(&mut self, len: usize) -> bool {
        self.buffered -= len;
        self.report.written += len as u64;
        if let Some(first) = self.queue.front_mut() {
            first.advance(len);
            if first.is_empty() {
                self.queue.pop_front();
            }
        }
        let room = self.refused && self.buffered <= BUFFERED_MAX / 2;
        self.refused &= !room;
        room
    }
}

fn wake(task: Option<Waker>) {
    if let Some(task) = task {
        task.wake();
    }
}
