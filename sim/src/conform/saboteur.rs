//! Saboteur ports: the machine with one bug that real stacks have had, to prove that the kit finds it
//! at the right rule.

use std::time::Duration;

use lastbyte::{
    machine::{
        Action, Actions, BufferPolicy, Cause, DrainPolicy, End, Event, Illegal, Input,
        InvalidPolicy, Machine, PerStream, Policy, PumpAction, Reply, Signal, Status, Step,
        Streams, Terminal, Timer, TimerAction, Until, Why,
    },
    monitor::Rule,
};

use crate::vectors::words::Text;

/// Makes the bugs: what each is called, what it does, and the rules at which it is found; the first
/// is the one that it is about.
macro_rules! bugs {
    ($($(#[doc = $about:literal])+ $bug:ident $name:literal [$($rule:ident)*],)*) => {
        /// A bug that a port's machine can have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Bug {
            $($(#[doc = $about])+ $bug,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$bug,)*];

            /// What `--bug` calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Bug::$bug => $name,)* }
            }

            /// What it does, in a line.
            pub const fn about(self) -> &'static str {
                match self { $(Bug::$bug => concat!($($about),+),)* }
            }

            /// The rules at which it is found: the one that it is about, then others that break too.
            pub const fn rules(self) -> &'static [Rule] {
                match self { $(Bug::$bug => &[$(Rule::$rule),*],)* }
            }
        }
    };
}

bugs! {
    /// The exit is handed over when the root is reaped, and not after its output.
    ExitBeforeEnd "exit-before-end" [C1 C8],
    /// Bytes are taken although their stream has ended.
    BytesAfterEnd "bytes-after-end" [C1],
    /// What is asked for after the exit gets the exit again.
    TwoTerminals "two-terminals" [C2],
    /// Each chunk is decoded as text.
    TextPerChunk "text-per-chunk" [C3],
    /// Who waits for the terminal is told at the reap.
    WaitAtReap "wait-at-reap" [C4],
    /// Who goes takes all that wait for the same with him.
    CancelsAll "cancels-all" [C4],
    /// The exit is there one step late.
    LateTerminal "late-terminal" [C5],
    /// Nobody is told that there is an event.
    NeverReady "never-ready" [C5 C13 C15],
    /// Silence has no cap.
    IdleWithoutCap "idle-without-cap" [C6],
    /// A clock cuts, whatever the next read would have found.
    TimerBeatsRead "timer-beats-read" [C6 C7],
    /// What stood in the pipes at the reap is not asked for.
    StandingForgotten "standing-forgotten" [C7 C8],
    /// A cut is told as an end.
    CutAsEof "cut-as-eof" [C9 C8],
    /// What was dropped leaves no gap.
    GapHidden "gap-hidden" [C1 C3],
    /// Nobody is told that somebody holds a stream.
    HolderHidden "holder-hidden" [C8],
    /// A read that fails is an end.
    ReadErrorIsEof "read-error-is-eof" [C9 C6 C8],
    /// A wait that fails is an exit with 0.
    WaitErrorIsExit "wait-error-is-exit" [C9],
    /// Exit code 137 is SIGKILL.
    CodeIsSignal "code-is-signal" [C9],
    /// A kill that found nobody is the cause all the same.
    KillInvented "kill-invented" [C10],
    /// Each kill is told to have needed SIGKILL.
    EscalationInvented "escalation-invented" [C10],
    /// A close only sends the consumer away.
    CloseIsDetach "close-is-detach" [C11],
    /// Buffers have no bound.
    Unbounded "unbounded" [C12 C8],
    /// A pump that was paused stays so.
    NeverResumes "never-resumes" [C12 C15],
    /// Nobody looks whether the consumer has stopped.
    StallIgnored "stall-ignored" [C12],
    /// The bound of a shutdown answers nobody.
    ShutdownAlone "shutdown-alone" [C13],
    /// A start that was refused is an exit with 127.
    RefusalIsExit "refusal-is-exit" [C14],
    /// A stream that nobody takes is kept, and waited for.
    DiscardIgnored "discard-ignored" [C15 C2 C3 C5 C6 C8 C12 C14],
    /// A kill after the reap sends its signal.
    KillAfterReap "kill-after-reap" [C16],
    /// What was asked for before the pid is forgotten.
    LatchForgotten "latch-forgotten" [C16 C10],
    /// SIGKILL comes at once, without grace.
    NoGrace "no-grace" [C16 C13],
}

/// What a shim can do wrong whatever its machine answers, from its fourth line on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It dies.
    Dies,
    /// It answers no more.
    Hangs,
    /// It prints something else.
    Rubbish,
    /// It answers the line before.
    Swaps,
    /// It goes on when its input has ended.
    Lingers,
}

/// A bug of the machine, or of the shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Of the machine.
    Bug(Bug),
    /// Of the shim.
    Manner(Manner),
}

const MANNERS: [(&str, Manner); 5] = [
    ("dies", Manner::Dies),
    ("hangs", Manner::Hangs),
    ("rubbish", Manner::Rubbish),
    ("swaps", Manner::Swaps),
    ("lingers", Manner::Lingers),
];

impl Sabotage {
    /// The names of all of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Bug::ALL.iter().map(|bug| bug.name()).chain(MANNERS.map(|(name, _)| name))
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        let bug = Bug::ALL.iter().find(|bug| bug.name() == name);
        let manner = MANNERS.iter().find(|(known, _)| *known == name);
        let manner = manner.map(|&(_, manner)| Sabotage::Manner(manner));
        bug.map(|&bug| Sabotage::Bug(bug)).or(manner)
    }
}

/// The machine, with a bug or without.
#[derive(Debug)]
pub struct Saboteur {
    machine: Machine<Text>,
    bug: Option<Bug>,
    /// The exit that was handed over.
    told: Option<Terminal>,
    /// It was asked for the exit before.
    nudged: bool,
    killed_late: bool,
}

type Stepped = Result<Step<Text>, Illegal>;

impl Saboteur {
    /// A machine that has not started.
    ///
    /// # Errors
    ///
    /// The policy cannot be carried out.
    pub fn new(
        streams: Streams,
        mut policy: Policy,
        bug: Option<Bug>,
    ) -> Result<Self, InvalidPolicy> {
        policy.check()?;
        if bug == Some(Bug::Unbounded) {
            policy.buffer =
                BufferPolicy { bytes_max: u64::MAX, chunks_max: u32::MAX, ..policy.buffer };
        }
        if bug == Some(Bug::NoGrace) {
            policy.kill.grace = Duration::ZERO;
        }
        let machine = Machine::new(streams, policy)?;
        Ok(Saboteur { machine, bug, told: None, nudged: false, killed_late: false })
    }

    /// The machine inside.
    pub fn machine(&self) -> &Machine<Text> {
        &self.machine
    }

    /// One step, as the bug has it.
    ///
    /// # Errors
    ///
    /// As the machine's, where the bug does not forget it.
    pub fn step(&mut self, input: Input<Text>) -> Stepped {
        let Some(bug) = self.bug else { return self.machine.step(input) };
        let before = self.machine.clone();
        let heard = self.misheard(bug, input.clone());
        let stepped = match heard {
            Some(heard) => self.machine.step(heard),
            None => Ok(Step::default()),
        };
        match stepped {
            Ok(step) => Ok(self.mistold(bug, &input, step, before)),
            Err(illegal) => self.misrefused(bug, &input, illegal),
        }
    }

    /// What the machine is told instead; `None`: nothing.
    fn misheard(&self, bug: Bug, input: Input<Text>) -> Option<Input<Text>> {
        Some(match (bug, input) {
            (Bug::TextPerChunk, Input::Chunk(id, Text(bytes))) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                Input::Chunk(id, Text(text.into_bytes()))
            }
            (Bug::StandingForgotten, Input::Reap { status, .. }) => {
                Input::Reap { status, standing: PerStream::default() }
            }
            (Bug::ReadErrorIsEof, Input::ReadError(id, _)) => Input::Eof(id),
            (Bug::WaitErrorIsExit, Input::Reap { status: Status::Unknown(_), standing }) => {
                Input::Reap { status: Status::Exited { code: 0 }, standing }
            }
            (Bug::CodeIsSignal, Input::Reap { status: Status::Exited { code: 137 }, standing }) => {
                let status = Status::Signaled { signal: Signal::KILL, core: false };
                Input::Reap { status, standing }
            }
            (Bug::CloseIsDetach, Input::Close) => Input::Detach,
            (Bug::DiscardIgnored, Input::Discard(id)) if self.machine.streams().contains(id) => {
                return None;
            }
            (_, input) => input,
        })
    }

    /// What is told of a step.
    fn mistold(
        &mut self,
        bug: Bug,
        input: &Input<Text>,
        mut step: Step<Text>,
        before: Machine<Text>,
    ) -> Step<Text> {
        match (bug, input) {
            (Bug::WaitAtReap, Input::Reap { .. }) => {
                step.resolved.terminal += self.cancel_all(Until::Terminal);
            }
            (Bug::CancelsAll, Input::CancelWait(until)) => {
                self.cancel_all(*until);
            }
            (Bug::NeverReady, _) => step.ready = false,
            (Bug::LateTerminal, _) if exit_of(&mut step).is_some() && !self.nudged => {
                self.nudged = true;
                self.machine = before;
                step = Step::default();
            }
            (Bug::TimerBeatsRead, Input::Timeout(Timer::Idle(id) | Timer::Deadline(id))) => {
                if let Ok(look) = self.machine.step(Input::Empty(*id)) {
                    step.actions.merge(&look.actions);
                    step.ready = look.ready;
                }
            }
            (Bug::GapHidden, _) => {
                while let Some(Event::Gap { .. }) = step.event {
                    let Ok(next) = self.machine.step(Input::Drain) else { break };
                    step = next;
                }
            }
            (Bug::ShutdownAlone, Input::Timeout(Timer::Shutdown)) => {
                (step.resolved.exited, step.resolved.terminal) = (0, 0);
            }
            (Bug::KillAfterReap, Input::Kill) if step.reply == Reply::AlreadyExited => {
                step.actions = [Action::Signal(Signal::TERM)].into_iter().collect();
            }
            (Bug::ExitBeforeEnd, Input::Drain) => self.exit_early(&mut step),
            _ => {}
        }
        self.killed_late |= *input == Input::Kill && step.reply == Reply::AlreadyExited;
        self.misdone(bug, input, &mut step);
        self.misreported(bug, &mut step);
        self.told = exit_of(&mut step).copied().or(self.told);
        step
    }

    fn cancel_all(&mut self, until: Until) -> u32 {
        let mut cancelled = 0;
        while self.machine.step(Input::CancelWait(until)).is_ok() {
            cancelled += 1;
        }
        cancelled
    }

    fn exit_early(&self, step: &mut Step<Text>) {
        if let (Some(status), None) = (self.machine.status(), &step.event) {
            let cause = Cause::default();
            let exit = Terminal { status, cause, streams: PerStream::default() };
            step.event = Some(Event::Exit(exit));
        }
    }

    /// What the driver is not told.
    fn misdone(&self, bug: Bug, input: &Input<Text>, step: &mut Step<Text>) {
        let idle = matches!(self.machine.policy().drain, DrainPolicy::Idle { .. });
        let keeps = |action: &Action| match (bug, action) {
            (Bug::IdleWithoutCap, Action::Timer(Timer::Deadline(_), _)) => !idle,
            (Bug::NeverResumes, Action::Pump(_, PumpAction::Resume)) => false,
            (Bug::StallIgnored, Action::Timer(Timer::Stall, TimerAction::Arm)) => false,
            (Bug::LatchForgotten, Action::Signal(_)) => *input != Input::Started,
            _ => true,
        };
        let actions = step.actions.list(self.machine.streams()).filter(keeps);
        step.actions = actions.collect::<Actions>();
    }

    /// What the terminal and the ends of streams do not say.
    fn misreported(&self, bug: Bug, step: &mut Step<Text>) {
        let hide = |end: &mut End| {
            if let (Bug::CutAsEof, End::Cut(_)) = (bug, *end) {
                *end = End::Eof;
            }
        };
        if let Some(Event::End { end, .. }) = &mut step.event {
            hide(end);
        }
        let Some(terminal) = exit_of(step) else { return };
        for report in terminal.streams.iter_mut().flatten() {
            hide(&mut report.end);
            report.held &= bug != Bug::HolderHidden;
        }
        terminal.cause.cancelled |= bug == Bug::KillInvented && self.killed_late;
        if let (Bug::EscalationInvented, Some(killed)) = (bug, &mut terminal.cause.killed_by_us) {
            killed.escalated = true;
        }
    }

    /// What is accepted although it is illegal.
    fn misrefused(&self, bug: Bug, input: &Input<Text>, illegal: Illegal) -> Stepped {
        let exit = match (bug, illegal.why, input) {
            (Bug::BytesAfterEnd, Why::StreamEnded, Input::Chunk(..)) => None,
            (Bug::TwoTerminals, Why::AlreadyDone, Input::Drain) if self.told.is_some() => {
                self.told.map(Event::Exit)
            }
            (Bug::RefusalIsExit, Why::Refused, Input::Drain) => Some(Event::Exit(Terminal {
                status: Status::Exited { code: 127 },
                cause: Cause::default(),
                streams: PerStream::default(),
            })),
            _ => return Err(illegal),
        };
        Ok(Step { event: exit, ..Step::default() })
    }
}

fn exit_of(step: &mut Step<Text>) -> Option<&mut Terminal> {
    match &mut step.event {
        Some(Event::Exit(terminal)) => Some(terminal),
        Some(Event::Chunk { .. } | Event::Gap { .. } | Event::End { .. }) | None => None,
    }
}
