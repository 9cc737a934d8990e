//! Output in a compact form: bytes as they are, between headers of 16 bytes.
//!
//! JSON costs more per byte than a copy does, and base64 a third on top. A frame is a header and
//! its payload:
//!
//! | bytes | field |
//! |---|---|
//! | 0 | kind: 1 is a chunk, 2 is an event as a JSON object |
//! | 1 | the chunk's stream: 1 stdout, 2 stderr, 3 combined, 4 pty |
//! | 2-3 | 0 |
//! | 4-7 | length of the payload, big-endian |
//! | 8-15 | offset of the payload in the execution's output, big-endian |

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{Data, Event, StreamId, json};

/// Bytes of a header.
const HEADER: usize = 16;

/// An event that is no chunk is small.
const EVENT_MAX: u32 = 64 * 1024;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    kind: Kind,
    len: u32,
    offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Chunk(StreamId),
    Event,
}

/// The header of a chunk's frame; the chunk's bytes follow it.
pub(crate) fn chunk_header(stream: StreamId, len: u32, offset: u64) -> Bytes {
    header(1, number(stream), len, offset, 0).freeze()
}

/// The frame of an event that is no chunk.
pub(crate) fn event(json: &[u8], offset: u64) -> Bytes {
    let len = u32::try_from(json.len()).unwrap_or(u32::MAX);
    let mut frame = header(2, 0, len, offset, json.len());
    frame.put_slice(json);
    frame.freeze()
}

fn header(kind: u8, stream: u8, len: u32, offset: u64, more: usize) -> BytesMut {
    let mut bytes = BytesMut::with_capacity(HEADER + more);
    bytes.put_slice(&[kind, stream, 0, 0]);
    bytes.put_u32(len);
    bytes.put_u64(offset);
    bytes
}

const fn number(stream: StreamId) -> u8 {
    match stream {
        StreamId::Stdout => 1,
        StreamId::Stderr => 2,
        StreamId::Combined => 3,
        StreamId::Pty => 4,
    }
}

/// What was read is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// One thing read from frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The command has started.
    Start,
    /// An event. Of a chunk, what has arrived of it: boundaries mean nothing.
    Event {
        /// Where in the execution's output it stands.
        offset: u64,
        /// The event.
        event: Event,
    },
}

/// Reads frames from pieces of any size, copying no chunk.
#[derive(Debug, Default)]
pub struct Reader {
    head: BytesMut,
    /// The frame that is being read; its `len` and `offset` move with what has been read.
    open: Option<Header>,
}

impl Reader {
    /// Whether everything so far was whole frames.
    pub fn is_between_frames(&self) -> bool {
        self.open.is_none() && self.head.is_empty()
    }

    /// Takes what can be told from `piece`; `None` when it is used up.
    ///
    /// # Errors
    ///
    /// [`Broken`] when it is no frame.
    pub fn next(&mut self, piece: &mut Bytes) -> Result<Option<Item>, Broken> {
        loop {
            let Some(open) = self.open else {
                if !self.gather(piece, HEADER) {
                    return Ok(None);
                }
                self.open = Some(parse(&self.head)?);
                self.head.clear();
                continue;
            };
            let item = match open.kind {
                Kind::Chunk(stream) => self.chunk(open, stream, piece),
                Kind::Event => self.event(open, piece)?,
            };
            return Ok(item);
        }
    }

    /// Collects up to `len` bytes; whether it has them.
    fn gather(&mut self, piece: &mut Bytes, len: usize) -> bool {
        let more = (len - self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..more]);
        piece.advance(more);
        self.head.len() == len
    }

    fn chunk(&mut self, open: Header, stream: StreamId, piece: &mut Bytes) -> Option<Item> {
        let len = usize::try_from(open.len).unwrap_or(usize::MAX).min(piece.len());
        if len == 0 {
            return None;
        }
        let bytes = piece.split_to(len);
        let read = len as u32;
        let rest = Header { len: open.len - read, offset: open.offset + u64::from(read), ..open };
        self.open = (rest.len > 0).then_some(rest);
        let event = Event::Chunk { stream, chunk: Data::new(bytes) };
        Some(Item::Event { offset: open.offset, event })
    }

    fn event(&mut self, open: Header, piece: &mut Bytes) -> Result<Option<Item>, Broken> {
        if !self.gather(piece, usize::try_from(open.len).map_err(|_| Broken)?) {
            return Ok(None);
        }
        let line = json::parse(&self.head).map_err(|_| Broken)?;
        self.head.clear();
        self.open = None;
        Ok(Some(match line {
            json::Line::Start { pid: _ } => Item::Start,
            json::Line::Event(event) => Item::Event { offset: open.offset, event },
        }))
    }
}

fn parse(mut head: &[u8]) -> Result<Header, Broken> {
    let (kind, stream) = (head.get_u8(), head.get_u8());
    if head.get_u16() != 0 {
        return Err(Broken);
    }
    let (len, offset) = (head.get_u32(), head.get_u64());
    let kind = match kind {
        1 if len > 0 => {
            let stream = StreamId::ALL.into_iter().find(|&id| number(id) == stream);
            Kind::Chunk(stream.ok_or(Broken)?)
        }
        2 if (1..=EVENT_MAX).contains(&len) => Kind::Event,
        _ => return Err(Broken),
    };
    // No output is that long: an offset beyond what can be counted is not one.
    offset.checked_add(u64::from(len)).ok_or(Broken)?;
    Ok(Header { kind, len, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, where a network cuts its packets would decide what a client reads.
    #[test]
    fn c03_frames_are_the_same_wherever_they_are_cut() {
        let mut whole = BytesMut::new();
        whole.put(chunk_header(StreamId::Stderr, 5, 7));
        whole.put_slice(b"hello");
        whole.put(event(br#"{"event":"eof","stream":"stderr"}"#, 12));
        let whole = whole.freeze();
        for at in 0..=whole.len() {
            let (mut reader, mut text, mut ends) = (Reader::default(), Vec::new(), 0);
            for mut piece in [whole.slice(..at), whole.slice(at..)] {
                while let Some(item) = reader.next(&mut piece).expect("these are frames") {
                    let Item::Event { offset, event } = item else { panic!("{item:?}") };
                    match event {
                        Event::Chunk { chunk, .. } => {
                            assert_eq!(offset, 7 + text.len() as u64);
                            text.extend_from_slice(&chunk);
                        }
                        Event::End { .. } => ends += u32::from(offset == 12),
                        Event::Gap { .. } | Event::Exit(_) => panic!("{event:?}"),
                    }
                }
            }
            assert_eq!((text.as_slice(), ends), (&b"hello"[..], 1), "cut at {at}");
            assert!(reader.is_between_frames());
        }
    }

    /// If this were red, a peer that speaks something else would be read as output.
    #[test]
    fn c09_what_is_no_frame_is_said_to_be_none() {
        for first in [0_u8, 1, 3, b'H'] {
            let mut piece = Bytes::from(vec![first; HEADER]);
            assert_eq!(Reader::default().next(&mut piece), Err(Broken), "{first}");
        }
    }

    /// If this were red, a runner could end its client by a number: found by the fuzzer `wire`.
    #[test]
    fn c09_an_offset_beyond_what_can_be_counted_is_no_frame() {
        let mut frame = BytesMut::from(&chunk_header(StreamId::Stdout, 3, u64::MAX - 1)[..]);
        frame.put_slice(b"abc");
        assert_eq!(Reader::default().next(&mut frame.freeze()), Err(Broken));
    }
}
