//! The contract as an online checker: the one oracle for core, explorer, fuzzers and ports.
//!
//! A [`Monitor`] is fed each accepted input with the [`Step`] that followed from it, and names the
//! first rule that the history breaks. It knows the vocabulary of the machine and nothing of its
//! insides, so that it can watch any implementation. Rules that no history of one machine can
//! show (C17 stdin, C18 clean child, C19 attach, C20 boxes) are held by tests of the drivers.

mod rule;
mod watch;

pub use rule::{Broken, Rule, Violation};

use core::hash::{Hash, Hasher};

use crate::machine::{
    Actions, Chunk, Cut, DrainPolicy, End, Event, Full, Input, Killed, OutputLimit, Over,
    PerStream, Policy, PumpAction, Reply, Resolved, Signal, SignalSet, Status, Step, StreamId,
    Streams, Target, Terminal, Timer, TimerAction, Until,
};
use watch::Watch;

/// Checks one execution, and counts its steps.
#[derive(Clone, Debug)]
pub struct Monitor<C> {
    steps: u64,
    history: History<C>,
}

impl<C: Chunk + Clone + Eq> Monitor<C> {
    /// A monitor for an execution that has not started.
    pub fn new(streams: Streams, policy: Policy) -> Self {
        Monitor { steps: 0, history: History::new(streams, policy) }
    }

    /// Takes note of one accepted input and of what followed from it.
    ///
    /// # Errors
    ///
    /// [`Violation`] names the rule that this step breaks, and the step, counted from 1.
    pub fn observe(&mut self, input: &Input<C>, step: &Step<C>) -> Result<(), Violation> {
        self.steps += 1;
        self.history.observe(input, step).map_err(|broken| broken.at(self.steps))
    }

    /// Checks what must hold when nothing more can happen: the terminal came, nobody waits.
    ///
    /// # Errors
    ///
    /// [`Violation`] names the rule, and the last step.
    pub fn finish(&self) -> Result<(), Violation> {
        self.history.finish().map_err(|broken| broken.at(self.steps))
    }

    /// What it remembers.
    pub fn history(&self) -> &History<C> {
        &self.history
    }

    /// Steps observed.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// What the contract needs to remember of a history: a [`Monitor`] without its step count, so
/// that two histories with the same future are equal.
#[derive(Debug, PartialEq, Eq)]
pub struct History<C> {
    policy: Policy,
    streams: Streams,
    start: Start,
    reaped: Option<Status>,
    /// The bound of a close or shutdown has run out.
    forced: bool,
    consumer_gone: bool,
    closed: bool,
    shutting_down: bool,
    terminal_delivered: bool,
    waiting: Resolved,
    latched: SignalSet,
    /// Causes that had their reason before the reap.
    reasons: Reasons,
    kill_signals: SignalSet,
    watches: PerStream<Watch<C>>,
}

// `clone_from` keeps the buffers: the explorer makes a million copies, and keeps few.
impl<C: Clone> Clone for History<C> {
    fn clone(&self) -> Self {
        History { watches: self.watches.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        let History {
            policy,
            streams,
            start,
            reaped,
            forced,
            consumer_gone,
            closed,
            shutting_down,
            terminal_delivered,
            waiting,
            latched,
            reasons,
            kill_signals,
            watches,
        } = source;
        self.watches.clone_from(watches);
        (self.policy, self.streams, self.start) = (*policy, *streams, *start);
        (self.reaped, self.forced, self.consumer_gone) = (*reaped, *forced, *consumer_gone);
        (self.closed, self.shutting_down) = (*closed, *shutting_down);
        (self.terminal_delivered, self.waiting) = (*terminal_delivered, *waiting);
        (self.latched, self.reasons, self.kill_signals) = (*latched, *reasons, *kill_signals);
    }
}

// Policy and streams are fixed at the start: they tell no two histories of one execution apart.
impl<C: Hash> Hash for History<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let History {
            policy: _,
            streams: _,
            start,
            reaped,
            forced,
            consumer_gone,
            closed,
            shutting_down,
            terminal_delivered,
            waiting,
            latched,
            reasons,
            kill_signals,
            watches,
        } = self;
        (start, reaped, forced, consumer_gone, closed, shutting_down).hash(state);
        (terminal_delivered, waiting, latched, reasons, kill_signals, watches).hash(state);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Start {
    Pending,
    Started,
    Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Reasons {
    timed_out: bool,
    cancelled: bool,
    stalled: bool,
}

type Checked = Result<(), Broken>;

fn hold(rule: Rule, holds: bool, why: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(Broken { rule, why }) }
}

impl<C: Chunk + Clone + Eq> History<C> {
    /// A history in which nothing has happened.
    pub fn new(streams: Streams, policy: Policy) -> Self {
        History {
            policy,
            streams,
            start: Start::Pending,
            reaped: None,
            forced: false,
            consumer_gone: false,
            closed: false,
            shutting_down: false,
            terminal_delivered: false,
            waiting: Resolved::default(),
            latched: SignalSet::EMPTY,
            reasons: Reasons::default(),
            kill_signals: SignalSet::EMPTY,
            watches: PerStream::from_fn(|_| Watch::default()),
        }
    }

    /// Takes note of one accepted input and of what followed from it.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule that this step breaks.
    pub fn observe(&mut self, input: &Input<C>, step: &Step<C>) -> Checked {
        let was_reaped = self.reaped.is_some();
        hold(
            Rule::C14,
            self.start != Start::Refused || step.event.is_none() && step.actions.is_empty(),
            "a refused start was followed by an event or an action",
        )?;
        self.check_teardown_clock(input, &step.actions)?;
        self.note_input(input, step)?;
        self.check_signals(input, &step.actions, was_reaped)?;
        self.note_actions(&step.actions)?;
        if let Input::Drain = input {
            self.check_delivery(step.event.as_ref())?;
        } else {
            hold(Rule::C4, step.event.is_none(), "an event was handed over that nobody took")?;
        }
        self.check_waiters(input, step)?;
        self.check_bounds(input)
    }

    // What came.

    fn note_input(&mut self, input: &Input<C>, step: &Step<C>) -> Checked {
        match input {
            Input::Started => self.start = Start::Started,
            Input::Refused => self.start = Start::Refused,
            Input::Chunk(id, chunk) => {
                self.check_pump()?;
                self.watches[*id].note_chunk(chunk, self.consumer_gone)?;
            }
            Input::Eof(id) => {
                self.check_pump()?;
                self.watches[*id].note_source_end(End::Eof)?;
            }
            Input::ReadError(id, errno) => {
                self.check_pump()?;
                self.watches[*id].note_source_end(End::ReadError(*errno))?;
            }
            Input::Empty(id) => self.watches[*id].note_empty(),
            Input::Reap { status, standing } => {
                hold(Rule::C2, self.reaped.is_none(), "the root was reaped twice")?;
                self.reaped = Some(*status);
                for &id in self.streams.ids() {
                    self.watches[id].note_reap(standing[id], &self.policy.drain);
                }
            }
            Input::Drain => {}
            Input::Wait(Until::Exited) => self.waiting.exited += 1,
            Input::Wait(Until::Terminal) => self.waiting.terminal += 1,
            Input::CancelWait(Until::Exited) => {
                self.waiting.exited = self.waiting.exited.saturating_sub(1);
            }
            Input::CancelWait(Until::Terminal) => {
                self.waiting.terminal = self.waiting.terminal.saturating_sub(1);
            }
            Input::Signal(signal) => self.note_signal(*signal, step.reply)?,
            Input::Kill => {
                self.check_reply(step.reply)?;
                self.reasons.cancelled |= self.reaped.is_none();
            }
            Input::Discard(id) => self.watches[*id].discarded = true,
            Input::Detach => self.note_consumer_gone(),
            Input::Close => {
                self.closed = true;
                self.reasons.cancelled |= self.reaped.is_none();
                self.note_consumer_gone();
            }
            Input::Shutdown => {
                self.shutting_down |= !self.terminal_delivered;
                self.reasons.cancelled |= self.reaped.is_none();
            }
            Input::Timeout(timer) => self.note_timeout(*timer),
        }
        Ok(())
    }

    fn check_pump(&self) -> Checked {
        hold(Rule::C14, self.start == Start::Started, "a pump spoke before the start")?;
        hold(Rule::C2, !self.terminal_delivered, "bytes were accepted after the terminal")
    }

    fn note_signal(&mut self, signal: Signal, reply: Reply) -> Checked {
        if self.start == Start::Pending {
            self.latched.insert(signal);
        }
        self.check_reply(reply)
    }

    fn check_reply(&self, reply: Reply) -> Checked {
        let expected = match (self.start, self.reaped.is_some() || self.forced) {
            (Start::Pending, _) => Reply::Latched,
            (Start::Started | Start::Refused, true) => Reply::AlreadyExited,
            (Start::Started | Start::Refused, false) => Reply::Done,
        };
        hold(Rule::C16, reply == expected, "the answer to a signal does not say what became of it")
    }

    fn note_consumer_gone(&mut self) {
        self.consumer_gone = true;
        for watch in self.watches.iter_mut() {
            watch.discarded = true;
            watch.forget();
        }
    }

    fn note_timeout(&mut self, timer: Timer) {
        match timer {
            Timer::Timeout => self.reasons.timed_out = true,
            Timer::Stall => self.reasons.stalled = true,
            Timer::Grace => {}
            Timer::Close | Timer::Shutdown => self.forced = true,
            Timer::Idle(id) => self.watches[id].note_due(Cut::Idle),
            Timer::Deadline(id) => self.watches[id].note_due(match self.policy.drain {
                DrainPolicy::Idle { .. } => Cut::Max,
                DrainPolicy::After(_) | DrainPolicy::UntilEof => Cut::After,
            }),
        }
    }

    // What followed for the driver.

    /// Whoever closes or shuts down again has the bound of the first time.
    fn check_teardown_clock(&self, input: &Input<C>, actions: &Actions) -> Checked {
        let arms =
            |timer| matches!(actions.timer(timer), Some(TimerAction::Arm | TimerAction::ArmHeld));
        let closed_again = matches!(input, Input::Close) && self.closed;
        hold(
            Rule::C11,
            !(closed_again && arms(Timer::Close)),
            "a second close put off the bound of the first",
        )?;
        let shut_down_again = matches!(input, Input::Shutdown) && self.shutting_down;
        hold(
            Rule::C13,
            !(shut_down_again && arms(Timer::Shutdown)),
            "a second shutdown put off the bound of the first",
        )
    }

    fn check_signals(&mut self, input: &Input<C>, actions: &Actions, was_reaped: bool) -> Checked {
        let signals = actions.signals();
        if let Input::Started = input {
            let sent = self.latched.iter().all(|signal| signals.contains(signal));
            hold(Rule::C16, sent, "a signal asked for before the pid existed was forgotten")?;
        }
        if let (Input::Close, Start::Started, false) = (input, self.start, was_reaped) {
            let killed = signals.contains(Signal::KILL) || self.forced;
            hold(Rule::C11, killed, "a close left the root running")?;
        }
        if signals.is_empty() {
            return Ok(());
        }
        hold(Rule::C16, self.start == Start::Started, "a signal was sent before the start")?;
        let to_group = matches!(self.policy.kill.target, Target::Group)
            && matches!(
                input,
                Input::Reap { .. } | Input::Close | Input::Shutdown | Input::Timeout(_)
            );
        hold(
            Rule::C16,
            self.reaped.is_none() || to_group,
            "a root that has been reaped was signalled",
        )?;
        if self.reaped.is_none() && !matches!(input, Input::Signal(_)) {
            // A signal that the caller asked for before the start is not a kill of ours, unless
            // he asked for a kill too.
            let only_asked = matches!(input, Input::Started) && !self.reasons.cancelled;
            let asked = |signal: &Signal| only_asked && self.latched.contains(*signal);
            signals
                .iter()
                .filter(|signal| !asked(signal))
                .for_each(|signal| self.kill_signals.insert(signal));
        }
        Ok(())
    }

    fn note_actions(&mut self, actions: &Actions) -> Checked {
        for &id in self.streams.ids() {
            let may_cut = self.closed || self.forced;
            if let Some(pump) = actions.pump(id) {
                let watch = &mut self.watches[id];
                match pump {
                    PumpAction::Pause => watch.note_pause(&self.policy)?,
                    PumpAction::Resume => watch.note_resume(),
                    PumpAction::Abandon => {
                        watch.note_abandon(self.reaped.is_some(), may_cut, self.shutting_down)?;
                    }
                }
            }
            for timer in [Timer::Idle(id), Timer::Deadline(id)] {
                if let Some(action) = actions.timer(timer) {
                    self.watches[id].note_timer(timer, action);
                }
            }
        }
        Ok(())
    }

    // What followed for the consumer.

    fn check_delivery(&mut self, event: Option<&Event<C>>) -> Checked {
        let Some(event) = event else {
            return self.check_nothing_withheld();
        };
        hold(Rule::C11, !self.consumer_gone, "an event was delivered after the consumer was gone")?;
        hold(Rule::C2, !self.terminal_delivered, "an event followed the terminal")?;
        match event {
            Event::Chunk { stream, chunk } => {
                self.check_stream(*stream)?;
                self.watches[*stream].check_chunk(chunk, &self.policy)
            }
            Event::Gap { stream, bytes } => {
                self.check_stream(*stream)?;
                self.watches[*stream].check_gap(*bytes, &self.policy, self.forced)
            }
            Event::End { stream, end } => {
                self.check_stream(*stream)?;
                self.watches[*stream].check_end(*end, &self.policy, self.shutting_down)
            }
            Event::Exit(terminal) => {
                self.terminal_delivered = true;
                self.check_terminal(terminal)
            }
        }
    }

    fn check_stream(&self, stream: StreamId) -> Checked {
        hold(Rule::C15, self.streams.contains(stream), "an event of a stream that does not exist")
    }

    fn check_nothing_withheld(&self) -> Checked {
        if self.consumer_gone || self.terminal_delivered || self.start != Start::Started {
            return Ok(());
        }
        let mut ids = self.streams.ids().iter();
        let withheld = ids.clone().any(|&id| self.watches[id].withholds(&self.policy));
        hold(Rule::C1, !withheld, "the consumer asked and was not given what had been read")?;
        let ended = ids.all(|&id| self.watches[id].end_delivered.is_some());
        let due = ended && (self.reaped.is_some() || self.forced);
        hold(Rule::C5, !due, "the root is reaped, every stream has ended, and no terminal came")
    }

    fn check_terminal(&self, terminal: &Terminal) -> Checked {
        for &id in self.streams.ids() {
            let watch = &self.watches[id];
            hold(Rule::C1, !watch.has_pending(), "the terminal overtook bytes that were read")?;
            let ended = watch.end_delivered.is_some();
            hold(Rule::C1, ended, "the terminal overtook the end of a stream")?;
            hold(
                Rule::C8,
                watch.matches(id, terminal.streams[id].as_ref()),
                "the report of a stream does not match what was delivered",
            )?;
        }
        match self.reaped {
            Some(status) => hold(
                Rule::C9,
                terminal.status == status,
                "the status is not the one that was reaped",
            )?,
            None => hold(
                Rule::C9,
                self.forced && matches!(terminal.status, Status::Forced),
                "a status without a reap",
            )?,
        }
        self.check_cause(terminal)
    }

    fn check_cause(&self, terminal: &Terminal) -> Checked {
        let cause = terminal.cause;
        let claimed = [cause.timed_out, cause.cancelled, cause.output_limit, cause.stalled];
        let excused = [
            self.reasons.timed_out,
            self.reasons.cancelled,
            self.is_over_limit(),
            self.reasons.stalled,
        ];
        let invented = claimed.iter().zip(excused).any(|(&claimed, excused)| claimed && !excused);
        hold(Rule::C10, !invented, "a cause is reported that was not one")?;
        match cause.killed_by_us {
            Some(Killed { signal, escalated }) => {
                // A signal sent at the start may have been asked for twice: as itself, by a kill.
                let sent = |signal| self.kill_signals.contains(signal);
                let done = sent(signal) || self.latched.contains(signal);
                hold(
                    Rule::C10,
                    done && claimed.contains(&true),
                    "a kill is reported that was not done",
                )?;
                hold(
                    Rule::C10,
                    escalated == (signal != Signal::KILL && sent(Signal::KILL))
                        || self.latched.contains(Signal::KILL),
                    "whether SIGKILL was needed is not what happened",
                )
            }
            None => hold(
                Rule::C10,
                self.kill_signals.is_empty() && !claimed.contains(&true),
                "a kill was done and is not reported",
            ),
        }
    }

    /// Whether a stream has passed a limit for which we kill.
    fn is_over_limit(&self) -> bool {
        self.policy.limit.is_some_and(|OutputLimit { bytes_max, over }| {
            matches!(over, Over::Kill)
                && self.watches.iter().any(|watch| watch.has_read_more_than(bytes_max))
        })
    }

    // What must hold after every step.

    fn ended(&self) -> bool {
        let closed = |&id: &StreamId| self.watches[id].is_closed();
        self.forced || self.reaped.is_some() && self.streams.ids().iter().all(closed)
    }

    fn is_reached(&self, until: Until) -> bool {
        let refused = self.start == Start::Refused;
        match until {
            Until::Exited => refused || self.reaped.is_some() || self.forced,
            Until::Terminal => {
                refused
                    || self.terminal_delivered
                    || (self.consumer_gone || self.forced) && self.ended()
            }
        }
    }

    fn check_waiters(&mut self, input: &Input<C>, step: &Step<C>) -> Checked {
        for until in [Until::Exited, Until::Terminal] {
            let waiting = self.waiting.of(until);
            let resolved = step.resolved.of(until);
            if self.is_reached(until) {
                let rule =
                    if let Input::Timeout(Timer::Shutdown) = input { Rule::C13 } else { Rule::C4 };
                hold(
                    rule,
                    resolved == waiting,
                    "what was waited for is there, and somebody waits",
                )?;
            } else {
                hold(Rule::C4, resolved == 0, "a wait was resolved before its time")?;
            }
        }
        self.waiting.exited -= step.resolved.exited;
        self.waiting.terminal -= step.resolved.terminal;
        Ok(())
    }

    fn check_bounds(&self, input: &Input<C>) -> Checked {
        for &id in self.streams.ids() {
            let watch = &self.watches[id];
            watch.check_buffer(&self.policy)?;
            if self.reaped.is_none() || self.shutting_down {
                continue;
            }
            let left_open = watch.discarded && !watch.is_closed();
            hold(Rule::C15, !left_open, "a stream that nobody takes holds back the terminal")?;
            watch.check_drain_clock(&self.policy)?;
        }
        if let (Input::Close, Some(_)) = (input, self.reaped) {
            hold(Rule::C11, self.ended(), "a close after the reap left a stream open")?;
        }
        Ok(())
    }

    /// Checks what must hold when nothing more can happen.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule.
    pub fn finish(&self) -> Checked {
        if self.start == Start::Pending {
            return Ok(());
        }
        let over = self.is_reached(Until::Terminal)
            || matches!(self.policy.drain, DrainPolicy::UntilEof)
                && self.reaped.is_some()
                && !self.ended();
        hold(Rule::C6, over, "nothing more can happen, and there is no terminal")?;
        let waiting = self.waiting.exited + self.waiting.terminal;
        hold(Rule::C4, waiting == 0 || !self.is_reached(Until::Terminal), "somebody waits for ever")
    }

    /// Whether the terminal is delivered, or nobody is there to take it.
    pub fn is_over(&self) -> bool {
        self.is_reached(Until::Terminal)
    }
}

/// A drain clock as the driver was told to run it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Clock {
    #[default]
    Off,
    Running,
    Held,
}

impl Clock {
    fn apply(&mut self, action: TimerAction) {
        *self = match (action, *self) {
            (TimerAction::Arm, _) => Clock::Running,
            (TimerAction::ArmHeld, _) => Clock::Held,
            (TimerAction::Hold, Clock::Running) => Clock::Held,
            (TimerAction::Resume, Clock::Held) => Clock::Running,
            (TimerAction::Disarm, _) => Clock::Off,
            (TimerAction::Hold | TimerAction::Resume, now) => now,
        };
    }
}

fn buffer_is_bounded(policy: &Policy) -> bool {
    policy.limit.is_none() && !matches!(policy.buffer.full, Full::Gap)
}
