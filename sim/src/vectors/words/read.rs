//! Values from words. What is not of the form is told, never guessed.

use lastbyte::machine::{
    Action, Actions, Cause, Cut, End, Errno, Event, Input, Killed, PerStream, PumpAction, Reply,
    Resolved, Signal, Status, Step, StreamId, StreamReport, Streams, Terminal, Timer, TimerAction,
    Until,
};

use super::Text;

/// What is wrong with some words.
pub type Read<T> = Result<T, String>;

/// The words of one value, taken from the left.
struct Words<'a> {
    all: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn new(all: &'a str) -> Self {
        Words { all, rest: all }
    }

    /// The next word; empty at the end.
    fn peek(&self) -> &'a str {
        self.rest.split(' ').next().unwrap_or_default()
    }

    fn word(&mut self) -> &'a str {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    fn number<T: std::str::FromStr>(&mut self) -> Read<T> {
        let word = self.word();
        word.parse().map_err(|_| format!("`{}`: `{word}` is no number that fits", self.all))
    }

    /// The next word if it is this one.
    fn has(&mut self, word: &str) -> bool {
        let has = self.peek() == word;
        if has {
            self.word();
        }
        has
    }

    fn no<T>(&self, what: &str, word: &str) -> Read<T> {
        Err(format!("`{}`: `{word}` is no {what}", self.all))
    }

    /// The value, if nothing is left.
    fn end<T>(&self, value: T) -> Read<T> {
        if self.rest.is_empty() {
            Ok(value)
        } else {
            Err(format!("`{}`: `{}` is too much", self.all, self.rest))
        }
    }

    fn stream(&mut self) -> Read<StreamId> {
        let word = self.word();
        let known = StreamId::ALL.into_iter().find(|id| id.name() == word);
        known.map_or_else(|| self.no("stream", word), Ok)
    }

    fn signal(&mut self) -> Read<Signal> {
        let number = self.number()?;
        Signal::new(number).map_or_else(|| self.no("signal", &number.to_string()), Ok)
    }

    fn text(&mut self) -> Read<Text> {
        let text = std::mem::take(&mut self.rest);
        Text::read(text).map_or_else(|| self.no("text of bytes", text), Ok)
    }

    fn until(&mut self) -> Read<Until> {
        match self.word() {
            "exited" => Ok(Until::Exited),
            "terminal" => Ok(Until::Terminal),
            word => self.no("wait", word),
        }
    }

    fn status(&mut self) -> Read<Status> {
        Ok(match self.word() {
            "exited" => Status::Exited { code: self.number()? },
            "signaled" => Status::Signaled { signal: self.signal()?, core: self.has("core") },
            "unknown" => Status::Unknown(Errno(self.number()?)),
            "lost" => Status::Lost,
            "forced" => Status::Forced,
            word => return self.no("status", word),
        })
    }

    fn stream_end(&mut self) -> Read<End> {
        Ok(match self.word() {
            "eof" => End::Eof,
            "discarded" => End::Discarded,
            "limit" => End::Limit,
            "read_error" => End::ReadError(Errno(self.number()?)),
            "cut" => {
                let word = self.word();
                let cuts = [Cut::After, Cut::Idle, Cut::Max, Cut::Close, Cut::Shutdown];
                match cuts.into_iter().find(|cut| cut.name() == word) {
                    Some(cut) => End::Cut(cut),
                    None => return self.no("cut", word),
                }
            }
            word => return self.no("end", word),
        })
    }

    fn timer(&mut self) -> Read<Timer> {
        Ok(match self.word() {
            "timeout" => Timer::Timeout,
            "grace" => Timer::Grace,
            "stall" => Timer::Stall,
            "close" => Timer::Close,
            "shutdown" => Timer::Shutdown,
            "idle" => Timer::Idle(self.stream()?),
            "deadline" => Timer::Deadline(self.stream()?),
            word => return self.no("timer", word),
        })
    }
}

/// An input.
///
/// # Errors
///
/// Says which word is not of the form.
pub fn input(text: &str) -> Read<Input<Text>> {
    let mut words = Words::new(text);
    let input = match words.word() {
        "started" => Input::Started,
        "refused" => Input::Refused,
        "chunk" => Input::Chunk(words.stream()?, words.text()?),
        "eof" => Input::Eof(words.stream()?),
        "read_error" => Input::ReadError(words.stream()?, Errno(words.number()?)),
        "empty" => Input::Empty(words.stream()?),
        "reap" => {
            let status = words.status()?;
            let mut standing = PerStream::default();
            if words.has("standing") {
                while !words.rest.is_empty() {
                    let id = words.stream()?;
                    standing[id] = words.number()?;
                }
            }
            Input::Reap { status, standing }
        }
        "drain" => Input::Drain,
        "wait" => Input::Wait(words.until()?),
        "cancel_wait" => Input::CancelWait(words.until()?),
        "signal" => Input::Signal(words.signal()?),
        "kill" => Input::Kill,
        "discard" => Input::Discard(words.stream()?),
        "detach" => Input::Detach,
        "close" => Input::Close,
        "shutdown" => Input::Shutdown,
        "timeout" => Input::Timeout(words.timer()?),
        word => return words.no("input", word),
    };
    words.end(input)
}

/// The streams of an execution.
///
/// # Errors
///
/// There are none of that name.
pub fn streams(word: &str) -> Read<Streams> {
    super::policy::STREAMS
        .into_iter()
        .find(|&(name, _)| name == word)
        .map(|(_, streams)| streams)
        .ok_or_else(|| format!("`{word}` is no set of streams"))
}

/// What an implementation answered to one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A step.
    Step(Step<Text>),
    /// It refused.
    Illegal,
}

/// An answer.
///
/// # Errors
///
/// Says which word is not of the form.
pub fn answer(lines: &[String]) -> Read<Answer> {
    if let [line] = lines
        && line.starts_with("illegal ")
    {
        return Ok(Answer::Illegal);
    }
    let mut step = Step::default();
    let mut actions: Vec<Action> = Vec::new();
    let mut terminal = None;
    for line in lines {
        let mut words = Words::new(line);
        match words.word() {
            "chunk" => {
                let (stream, chunk) = (words.stream()?, words.text()?);
                step.event = Some(Event::Chunk { stream, chunk });
            }
            "gap" => {
                let (stream, bytes) = (words.stream()?, words.number()?);
                step.event = Some(Event::Gap { stream, bytes });
            }
            "end" => {
                let (stream, end) = (words.stream()?, words.stream_end()?);
                step.event = Some(Event::End { stream, end });
            }
            name @ ("exit" | "terminal") => {
                let status = words.status()?;
                let cause = Cause::default();
                terminal = Some(Terminal { status, cause, streams: PerStream::default() });
                // What a waiter is told is no event.
                if name == "exit" {
                    step.event = terminal.map(Event::Exit);
                }
            }
            "cause" | "killed_by_us" | "report" => {
                let Some(terminal) = &mut terminal else {
                    return Err(format!("`{line}` belongs to no exit"));
                };
                report(&mut Words::new(line), terminal)?;
                if let Some(Event::Exit(exit)) = &mut step.event {
                    *exit = *terminal;
                }
                continue;
            }
            "resolved" => {
                let until = words.until()?;
                let Resolved { exited, terminal } = &mut step.resolved;
                match until {
                    Until::Exited => *exited = words.number()?,
                    Until::Terminal => *terminal = words.number()?,
                }
            }
            "reply" => {
                step.reply = match words.word() {
                    "latched" => Reply::Latched,
                    "already_exited" => Reply::AlreadyExited,
                    word => return words.no("reply", word),
                }
            }
            "ready" => step.ready = true,
            _ => {
                actions.push(action(&mut Words::new(line))?);
                continue;
            }
        }
        words.end(())?;
    }
    step.actions = actions.into_iter().collect::<Actions>();
    Ok(Answer::Step(step))
}

fn report(words: &mut Words<'_>, terminal: &mut Terminal) -> Read<()> {
    match words.word() {
        "cause" => match words.word() {
            "timed_out" => terminal.cause.timed_out = true,
            "cancelled" => terminal.cause.cancelled = true,
            "output_limit" => terminal.cause.output_limit = true,
            "stalled" => terminal.cause.stalled = true,
            word => return words.no("cause", word),
        },
        "killed_by_us" => {
            let (signal, escalated) = (words.signal()?, words.has("escalated"));
            terminal.cause.killed_by_us = Some(Killed { signal, escalated });
        }
        _ => {
            let stream = words.stream()?;
            let (delivered, dropped) = (words.number()?, words.number()?);
            let (end, held) = (words.stream_end()?, words.has("held"));
            terminal.streams[stream] = Some(StreamReport { stream, end, delivered, dropped, held });
        }
    }
    words.end(())
}

fn action(words: &mut Words<'_>) -> Read<Action> {
    let name = words.word();
    let pump = match name {
        "pause" => Some(PumpAction::Pause),
        "resume" => Some(PumpAction::Resume),
        "abandon" => Some(PumpAction::Abandon),
        _ => None,
    };
    let is_stream = StreamId::ALL.into_iter().any(|id| id.name() == words.peek());
    let action = match (name, pump) {
        ("signal", _) => Action::Signal(words.signal()?),
        (_, Some(pump)) if is_stream => Action::Pump(words.stream()?, pump),
        _ => {
            let what = match name {
                "arm" => TimerAction::Arm,
                "arm_held" => TimerAction::ArmHeld,
                "hold" => TimerAction::Hold,
                "resume" => TimerAction::Resume,
                "disarm" => TimerAction::Disarm,
                _ => return words.no("word that follows from an input", name),
            };
            let timer = words.timer()?;
            if let TimerAction::Arm | TimerAction::ArmHeld = what {
                let _milliseconds: u64 = words.number()?;
            }
            Action::Timer(timer, what)
        }
    };
    words.end(action)
}
