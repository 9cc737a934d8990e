//! What a peer sends, read: events as JSON, frames, requests and answers, policies and addresses
//! in words.
//!
//! The first byte says as what the others are read. What is read is written and read again as the
//! same; frames are the same wherever a network cuts them.

use bytes::Bytes;
use lastbyte::{
    Event,
    json::{self, Line},
    machine::PerStream,
    remote::{
        client::connect::Address,
        frames::{Item, Reader},
        policy,
        runner::{Token, config::Config},
        wire::{
            BoxInfo, BoxList, BoxRequest, Envelope, ExecRequest, Executing, ResizeRequest,
            SignalAnswer, SignalRequest, StdinAnswer,
        },
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// Reads these bytes.
///
/// # Panics
///
/// Something is read as two things.
pub fn wire(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 4 {
        0 => data.split(|&byte| byte == b'\n').for_each(event),
        1 => {
            if let Some((&cut, data)) = data.split_first() {
                frames(cut, data);
            }
        }
        2 => requests(data),
        _ => words(&String::from_utf8_lossy(data)),
    }
}

/// A line that is read is written as one that says the same.
fn event(line: &[u8]) {
    let Ok(read) = json::parse(line) else { return };
    let written = match &read {
        Line::Start { pid } => json::start(*pid),
        Line::Event(event) => json::event(event),
    };
    let again = json::parse(written.to_string().as_bytes());
    assert_eq!(again.as_ref(), Ok(&read), "{written}");
}

/// Everything that frames say, chunks in one piece.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    bytes: PerStream<Vec<u8>>,
    /// Where the next byte of a stream is to stand, as of its last.
    next: PerStream<Option<u64>>,
    others: Vec<(u64, Event)>,
    starts: u32,
    broken: bool,
    whole: bool,
}

impl Said {
    fn by(data: &[u8], cut: usize) -> Self {
        let (mut said, mut reader) = (Said::default(), Reader::default());
        let data = Bytes::copy_from_slice(data);
        let (left, right) = (data.slice(..cut), data.slice(cut..));
        for mut piece in [left, right] {
            loop {
                match reader.next(&mut piece) {
                    Ok(Some(item)) => said.hear(item),
                    Ok(None) => break,
                    Err(_) => {
                        said.broken = true;
                        return said;
                    }
                }
            }
            assert!(piece.is_empty(), "nothing is left of a piece that is used up");
        }
        said.whole = reader.is_between_frames();
        said
    }

    fn hear(&mut self, item: Item) {
        match item {
            Item::Start => self.starts += 1,
            Item::Event { offset, event: Event::Chunk { stream, chunk } } => {
                assert!(!chunk.is_empty(), "a chunk has at least one byte (C3)");
                self.bytes[stream].extend_from_slice(&chunk);
                self.next[stream] = offset.checked_add(chunk.len() as u64);
            }
            Item::Event { offset, event } => self.others.push((offset, event)),
        }
    }
}

/// The cut is a place in the data, by proportion.
fn frames(cut: u8, data: &[u8]) {
    let whole = Said::by(data, data.len());
    let cut = data.len() * usize::from(cut) / 255;
    assert_eq!(Said::by(data, cut), whole, "cut at {cut} of {}", data.len());
    let read: usize = whole.bytes.iter().map(Vec::len).sum();
    assert!(read <= data.len(), "no byte is made (C3)");
}

/// What is read is written as what is read as the same.
fn again<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    let written = serde_json::to_string(&read);
    let again = written.as_ref().ok().and_then(|text| serde_json::from_str::<T>(text).ok());
    assert_eq!(again, Some(read), "{written:?}");
}

fn requests(data: &[u8]) {
    again::<BoxRequest>(data);
    again::<BoxInfo>(data);
    again::<BoxList>(data);
    again::<ExecRequest>(data);
    again::<Executing>(data);
    again::<StdinAnswer>(data);
    again::<SignalRequest>(data);
    again::<SignalAnswer>(data);
    again::<ResizeRequest>(data);
    again::<Envelope>(data);
}

fn words(text: &str) {
    if let Ok(drain) = policy::drain(text) {
        let words = policy::words(drain);
        assert_eq!(policy::drain(&words), Ok(drain), "{words}");
    }
    let _duration = policy::duration(text);
    let _token = Token::parse(text);
    let _config = Config::parse(text);
    if let Ok(address) = Address::parse(text) {
        let again = Address::parse(&address.to_string());
        assert!(again.is_ok_and(|again| again == address), "{address}");
    }
}
