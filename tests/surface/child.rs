//! The model of the random scripts: a child and its callers, as far as it must be known to say
//! what can happen next and what must have been delivered.

use std::time::Duration;

use lastbyte::{
    BufferPolicy, Descendants, DrainPolicy, Errno, Full, KillPolicy, OutputLimit, Over, Policy,
    Signal, Status, StreamId, Streams, Target, TeardownPolicy,
    machine::{PerStream, Until},
};
use proptest::{option, prelude::*, sample::select, strategy::Union};
use proptest_state_machine::ReferenceStateMachine;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// One stream of the child.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Source {
    pub(crate) written: u64,
    /// What the root had written when it ended.
    pub(crate) of_the_root: u64,
    pub(crate) ended: Option<Ending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Eof,
    Fails(Errno),
}

/// How a script goes on to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finale {
    /// The consumer takes the rest, event by event.
    Takes,
    /// He collects it.
    Outputs,
    /// He throws it away.
    Waits,
    /// He closes; the root ends in answer.
    Closes,
    /// He closes; nothing ends the root.
    ClosesInVain,
    /// The runtime shuts down; the root ends in answer, and the consumer takes what there is.
    ShutsDown,
    /// The same, and nobody takes anything.
    ShutsDownUnheard,
}

/// The script so far.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) streams: Streams,
    pub(crate) policy: Policy,
    /// The most bytes of one read; 0: no bound.
    pub(crate) split: usize,
    pub(crate) finale: Finale,
    pub(crate) sources: PerStream<Source>,
    pub(crate) exited: Option<Status>,
    pub(crate) consumer: bool,
    /// Closed, shut down, discarded or detached: not all of the root's output need be read.
    pub(crate) unwanted: bool,
    /// Closed, dropped or shut down.
    pub(crate) torn_down: bool,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// The root or, after its end, a descendant.
    Writes(StreamId, u64),
    Ends(StreamId, Ending),
    Exits(Status),
    ReactorIsLate(bool),
    /// Time passes, and then everybody has his turn.
    Passes(Duration),
    /// Everybody has his turn.
    Runs,
    /// The consumer polls this often.
    Polls(u8),
    Waits(Until),
    GivesUp(u8),
    Signals(Signal),
    Kills,
    Discards(StreamId),
    Detaches,
    Drops,
    Closes,
    ShutsDown,
}

impl ReferenceStateMachine for Child {
    type State = Child;
    type Transition = Does;

    fn init_state() -> BoxedStrategy<Child> {
        let streams = select(vec![
            Streams::Separate,
            Streams::Separate,
            Streams::Stdout,
            Streams::Stderr,
            Streams::Combined,
            Streams::Pty,
            Streams::None,
        ]);
        let finale = select(vec![
            Finale::Takes,
            Finale::Takes,
            Finale::Outputs,
            Finale::Waits,
            Finale::Closes,
            Finale::ClosesInVain,
            Finale::ShutsDown,
            Finale::ShutsDownUnheard,
        ]);
        (streams, any_policy(), 0..5usize, finale)
            .prop_map(|(streams, policy, split, finale)| Child {
                streams,
                policy,
                split,
                finale,
                sources: PerStream::default(),
                exited: None,
                consumer: true,
                unwanted: false,
                torn_down: false,
            })
            .boxed()
    }

    /// Only what can happen: the preconditions are for shrinking.
    fn transitions(child: &Child) -> BoxedStrategy<Does> {
        let time = select(vec![0, 1, 29, 30, 49, 50, 51, 99, 100, 200, 1000, 5000]);
        let mut any = vec![
            (12, any::<bool>().prop_map(Does::ReactorIsLate).boxed()),
            (32, time.prop_map(|time| Does::Passes(ms(time))).boxed()),
            (64, Just(Does::Runs).boxed()),
            (24, select(vec![Until::Exited, Until::Terminal]).prop_map(Does::Waits).boxed()),
            (16, any::<u8>().prop_map(Does::GivesUp).boxed()),
            (4, Just(Does::Kills).boxed()),
            (2, select(vec![Signal::HUP, Signal::KILL]).prop_map(Does::Signals).boxed()),
            (1, Just(Does::Closes).boxed()),
            (2, Just(Does::ShutsDown).boxed()),
        ];
        if child.exited.is_none() {
            any.push((8, any_status().prop_map(Does::Exits).boxed()));
        }
        if child.consumer {
            any.push((64, (1..4u8).prop_map(Does::Polls).boxed()));
            any.push((1, select(vec![Does::Detaches, Does::Drops]).boxed()));
        }
        let ids = child.streams.ids();
        if child.consumer && !ids.is_empty() {
            any.push((2, select(ids).prop_map(Does::Discards).boxed()));
        }
        let open = ids.iter().copied().filter(|&id| child.sources[id].ended.is_none());
        let open: Vec<StreamId> = open.collect();
        if !open.is_empty() {
            let ending = prop_oneof![4 => Just(Ending::Eof), 1 => Just(Ending::Fails(Errno(5)))];
            let ends =
                (select(open.clone()), ending).prop_map(|(id, ending)| Does::Ends(id, ending));
            let writes = (select(open), 1..24u64).prop_map(|(id, len)| Does::Writes(id, len));
            any.push((48, writes.boxed()));
            any.push((8, ends.boxed()));
        }
        Union::new_weighted(any).boxed()
    }

    fn preconditions(child: &Child, does: &Does) -> bool {
        match does {
            Does::Writes(id, _) | Does::Ends(id, _) => child.sources[*id].ended.is_none(),
            Does::Exits(_) => child.exited.is_none(),
            Does::Polls(_) | Does::Discards(_) | Does::Detaches | Does::Drops => child.consumer,
            Does::ReactorIsLate(_)
            | Does::Passes(_)
            | Does::Runs
            | Does::Waits(_)
            | Does::GivesUp(_)
            | Does::Signals(_)
            | Does::Kills
            | Does::Closes
            | Does::ShutsDown => true,
        }
    }

    fn apply(mut child: Child, does: &Does) -> Child {
        match does {
            Does::Writes(id, len) => child.sources[*id].written += len,
            Does::Ends(id, ending) => child.sources[*id].ended = Some(*ending),
            Does::Exits(status) => child.exits(*status),
            Does::Discards(_) => child.unwanted = true,
            Does::Detaches => (child.consumer, child.unwanted) = (false, true),
            Does::Drops => {
                child.consumer = false;
                child.tears_down();
            }
            Does::Closes | Does::ShutsDown => child.tears_down(),
            Does::ReactorIsLate(_)
            | Does::Passes(_)
            | Does::Runs
            | Does::Polls(_)
            | Does::Waits(_)
            | Does::GivesUp(_)
            | Does::Signals(_)
            | Does::Kills => {}
        }
        child
    }
}

impl Child {
    pub(crate) fn exits(&mut self, status: Status) {
        self.exited = Some(status);
        for source in self.sources.iter_mut() {
            source.of_the_root = source.written;
        }
    }

    fn tears_down(&mut self) {
        (self.unwanted, self.torn_down) = (true, true);
    }

    /// The longest that a fair consumer waits after the reap for streams that somebody holds.
    pub(crate) fn drain_max(&self) -> Option<Duration> {
        match self.policy.drain {
            DrainPolicy::UntilEof => None,
            DrainPolicy::After(after) => Some(after),
            DrainPolicy::Idle { max, .. } => Some(max),
        }
    }
}

/// The byte at this place of a stream: a shift by less than 251 would be seen.
pub(crate) fn byte_at(stream: StreamId, place: u64) -> u8 {
    let salt = if stream == StreamId::Stderr { 100 } else { 0 };
    u8::try_from((place + salt) % 251).expect("it is below 251")
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => (0..3i32).prop_map(|code| Status::Exited { code }),
        1 => Just(Status::Signaled { signal: Signal::TERM, core: false }),
        1 => Just(Status::Unknown(Errno(10))),
        1 => Just(Status::Lost),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let drain = select(vec![
        DrainPolicy::UntilEof,
        DrainPolicy::After(ms(0)),
        DrainPolicy::After(ms(100)),
        DrainPolicy::Idle { gap: ms(0), max: ms(0) },
        DrainPolicy::Idle { gap: ms(0), max: ms(100) },
        DrainPolicy::Idle { gap: ms(50), max: ms(200) },
    ]);
    let descendants = select(vec![Descendants::Leave, Descendants::Kill]);
    let signal = select(vec![Signal::TERM, Signal::INT, Signal::KILL]);
    let grace = select(vec![ms(0), ms(30)]);
    let kill = (signal, grace, select(vec![Target::Group, Target::Leader]))
        .prop_map(|(signal, grace, target)| KillPolicy { signal, grace, target });
    let full = select(vec![Full::Pause, Full::Pause, Full::Gap, Full::KillAfter(ms(100))]);
    let buffer = (1..48u64, 1..6u32, full).prop_map(|(bytes_max, chunks_max, full)| BufferPolicy {
        bytes_max,
        chunks_max,
        full,
    });
    let over = prop_oneof![
        Just(Over::Truncate),
        (0..8u64).prop_map(|bytes_max| Over::KeepTail { bytes_max }),
        Just(Over::Kill),
    ];
    let limit = (0..32u64, over).prop_map(|(bytes_max, over)| OutputLimit { bytes_max, over });
    let limit = option::weighted(0.3, limit);
    let timeout = option::weighted(0.3, Just(ms(1000)));
    let teardown = (select(vec![ms(0), ms(100)]), select(vec![ms(50), ms(200)]))
        .prop_map(|(close_max, shutdown_max)| TeardownPolicy { close_max, shutdown_max });
    (drain, descendants, kill, buffer, limit, timeout, teardown).prop_map(
        |(drain, descendants, kill, buffer, limit, timeout, teardown)| Policy {
            drain,
            descendants,
            kill,
            buffer,
            limit,
            timeout,
            teardown,
        },
    )
}
