//! Text decoding per chunk: each chunk becomes a string of its own.
//!
//! A character whose bytes come in two reads becomes two replacement characters.
//! <https://github.com/boxlite-ai/boxlite/issues/665>,
//! <https://github.com/computesdk/computesdk/issues/775>

use lastbyte::{Data, Event, Policy, machine::Status};

use super::{parts::told, single_owner::SingleOwner};
use crate::executor::{
    child::Child,
    stack::{Call, Stack},
};

/// The design: right in all but the bytes.
#[derive(Debug)]
pub struct TextPerChunk(SingleOwner);

impl Stack for TextPerChunk {
    const OFFERS: &'static [Call] = SingleOwner::OFFERS;

    fn start(child: Child, policy: &Policy) -> Self {
        TextPerChunk(SingleOwner::start(child, policy))
    }

    async fn next(&self) -> Option<Event> {
        Some(match self.0.next().await? {
            Event::Chunk { stream, chunk } => {
                let text = String::from_utf8_lossy(&chunk).into_owned();
                Event::Chunk { stream, chunk: Data::new(text.into_bytes().into()) }
            }
            other @ (Event::Gap { .. } | Event::End { .. } | Event::Exit(_)) => other,
        })
    }

    async fn wait(&self) -> Status {
        told(Ok(self.0.wait().await))
    }
}
