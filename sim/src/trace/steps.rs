//! An execution of which each step of its machine is recorded: the monitor judges the steps, and what
//! they were told of the time judges the clocks.

#[cfg(test)]
mod tests;

use lastbyte::{
    machine::{
        Action, Input, PerStream, Policy, PumpAction, Step, StreamId, Streams, Timer, TimerAction,
    },
    monitor::{Broken, Monitor, Rule},
};

use super::values::Read;
use crate::vectors::words::{
    Text, policy,
    read::{self, Answer},
    told,
};

/// A clock may be read a little early, and a timer rounds: so many nanoseconds are no fault.
const EARLY_NS: u64 = 1_000_000;

/// What is recorded step by step.
#[derive(Debug)]
pub(super) struct Begun {
    streams: Streams,
    policy: Policy,
}

/// One step, as it was recorded.
#[derive(Debug)]
pub(super) struct Made {
    /// In the words of the vectors, to be drawn.
    pub(super) told: String,
    pub(super) follows: Vec<String>,
    input: Input<Text>,
    answer: Answer,
    /// Nanoseconds on a clock of the program's.
    at: Option<u64>,
}

impl Begun {
    pub(super) fn read(outputs: &[StreamId], lines: &[String]) -> Read<Self> {
        let policy = policy::read(lines).map_err(|why| ("policy", why))?;
        policy.check().map_err(|invalid| ("policy", invalid.to_string()))?;
        let all = policy::STREAMS.into_iter().map(|(_, streams)| streams);
        let streams = all.into_iter().find(|streams| streams.ids() == outputs);
        let none = "no execution has just these streams, in this order";
        Ok(Begun { streams: streams.ok_or_else(|| ("outputs", none.to_owned()))?, policy })
    }
}

impl Made {
    pub(super) fn read(told: &str, follows: Vec<String>, at: Option<f64>) -> Read<Self> {
        let input = read::input(told).map_err(|why| ("input", why))?;
        let answer = read::answer(&follows).map_err(|why| ("follows", why))?;
        let at = at.map(nanoseconds).transpose()?;
        Ok(Made { told: told.to_owned(), follows, input, answer, at })
    }
}

/// Milliseconds as nanoseconds.
fn nanoseconds(ms: f64) -> Read<u64> {
    let wrong = || ("at", format!("no time {ms}; it is milliseconds since some moment, from 0"));
    let elapsed = std::time::Duration::try_from_secs_f64(ms / 1000.0).map_err(|_| wrong())?;
    u64::try_from(elapsed.as_nanos()).map_err(|_| wrong())
}

/// One execution of a trace.
#[derive(Debug)]
pub(super) struct Steps {
    monitor: Monitor<Text>,
    streams: Streams,
    policy: Policy,
    clocks: Vec<(Timer, Clock)>,
    now: Option<u64>,
    reaped: bool,
    /// Nothing more is read of it.
    ended: PerStream<bool>,
    consumer_gone: bool,
}

#[derive(Clone, Copy, Debug)]
enum Clock {
    Running { due: u64 },
    Held { left: u64 },
}

type Checked = Result<(), Broken>;

fn hold(rule: Rule, holds: bool, why: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(Broken { rule, why }) }
}

impl Steps {
    pub(super) fn new(begun: &Begun) -> Self {
        Steps {
            monitor: Monitor::new(begun.streams, begun.policy),
            streams: begun.streams,
            policy: begun.policy,
            clocks: Vec::new(),
            now: None,
            reaped: false,
            ended: PerStream::default(),
            consumer_gone: false,
        }
    }

    /// Whether nothing has happened.
    pub(super) fn is_fresh(&self) -> bool {
        self.monitor.steps() == 0
    }

    pub(super) fn is_over(&self) -> bool {
        self.monitor.history().is_over()
    }

    /// Whether nothing has to follow any more.
    pub(super) fn is_settled(&self) -> bool {
        self.is_over() && self.monitor.finish().is_ok()
    }

    /// What must hold when nothing more can happen.
    pub(super) fn finish(&self) -> Checked {
        self.monitor.finish().map_err(|it| Broken { rule: it.rule, why: it.why })
    }

    /// Says what is wrong with the time of a line, which goes on and is in all lines or in none.
    pub(super) fn check_form(&self, made: &Made) -> Result<(), String> {
        match (self.now, made.at) {
            (Some(now), Some(at)) if at < now => {
                Err("`at` is before that of an earlier line of this execution".to_owned())
            }
            (Some(_), None) => {
                Err("no `at`, which earlier lines of this execution have".to_owned())
            }
            (None, Some(_)) if !self.is_fresh() => {
                Err("`at`, which earlier lines of this execution do not have".to_owned())
            }
            (Some(_) | None, Some(_)) | (None, None) => Ok(()),
        }
    }

    /// Takes note of a step. One that was refused has changed nothing.
    pub(super) fn see(&mut self, made: &Made) -> Checked {
        self.now = made.at;
        let Answer::Step(step) = &made.answer else { return Ok(()) };
        if let (Input::Timeout(timer), Some(at)) = (&made.input, made.at) {
            self.check_time_out(*timer, at)?;
        }
        self.monitor
            .observe(&made.input, step)
            .map_err(|it| Broken { rule: it.rule, why: it.why })?;
        for action in step.actions.list(self.streams) {
            if let Action::Timer(timer, what) = action {
                self.check_length(action, &made.follows)?;
                self.set(timer, what, made.at.unwrap_or_default());
            }
        }
        self.check_available(&made.input, step)
    }

    /// The terminal stands as soon as it can, which a driver is told by `ready`.
    fn check_available(&mut self, input: &Input<Text>, step: &Step<Text>) -> Checked {
        match input {
            Input::Reap { .. } => self.reaped = true,
            Input::Eof(stream) | Input::ReadError(stream, _) => self.ended[*stream] = true,
            Input::Detach | Input::Close => self.consumer_gone = true,
            Input::Started
            | Input::Refused
            | Input::Chunk(..)
            | Input::Empty(_)
            | Input::Drain
            | Input::Wait(_)
            | Input::CancelWait(_)
            | Input::Signal(_)
            | Input::Kill
            | Input::Discard(_)
            | Input::Shutdown
            | Input::Timeout(_) => {}
        }
        let ids = self.streams.ids();
        for &id in ids {
            self.ended[id] |= step.actions.pump(id) == Some(PumpAction::Abandon);
        }
        let over = self.consumer_gone || self.is_over();
        let due = self.reaped && ids.iter().all(|&id| self.ended[id]) && !over;
        let why = "the root is reaped and every stream has ended, and nothing is ready";
        hold(Rule::C5, !due || step.ready, why)
    }

    /// A timer runs for its length, not counting the time that it stood still.
    fn check_time_out(&mut self, timer: Timer, at: u64) -> Checked {
        let place = self.clocks.iter().position(|(of, _)| *of == timer);
        let Some((_, clock)) = place.map(|place| self.clocks.swap_remove(place)) else {
            return hold(Rule::C6, false, "a timer ran out that was not armed");
        };
        match clock {
            Clock::Held { .. } => hold(Rule::C6, false, "a timer ran out while it stood still"),
            Clock::Running { due } => {
                let why = "a timer ran out before its time";
                hold(Rule::C6, at.saturating_add(EARLY_NS) >= due, why)
            }
        }
    }

    fn check_length(&self, action: Action, follows: &[String]) -> Checked {
        let expected = told::action(action, &self.policy);
        let why = "a timer was armed for another time than the policy has";
        hold(Rule::C6, follows.contains(&expected), why)
    }

    fn set(&mut self, timer: Timer, what: TimerAction, now: u64) {
        let before = self.clocks.iter().position(|(of, _)| *of == timer);
        let before = before.map(|place| self.clocks.swap_remove(place).1);
        let length = u64::try_from(self.policy.delay(timer).as_nanos()).unwrap_or(u64::MAX);
        let after = match (what, before) {
            (TimerAction::Arm, _) => Some(Clock::Running { due: now.saturating_add(length) }),
            (TimerAction::ArmHeld, _) => Some(Clock::Held { left: length }),
            (TimerAction::Hold, Some(Clock::Running { due })) => {
                Some(Clock::Held { left: due.saturating_sub(now) })
            }
            (TimerAction::Resume, Some(Clock::Held { left })) => {
                Some(Clock::Running { due: now.saturating_add(left) })
            }
            (TimerAction::Disarm, _) => None,
            (TimerAction::Hold | TimerAction::Resume, as_it_was) => as_it_was,
        };
        self.clocks.extend(after.map(|clock| (timer, clock)));
    }
}
