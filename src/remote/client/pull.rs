//! The two tasks that ask a runner about one execution: one for its output, one for its end.
//!
//! Each asks anew after a disconnect. Output is asked for by the offset behind the last byte that
//! came, and the runner keeps all behind the offset that it was last asked for: no byte is lost or
//! doubled.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    backend::Far,
    connection::{ANSWER_MAX, Ask},
    pace::Pace,
    trouble::Trouble,
};
use crate::{
    Error, ErrorKind, Event, json,
    machine::Chunk,
    remote::{
        frames::{Item, Reader},
        wire::FRAMES,
    },
};

/// Bytes of output that one answer brings at most. The next request then says that they have come,
/// and the runner forgets them.
const WINDOW: u64 = 512 * 1024;

/// Brings the output to the inbox, up to the exit.
pub(super) async fn output(far: Arc<Far>, mut offset: u64, reader: u64) {
    let mut trouble = Trouble::new(far.client.patience.lost_after);
    let mut pace = Pace::new();
    while !far.inbox.is_complete() {
        let before = offset;
        pace.asks();
        match one_answer(&far, &mut offset, reader, &mut trouble).await {
            Ok(()) => {
                trouble.over();
                if offset > before {
                    pace.moves();
                } else if !far.inbox.is_complete() {
                    pace.stands().await;
                }
            }
            Err(error) => {
                if error.kind() == ErrorKind::Gone && far.knows_execution().await {
                    tracing::debug!(%error, "output has expired");
                    return far.inbox.expire();
                }
                if !trouble.again(&error).await {
                    tracing::debug!(%error, "output is lost");
                    return far.inbox.lose();
                }
            }
        }
    }
}

async fn one_answer(
    far: &Far,
    offset: &mut u64,
    number: u64,
    trouble: &mut Trouble,
) -> Result<(), Error> {
    let wait = far.client.patience.wait;
    let query = format!(
        "offset={offset}&hold=true&reader={number}&max_bytes={WINDOW}&wait_seconds={}",
        wait.as_secs()
    );
    let ask = Ask { accept: Some(FRAMES), ..Ask::get(far.path(&format!("/output?{query}"))) };
    let mut answer = far.client.connections.send(ask).await?;
    let mut reader = Reader::default();
    loop {
        poll_fn(|cx| far.inbox.poll_room(cx)).await;
        let piece = timeout(wait + ANSWER_MAX, answer.next()).await;
        let piece = piece.map_err(|_| broken("nothing came in time"))??;
        let Some(piece) = piece else { break };
        trouble.over();
        take(far, &mut reader, piece, offset)?;
    }
    if reader.is_between_frames() { Ok(()) } else { Err(broken("it broke off")) }
}

fn take(far: &Far, reader: &mut Reader, mut piece: Bytes, next: &mut u64) -> Result<(), Error> {
    loop {
        let item = reader.next(&mut piece).map_err(|_| broken("it is no output"))?;
        let (offset, event) = match item {
            Some(Item::Event { offset, event }) => (offset, event),
            Some(Item::Start) => continue,
            None => return Ok(()),
        };
        if offset != *next {
            return Err(broken("it is not what was asked for"));
        }
        let len = match &event {
            Event::Chunk { chunk, .. } => Chunk::len(chunk),
            Event::Gap { bytes, .. } => *bytes,
            Event::End { .. } | Event::Exit(_) => 0,
        };
        *next = next.checked_add(len).ok_or_else(|| broken("it is longer than any output"))?;
        far.inbox.take(event);
    }
}

fn broken(why: &str) -> Error {
    Error::new(ErrorKind::BackendLost, format!("read the output: {why}; asking again"))
}

/// Brings the root's end to the inbox.
pub(super) async fn end(far: Arc<Far>) {
    let mut trouble = Trouble::new(far.client.patience.lost_after);
    let mut pace = Pace::new();
    let wait = far.client.patience.wait;
    let path = far.path(&format!("/wait?until=exited&wait_seconds={}", wait.as_secs()));
    while !far.inbox.knows_end() {
        pace.asks();
        let ask = Ask { max: wait + ANSWER_MAX, ..Ask::get(path.clone()) };
        let asked = async { far.client.connections.send(ask).await?.whole().await };
        match asked.await {
            // Not yet.
            Ok(body) if body.is_empty() => {
                trouble.over();
                pace.stands().await;
            }
            Ok(body) => {
                let object: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
                let end = object.and_then(|object| {
                    Some((json::status_of(&object).ok()?, json::cause_of(&object).ok()?))
                });
                match end {
                    Some((status, cause)) => far.inbox.exited(status, cause),
                    None => far.inbox.lose(),
                }
                return;
            }
            Err(error) => {
                if !trouble.again(&error).await {
                    tracing::debug!(%error, "the end is lost");
                    return far.inbox.lose();
                }
            }
        }
    }
}
