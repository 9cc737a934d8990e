//! An execution's output as the body of an answer: events from an offset on, as they come.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Bytes;
use bytes::{BufMut, BytesMut};
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use tokio::time::{Sleep, sleep};

use super::{
    record::Reading,
    retained::{Entry, bytes_of, stream_of},
};
use crate::{
    Error,
    json::{self, event as event_object},
    remote::frames,
};

/// Lines are sent together up to about this many bytes.
const BATCH: usize = 64 * 1024;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// JSON objects, one a line.
    Lines,
    /// [`frames`].
    Frames,
}

/// When an answer ends before the exit does.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Until {
    /// It has had so many bytes.
    pub(super) bytes_max: Option<u64>,
    /// It has lasted so long, and there is nothing more at this moment.
    pub(super) wait: Option<Duration>,
}

/// The body.
pub(super) struct Output {
    reading: Reading,
    encoding: Encoding,
    left: Option<u64>,
    deadline: Option<Pin<Box<Sleep>>>,
    ready: VecDeque<Bytes>,
    lines: BytesMut,
    ended: bool,
}

impl Output {
    /// The output from where `reading` stands. `start`: the process id to tell first, at the
    /// beginning of the output.
    pub(super) fn new(
        reading: Reading,
        encoding: Encoding,
        until: Until,
        start: Option<Option<u32>>,
    ) -> Self {
        let mut output = Output {
            reading,
            encoding,
            left: until.bytes_max,
            deadline: until.wait.map(|wait| Box::pin(sleep(wait))),
            ready: VecDeque::new(),
            lines: BytesMut::new(),
            ended: false,
        };
        if let Some(pid) = start {
            output.object(json::start(pid), 0);
        }
        output
    }

    fn object(&mut self, mut object: Value, offset: u64) {
        object["offset"] = json!(offset);
        match self.encoding {
            Encoding::Lines => {
                // Nothing in an event fails to be written, nor does a buffer to take it.
                let _written = serde_json::to_writer((&mut self.lines).writer(), &object);
                self.lines.put_u8(b'\n');
            }
            Encoding::Frames => {
                self.ready.push_back(frames::event(object.to_string().as_bytes(), offset));
            }
        }
    }

    fn entry(&mut self, entry: Entry) {
        let Entry { offset, event } = entry;
        if let Some(data) = bytes_of(&event) {
            let len = data.len() as u64;
            self.left = self.left.map(|left| left.saturating_sub(len));
        }
        match (self.encoding, bytes_of(&event), stream_of(&event)) {
            (Encoding::Frames, Some(data), Some(stream)) => {
                // A chunk is one read of 64 KiB at most.
                let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
                self.ready.push_back(frames::chunk_header(stream, len, offset));
                self.ready.push_back(data.clone().into_bytes());
            }
            _ => self.object(event_object(&event), offset),
        }
    }

    /// Takes what there is now. Whether nothing will follow.
    fn fill(&mut self, cx: &mut Context<'_>) -> bool {
        while self.ready.len() < 16 && self.lines.len() < BATCH {
            if self.left == Some(0) {
                return true;
            }
            match self.reading.poll_next(cx) {
                Poll::Ready(Some(entry)) => self.entry(entry),
                Poll::Ready(None) => return true,
                Poll::Pending => return false,
            }
        }
        false
    }
}

impl Body for Output {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.ready.is_empty() && !this.ended {
            this.ended = this.fill(cx);
        }
        if !this.lines.is_empty() {
            this.ready.push_back(this.lines.split().freeze());
        }
        if let Some(bytes) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        match &mut this.deadline {
            Some(deadline) => deadline.as_mut().poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    }
}
