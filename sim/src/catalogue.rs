//! The bounded worlds that `check` explores, by name, and the designs it explores in them.

use std::time::Duration;

use lastbyte::machine::{
    BufferPolicy, Descendants, DrainPolicy, Full, KillPolicy, Machine, OutputLimit, Over,
    PerStream, Policy, Streams,
};

use crate::{
    bytes::Bytes,
    explorer::{Incomplete, Report, explore},
    schedule::{Replayed, replay},
    world::{Bounds, Happening, Holder, Once},
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

/// A design by name: how to explore it, and to replay a schedule of it.
#[derive(Clone, Copy, Debug)]
pub struct Specimen {
    /// Its name, as in tokens and tables.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// The one world that it is made for; otherwise all.
    pub world: Option<&'static str>,
    /// Rules that it breaks there; strictly these.
    pub breaks: &'static [lastbyte::monitor::Rule],
    /// Explores it.
    pub explore: fn(&Bounds, u64) -> Result<Report, Incomplete>,
    /// Replays a schedule of it.
    pub replay: fn(&Bounds, &[u8]) -> Replayed,
}

/// The reference.
pub const REFERENCE: Specimen = Specimen {
    name: "lastbyte",
    what: "the production machine",
    world: None,
    breaks: &[],
    explore: explore::<Machine<Bytes>>,
    replay: replay::<Machine<Bytes>>,
};

/// The zoo.
pub const ZOO: &[Specimen] = &[];

/// The design of this name.
pub fn specimen(name: &str) -> Option<Specimen> {
    [REFERENCE].into_iter().chain(ZOO.iter().copied()).find(|specimen| specimen.name == name)
}
