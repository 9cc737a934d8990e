//! The bounded worlds that `check` explores, by name, and the designs it explores in them.

use std::{sync::Arc, time::Duration};

use lastbyte::{
    machine::{
        BufferPolicy, Descendants, DrainPolicy, Full, KillPolicy, Machine, OutputLimit, Over,
        PerStream, Policy, Streams,
    },
    monitor::Rule::{self, C1, C2, C3, C4, C5, C6, C7, C8, C9, C11, C12, C16, C20},
};

use crate::{
    bytes::Bytes,
    design::Design,
    diagram::Row,
    executor::{
        production::Lastbyte,
        sample::{Samples, Strategy, sample},
        search::{self, Rerun, Trust},
        stack::{Call, Scenario, Stack},
        trace::Line,
    },
    explorer::{Incomplete, Report, explore},
    scenarios::scenarios,
    schedule::{Replayed, Told, replay},
    world::{Bounds, Happening, Holder, Once},
    zoo::{
        abort_on_free::AbortOnFree, delete_before_copy::DeleteBeforeCopy,
        drop_on_overflow::DropOnOverflow, exec_after_box::ExecAfterBox, exit_event::ExitEvent,
        exit_polled::ExitPolled, free_races_exit::FreeRacesExit, idle_cut::IdleCut,
        one_drain_loop::OneDrainLoop, os_exec::OsExec, pause_blocks_kill::PauseBlocksKill,
        read_error_is_eof::ReadErrorIsEof, receiver_list::ReceiverList, single_owner::SingleOwner,
        stock, stock_steps, streams_pending::StreamsPending, text_per_chunk::TextPerChunk,
        wait_drains::WaitDrains, wait_error_is_exit::WaitErrorIsExit,
    },
};

/// A world with its name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its name, as in tokens and tables.
    pub name: &'static str,
    /// What may happen in it.
    pub bounds: Bounds,
}

/// Lengths do not matter here: any timer that runs may fire at any moment. Only zero is special.
const BOUND: Duration = Duration::from_millis(200);

/// So many chunks on each stream.
pub fn each(chunks: u8) -> PerStream<u8> {
    PerStream::from_fn(|_| chunks)
}

/// Two streams and waiters, nobody else, and the default policies.
pub fn base(chunks: u8, waiters: u8) -> Bounds {
    Bounds {
        streams: Streams::Separate,
        chunks: each(chunks),
        read_max: 1,
        holder: Holder::Nobody,
        waiters,
        consumer: true,
        once: Once::default(),
        policy: Policy::default(),
    }
}

/// The worlds; the first have all chunks and waiters that were asked for, what multiplies states
/// is kept small where it is not the subject.
pub fn worlds(chunks: u8, waiters: u8) -> Vec<Named> {
    let mut worlds = vec![
        ("plain", base(chunks, waiters)),
        ("until-eof", drains(base(chunks, waiters), DrainPolicy::UntilEof)),
    ];
    let small = base(chunks.min(2), waiters.min(1));
    worlds.extend(held(small));
    worlds.extend(bounded(small, chunks.max(2)));
    worlds.extend(asked(small));
    worlds.into_iter().map(|(name, bounds)| Named { name, bounds }).collect()
}

type World = (&'static str, Bounds);

fn drains(bounds: Bounds, drain: DrainPolicy) -> Bounds {
    with(bounds, |policy| policy.drain = drain)
}

fn with(mut bounds: Bounds, change: impl FnOnce(&mut Policy)) -> Bounds {
    change(&mut bounds.policy);
    bounds
}

fn happens(bounds: Bounds, happenings: &[Happening]) -> Bounds {
    Bounds { once: Once::of(happenings), ..bounds }
}

fn buffers(bounds: Bounds, max: u8, full: Full) -> Bounds {
    let (bytes_max, chunks_max) = (u64::from(max), u32::from(max));
    with(bounds, |policy| policy.buffer = BufferPolicy { bytes_max, chunks_max, full })
}

const IDLE: DrainPolicy = DrainPolicy::Idle { gap: BOUND, max: BOUND };

/// A descendant holds the streams.
fn held(small: Bounds) -> [World; 8] {
    let held = Bounds { holder: Holder::Descendant(1), ..small };
    let closes = Bounds { holder: Holder::Closes(1), ..small };
    let silent = Bounds { holder: Holder::Descendant(0), ..small };
    [
        ("held-until-eof", drains(held, DrainPolicy::UntilEof)),
        ("closes-until-eof", drains(closes, DrainPolicy::UntilEof)),
        ("closes-idle", drains(closes, IDLE)),
        ("held-zero", drains(held, DrainPolicy::After(Duration::ZERO))),
        ("held-after", drains(held, DrainPolicy::After(BOUND))),
        ("held-idle", drains(held, IDLE)),
        ("held-killed", with(silent, |policy| policy.descendants = Descendants::Kill)),
        ("held-paused", buffers(drains(held, IDLE), 1, Full::Pause)),
    ]
}

/// Buffers fill up, and output limits are passed.
fn bounded(small: Bounds, chunks: u8) -> [World; 6] {
    let full = Bounds { chunks: each(chunks), ..small };
    let one = Bounds { chunks: each(chunks + 1), streams: Streams::Stdout, ..small };
    let limit = |over| with(one, |policy| policy.limit = Some(OutputLimit { bytes_max: 1, over }));
    [
        ("paused", buffers(full, 2, Full::Pause)),
        ("gaps", buffers(small, 1, Full::Gap)),
        ("stalled", buffers(small, 2, Full::KillAfter(BOUND))),
        ("limit-truncate", limit(Over::Truncate)),
        ("limit-tail", limit(Over::KeepTail { bytes_max: 1 })),
        ("limit-kill", limit(Over::Kill)),
    ]
}

/// Callers ask for something, or something goes wrong.
fn asked(small: Bounds) -> [World; 13] {
    use Happening::{
        CancelExited, CancelTerminal, Close, Detach, Discard, Kill, ReadError, Refuse, Shutdown,
        Signal,
    };
    let alone = Bounds { chunks: each(1), streams: Streams::Stdout, ..small };
    let held = |bounds| drains(Bounds { holder: Holder::Descendant(1), ..bounds }, IDLE);
    let narrow = Bounds { chunks: each(1), ..small };
    let killed = happens(narrow, &[Kill, Signal]);
    let hard = KillPolicy { grace: Duration::ZERO, ..KillPolicy::default() };
    [
        ("waits-cancelled", happens(narrow, &[CancelExited, CancelTerminal])),
        ("killed", killed),
        ("killed-hard", with(killed, |policy| policy.kill = hard)),
        ("timeout", with(narrow, |policy| policy.timeout = Some(BOUND))),
        ("closed", happens(small, &[Close])),
        ("closed-held", happens(held(alone), &[Close, Kill])),
        ("shut-down", happens(small, &[Shutdown])),
        ("shut-down-held", happens(held(alone), &[Shutdown, Kill])),
        ("discarded", happens(small, &[Discard, Detach])),
        ("discarded-held", happens(buffers(held(narrow), 1, Full::Pause), &[Discard])),
        ("read-error", happens(small, &[ReadError])),
        ("refused", happens(alone, &[Refuse, Kill, Signal, Close, Shutdown])),
        (
            "all-at-once",
            happens(
                with(held(alone), |policy| policy.timeout = Some(BOUND)),
                &[Kill, Close, Shutdown, Discard, CancelTerminal, ReadError],
            ),
        ),
    ]
}

/// A design where it is explored.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name, as in tokens and tables.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Every state of a bounded machine.
    World(Bounds, OfMachine),
    /// Every schedule of async tasks.
    Scenario(Arc<Scenario>, OfStack),
}

impl Place {
    /// Explores the design here.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] when the search could not be finished.
    pub fn explore(&self, states_max: u64) -> Result<Report, Incomplete> {
        match &self.kind {
            Kind::World(bounds, design) => (design.explore)(bounds, states_max),
            Kind::Scenario(scenario, design) => {
                (design.explore)(scenario, states_max, Trust::Known)
            }
        }
    }

    /// As [`Place::explore`], and makes each transition of tasks again, to see that it does what
    /// was known of it.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] when the search could not be finished.
    pub fn explore_distrusting(&self, states_max: u64) -> Result<Report, Incomplete> {
        match &self.kind {
            Kind::World(bounds, design) => (design.explore)(bounds, states_max),
            Kind::Scenario(scenario, design) => {
                (design.explore)(scenario, states_max, Trust::Nothing)
            }
        }
    }

    /// Whether the design is sampled here: a machine is explored, and not sampled.
    pub fn is_sampled(&self) -> bool {
        match &self.kind {
            Kind::World(..) => false,
            Kind::Scenario(..) => true,
        }
    }

    /// Makes one schedule of the design here for each seed. `None`: it is not sampled.
    pub fn sample(
        &self,
        strategy: Strategy,
        seeds: impl IntoIterator<Item = u64>,
    ) -> Option<Samples> {
        match &self.kind {
            Kind::World(..) => None,
            Kind::Scenario(scenario, design) => {
                Some((design.sample)(scenario, strategy, &mut seeds.into_iter()))
            }
        }
    }

    /// Replays a schedule of the design here.
    pub fn replay(&self, schedule: &[u8]) -> Replayed {
        match &self.kind {
            Kind::World(bounds, design) => (design.replay)(bounds, schedule),
            Kind::Scenario(scenario, design) => {
                let Rerun { lines, broken, diverged_at } = (design.rerun)(scenario, schedule);
                let told = |line: Line| Told {
                    who: line.task.clone(),
                    choice: line.task,
                    follows: line.did.join("; "),
                };
                Replayed { steps: lines.into_iter().map(told).collect(), broken, diverged_at }
            }
        }
    }

    /// The steps of a schedule of the design here, each with who made it.
    pub fn rows(&self, schedule: &[u8]) -> Vec<Row> {
        match &self.kind {
            Kind::World(bounds, design) => {
                let told = |told: Told| {
                    let text = [told.choice, told.follows];
                    let text = text.into_iter().filter(|text| !text.is_empty()).collect();
                    Row { lane: told.who, text }
                };
                (design.replay)(bounds, schedule).steps.into_iter().map(told).collect()
            }
            Kind::Scenario(scenario, design) => {
                (design.rerun)(scenario, schedule).lines.iter().map(Row::from).collect()
            }
        }
    }
}

/// A design by name: where to explore it, and what it is known to break.
#[derive(Clone, Copy, Debug)]
pub struct Specimen {
    /// Its name, as in tokens and tables.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// The places that it is explored in; empty: all that suit it.
    pub places: &'static [&'static str],
    /// Rules that it breaks there; strictly these.
    pub breaks: &'static [Rule],
    subject: Subject,
}

/// What a design is made of.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Machine(OfMachine),
    Stack(&'static [Call], OfStack),
}

#[derive(Clone, Copy, Debug)]
struct OfMachine {
    explore: fn(&Bounds, u64) -> Result<Report, Incomplete>,
    replay: fn(&Bounds, &[u8]) -> Replayed,
}

#[derive(Clone, Copy, Debug)]
struct OfStack {
    explore: fn(&Arc<Scenario>, u64, Trust) -> Result<Report, Incomplete>,
    rerun: fn(&Arc<Scenario>, &[u8]) -> Rerun,
    sample: fn(&Arc<Scenario>, Strategy, &mut dyn Iterator<Item = u64>) -> Samples,
}

impl Specimen {
    /// A design that is a machine: in these worlds, or in all where none is named. It is known to
    /// break strictly these rules.
    pub const fn machine<D: Design>(
        name: &'static str,
        what: &'static str,
        places: &'static [&'static str],
        breaks: &'static [Rule],
    ) -> Self {
        let design = OfMachine { explore: explore::<D>, replay: replay::<D> };
        Specimen { name, what, places, breaks, subject: Subject::Machine(design) }
    }

    /// A design that is a stack of tasks: in these scenarios, or in all that suit it where none is
    /// named. It is known to break strictly these rules.
    pub const fn stack<S: Stack>(
        name: &'static str,
        what: &'static str,
        places: &'static [&'static str],
        breaks: &'static [Rule],
    ) -> Self {
        let design = OfStack {
            explore: search::explore_trusting::<S>,
            rerun: search::rerun::<S>,
            sample: |scenario, strategy, seeds| sample::<S>(scenario, strategy, seeds),
        };
        Specimen { name, what, places, breaks, subject: Subject::Stack(S::OFFERS, design) }
    }

    /// Whether it is explored as async tasks.
    pub fn is_stack(&self) -> bool {
        matches!(self.subject, Subject::Stack(..))
    }

    /// Whether it is only explored with few chunks and waiters: many tasks have many more
    /// schedules than one machine has states, and a design that is asked in some places shows
    /// there what it breaks.
    pub fn is_kept_small(&self) -> bool {
        self.is_stack() && !self.places.is_empty()
    }

    /// Where it is explored, with so many chunks and waiters where these are the subject.
    pub fn places(&self, chunks: u8, waiters: u8) -> Vec<Place> {
        let mut places: Vec<Place> = match self.subject {
            Subject::Machine(design) => worlds(chunks, waiters)
                .into_iter()
                .map(|Named { name, bounds }| Place { name, kind: Kind::World(bounds, design) })
                .collect(),
            Subject::Stack(offers, design) => scenarios(chunks, waits(offers, waiters))
                .into_iter()
                .filter(|scenario| scenario.suits(offers))
                .map(|scenario| Place {
                    name: scenario.name,
                    kind: Kind::Scenario(scenario, design),
                })
                .collect(),
        };
        places.retain(|place| self.places.is_empty() || self.places.contains(&place.name));
        places
    }
}

/// Nobody waits at a stack that offers no wait; it is asked all else.
fn waits(offers: &[Call], waiters: u8) -> u8 {
    if offers.contains(&Call::Wait) { waiters } else { 0 }
}

/// The reference: the production machine.
pub const REFERENCE: Specimen =
    Specimen::machine::<Machine<Bytes>>("lastbyte", "the production machine", &[], &[]);

/// Controls: designs that must break nothing.
pub const CONTROLS: &[Specimen] = &[
    REFERENCE,
    Specimen::stack::<Lastbyte>(
        "lastbyte-driver",
        "the production core and driver, as a task beside its callers",
        &[],
        &[],
    ),
    Specimen::stack::<OsExec>(
        "os-exec",
        "Go's os/exec with a wait delay, that reads what stands before it cuts",
        &["plain", "text", "held", "chatty", "read-error", "wait-error"],
        &[],
    ),
];

/// What every design of the zoo is asked that offers a wait.
const USUAL: &[&str] = &["plain", "text", "held", "read-error", "wait-error"];

/// The zoo: designs that must be caught.
pub const ZOO: &[Specimen] = &[
    Specimen::machine::<stock_steps::Stock>(
        "stock-steps",
        "stock, at the granularity of steps",
        // It knows no bound on the drain.
        &["until-eof"],
        stock_steps::Stock::BREAKS,
    ),
    Specimen::stack::<stock::Stock>(
        "stock",
        "exit and wait are announced as soon as the process ends",
        USUAL,
        &[C1, C4, C9],
    ),
    Specimen::stack::<ReceiverList>(
        "receiver-list",
        "the exit pump awaits the pumps registered before it",
        USUAL,
        &[C1, C4, C6, C9],
    ),
    Specimen::stack::<StreamsPending<true>>(
        "streams-pending",
        "exit and wait await a count of streams, each on its own",
        USUAL,
        &[C4, C6, C9],
    ),
    Specimen::stack::<StreamsPending<false>>(
        "check-then-register",
        "as streams-pending, looking before registering",
        USUAL,
        &[C4, C6, C9],
    ),
    Specimen::stack::<SingleOwner>(
        "single-owner",
        "one task awaits the pumps and the process, for ever",
        USUAL,
        &[C6, C9],
    ),
    Specimen::stack::<WaitDrains>(
        "wait-drains",
        "the wait is the reap and then the drain, for ever",
        USUAL,
        &[C6, C9],
    ),
    Specimen::stack::<ExitPolled>(
        "exit-polled",
        "the exit is polled, and what was copied by then is the output",
        USUAL,
        &[C1, C5, C9],
    ),
    Specimen::stack::<ExitEvent>(
        "exit-event",
        "the end of the process is taken for the end of its output",
        &["exited", "text", "held", "read-error", "wait-error"],
        &[C1, C9],
    ),
    Specimen::stack::<DeleteBeforeCopy>(
        "delete-before-copy",
        "the exit has the copiers deleted",
        USUAL,
        &[C7, C9],
    ),
    Specimen::stack::<IdleCut>(
        "idle-cut",
        "a pump that is silent after the exit is given up",
        USUAL,
        &[C7, C9],
    ),
    Specimen::stack::<DropOnOverflow>(
        "drop-on-overflow",
        "a full channel drops chunks",
        &["plain", "text", "held", "read-error", "wait-error", "overflowing"],
        &[C1, C6, C8, C9],
    ),
    Specimen::stack::<AbortOnFree>(
        "abort-on-free",
        "free aborts the pumps and does not join them",
        &["text", "held", "read-error", "wait-error", "closed"],
        &[C6, C9, C11, C16],
    ),
    Specimen::stack::<FreeRacesExit>(
        "free-races-exit",
        "free and the exit pump both push a terminal",
        &["text", "held", "read-error", "wait-error", "closed"],
        &[C2, C6, C9, C11, C16],
    ),
    Specimen::stack::<OneDrainLoop>(
        "one-drain-loop",
        "the events of all executions go through one loop",
        &["plain", "held", "read-error", "wait-error", "slow-neighbour"],
        &[C6, C9, C12],
    ),
    Specimen::stack::<PauseBlocksKill>(
        "pause-blocks-kill",
        "one task pauses for the consumer and serves kills",
        &["plain", "text", "held", "killed", "killed-unread", "read-error"],
        &[C6, C9, C12],
    ),
    Specimen::stack::<WaitErrorIsExit>(
        "wait-error-is-exit",
        "a failed wait is code -1",
        &["plain", "text", "held", "wait-error"],
        &[C6, C9],
    ),
    Specimen::stack::<ReadErrorIsEof>(
        "read-error-is-eof",
        "a failed read is the end of the stream",
        &["plain", "text", "held", "chatty", "read-error", "wait-error"],
        &[C9],
    ),
    Specimen::stack::<TextPerChunk>(
        "text-per-chunk",
        "each chunk is decoded on its own",
        &["plain", "text"],
        &[C3],
    ),
    Specimen::stack::<ExecAfterBox>(
        "exec-after-box",
        "exits are published as they are reaped, a box's too",
        &["text", "boxed"],
        &[C20],
    ),
];

/// All designs: the controls first.
pub fn specimens() -> impl Iterator<Item = Specimen> {
    CONTROLS.iter().chain(ZOO).copied()
}

/// The design of this name.
pub fn specimen(name: &str) -> Option<Specimen> {
    specimens().find(|specimen| specimen.name == name)
}
