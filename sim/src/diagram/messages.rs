//! What went from whom to whom, as far as the words of a trace say it.
//!
//! A message is found by what was sent: bytes, an exit, a signal. Where two could be the sender,
//! there is no message: a diagram that guesses is worse than one with an arrow too few.

use std::collections::VecDeque;

use super::{CHILD, DESCENDANT, Row, is_caller};

/// Something that one step sent and another received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The step that sent it, from 0.
    pub from_row: usize,
    /// The step that received it, from 0.
    pub to_row: usize,
    /// What it was.
    pub label: String,
}

/// The messages of a schedule, in the order in which they arrive.
///
/// - Bytes: from each step that wrote them to the step that reads them, by the order in the pipe.
/// - A chunk: from the step that read it, or then queued it, to the one that hands it over.
/// - The end of a root: from the step in which it ends to the one that reaps it.
/// - An exit: from the step that queued it to the one that hands it over. Where nothing says that
///   it was queued, from the step that reaped the root, unless a caller did so for himself.
/// - A signal: from the step that sends it to the root's next one, in which it is acted on.
pub fn messages(rows: &[Row]) -> Vec<Message> {
    let mut matcher = Matcher::default();
    for (number, row) in rows.iter().enumerate() {
        let here = Here { row: number, lane: &row.lane };
        matcher.begin(here);
        for text in &row.text {
            matcher.see(here, Note::of(text));
        }
    }
    // What one lane gives itself is no message.
    matcher.messages.retain(|message| rows[message.from_row].lane != rows[message.to_row].lane);
    matcher.messages
}

/// What a trace's words say.
enum Note<'a> {
    Wrote { bytes: String, stream: &'a str },
    Read { bytes: String, stream: &'a str },
    QueuesChunk,
    QueuesExit,
    HandedChunk { bytes: String, stream: &'a str },
    HandedExit { status: &'a str },
    Ends { status: &'a str },
    Reaps,
    Sends { signal: &'a str },
    Other,
}

impl<'a> Note<'a> {
    /// Each begins with words of the trace itself: no output of a child can pose as another.
    fn of(text: &'a str) -> Self {
        let known = match text {
            "queues a chunk" => Some(Note::QueuesChunk),
            "queues the exit" => Some(Note::QueuesExit),
            "reaps the root" => Some(Note::Reaps),
            _ => None,
        };
        known
            .or_else(|| {
                let (bytes, stream) = quoted(text.strip_prefix("writes ")?, " to ")?;
                Some(Note::Wrote { bytes, stream })
            })
            .or_else(|| {
                let (bytes, stream) = quoted(text.strip_prefix("reads ")?, " from ")?;
                Some(Note::Read { bytes, stream })
            })
            .or_else(|| {
                let (bytes, stream) = quoted(text.strip_prefix("is handed ")?, " of ")?;
                Some(Note::HandedChunk { bytes, stream })
            })
            .or_else(|| {
                let status = text.strip_prefix("is handed the exit: ")?;
                Some(Note::HandedExit { status })
            })
            .or_else(|| Some(Note::Ends { status: text.strip_prefix("ends: ")? }))
            .or_else(|| {
                let sent = text.strip_prefix("sends ")?;
                Some(Note::Sends { signal: sent.strip_suffix(" to what is left").unwrap_or(sent) })
            })
            .unwrap_or(Note::Other)
    }
}

/// `"a" to stdout` in its two parts.
fn quoted<'a>(text: &'a str, between: &str) -> Option<(String, &'a str)> {
    let (quoted, stream) = text.rsplit_once(between)?;
    Some((unquote(quoted)?, stream))
}

/// Undoes `{:?}` of a string.
fn unquote(quoted: &str) -> Option<String> {
    let mut chars = quoted.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut bytes = String::new();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.push(c);
            continue;
        }
        bytes.push(match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'u' => {
                let hex: String = chars.by_ref().take_while(|&c| c != '}').collect();
                char::from_u32(u32::from_str_radix(hex.strip_prefix('{')?, 16).ok()?)?
            }
            same @ ('\\' | '\'' | '"') => same,
            _ => return None,
        });
    }
    Some(bytes)
}

#[derive(Clone, Copy)]
struct Here<'a> {
    row: usize,
    lane: &'a str,
}

/// What stands in a pipe, and who wrote it.
struct Pipe<'a> {
    /// The root whose pipe it is: its descendants write to the same.
    root: &'a str,
    stream: &'a str,
    holds: VecDeque<(usize, char)>,
    /// False once what was read of it, or of another root's pipe, could not be told.
    known: bool,
}

/// A chunk that was read and not yet handed over.
struct Chunk<'a> {
    here: Here<'a>,
    queued: bool,
    stream: &'a str,
    bytes: String,
}

#[derive(Default)]
struct Matcher<'a> {
    messages: Vec<Message>,
    pipes: Vec<Pipe<'a>>,
    chunks: Vec<Chunk<'a>>,
    queued_exits: Vec<usize>,
    /// Roots that have ended and were not reaped, and how.
    ended: Vec<(usize, &'a str)>,
    /// Who reaped, and whom if that is known.
    reaped: Vec<(Here<'a>, Option<&'a str>)>,
    /// Signals on their way to the only child.
    sent: Vec<(usize, &'a str)>,
    /// The only child has ended: signals reach nobody.
    child_is_gone: bool,
}

/// The place of the one that matches; none if several do.
fn only<T>(all: &[T], matches: impl Fn(&T) -> bool) -> Option<usize> {
    let mut places = all.iter().enumerate().filter(|(_, one)| matches(one)).map(|(at, _)| at);
    let first = places.next()?;
    places.next().is_none().then_some(first)
}

impl<'a> Matcher<'a> {
    fn send(&mut self, from_row: usize, to: Here<'_>, label: impl Into<String>) {
        self.messages.push(Message { from_row, to_row: to.row, label: label.into() });
    }

    /// A step begins: a child first looks for signals.
    fn begin(&mut self, here: Here<'a>) {
        if here.lane == CHILD {
            for (from, signal) in std::mem::take(&mut self.sent) {
                self.send(from, here, signal);
            }
        }
    }

    fn see(&mut self, here: Here<'a>, note: Note<'a>) {
        match note {
            Note::Wrote { bytes, stream } => self.wrote(here, &bytes, stream),
            Note::Read { bytes, stream } => {
                self.read(here, &bytes, stream);
                self.chunks.push(Chunk { here, queued: false, stream, bytes });
            }
            Note::QueuesChunk => {
                let waits = |chunk: &Chunk<'_>| chunk.here.lane == here.lane && !chunk.queued;
                if let Some(at) = only(&self.chunks, waits) {
                    (self.chunks[at].here, self.chunks[at].queued) = (here, true);
                }
            }
            Note::QueuesExit => {
                self.queued_exits.push(here.row);
                // Whoever says that he queues it hands nothing over otherwise.
                self.reaped.retain(|(by, _)| by.lane != here.lane);
            }
            Note::HandedChunk { bytes, stream } => {
                let is_it = |chunk: &Chunk<'_>| chunk.stream == stream && chunk.bytes == bytes;
                if let Some(at) = only(&self.chunks, is_it) {
                    let chunk = self.chunks.remove(at);
                    self.send(chunk.here.row, here, format!("{bytes:?}"));
                }
            }
            Note::HandedExit { status } => self.handed_exit(here, status),
            Note::Ends { status } => {
                self.child_is_gone |= here.lane == CHILD;
                self.ended.push((here.row, status));
            }
            Note::Reaps => {
                let whom = only(&self.ended, |_| true).map(|at| self.ended.remove(at));
                if let Some((from, status)) = whom {
                    self.send(from, here, status);
                }
                if !is_caller(here.lane) {
                    self.reaped.push((here, whom.map(|(_, status)| status)));
                }
            }
            // With several children the words do not say to whom.
            Note::Sends { signal } if !self.child_is_gone => self.sent.push((here.row, signal)),
            Note::Sends { .. } | Note::Other => {}
        }
    }

    fn wrote(&mut self, here: Here<'a>, bytes: &str, stream: &'a str) {
        let root = here.lane.split(DESCENDANT).next().unwrap_or_default();
        let known = self.pipes.iter().position(|pipe| pipe.root == root && pipe.stream == stream);
        let at = known.unwrap_or_else(|| {
            self.pipes.push(Pipe { root, stream, holds: VecDeque::new(), known: true });
            self.pipes.len() - 1
        });
        self.pipes[at].holds.extend(bytes.chars().map(|c| (here.row, c)));
    }

    fn read(&mut self, here: Here<'a>, bytes: &str, stream: &str) {
        let len = bytes.chars().count();
        let may_be = |pipe: &Pipe<'_>| {
            let front = pipe.holds.iter().map(|&(_, c)| c).take(len);
            pipe.stream == stream && (!pipe.known || front.eq(bytes.chars()))
        };
        // What is not UTF-8 is told as U+FFFD, and not how much of it.
        let is_exact = !bytes.contains(char::REPLACEMENT_CHARACTER);
        let certain = |pipe: &Pipe<'_>| {
            let by_one = pipe.holds.front().map(|it| it.0) == pipe.holds.back().map(|it| it.0);
            pipe.known && (is_exact || by_one)
        };
        match only(&self.pipes, may_be).filter(|&at| certain(&self.pipes[at])) {
            Some(at) => {
                let taken: Vec<(usize, char)> = self.pipes[at].holds.drain(..len).collect();
                self.pipes[at].known = is_exact;
                for part in taken.chunk_by(|one, next| one.0 == next.0) {
                    let bytes: String = part.iter().map(|&(_, c)| c).collect();
                    self.send(part[0].0, here, format!("{bytes:?}"));
                }
            }
            None => {
                let same = self.pipes.iter_mut().filter(|pipe| pipe.stream == stream);
                same.for_each(|pipe| pipe.known = false);
            }
        }
    }

    fn handed_exit(&mut self, here: Here<'a>, status: &str) {
        if !self.queued_exits.is_empty() {
            if let Some(at) = only(&self.queued_exits, |_| true) {
                let from = self.queued_exits.remove(at);
                self.send(from, here, "the exit");
            }
            return;
        }
        if let Some(at) = only(&self.reaped, |(_, whom)| *whom == Some(status)) {
            let (by, _) = self.reaped.remove(at);
            self.send(by.row, here, "the exit");
        }
    }
}
