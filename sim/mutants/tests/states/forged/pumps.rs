//! What pumps tell and are told: what is read and when, what stands buffered, what the root left, and
//! the clocks that bound a stream after the reap.

use std::time::Duration;

use lastbyte::{
    BufferPolicy, Cut, DrainPolicy, Errno, Full, OutputLimit, Over, Policy,
    machine::{Action, Input, PumpAction, Timer, TimerAction},
    monitor::Rule,
};

use super::{
    Forged, Seen, acts, eof, forged, gets_bytes, patient, read, reaped, start, timer,
    up_to_the_exit, when,
};
use crate::watched::{STDOUT, chunk, drains, reap, standing};

const ABANDON: Action = Action::Pump(STDOUT, PumpAction::Abandon);
const PAUSE: Action = Action::Pump(STDOUT, PumpAction::Pause);
const RESUME: Action = Action::Pump(STDOUT, PumpAction::Resume);

pub(super) fn all() -> Vec<Forged> {
    [comes(), pauses(), goes_on(), nobody_takes(), cuts(), owes(), clocks(), is_paused_then()]
        .into_iter()
        .flatten()
        .collect()
}

/// Patient, with this buffer.
fn buffer(bytes_max: u64, chunks_max: u32) -> Policy {
    let buffer = BufferPolicy { bytes_max, chunks_max, full: Full::Pause };
    Policy { buffer, ..patient() }
}

fn pauses_at(text: &str) -> Seen {
    acts(chunk(STDOUT, text), [PAUSE])
}

fn comes() -> Vec<Forged> {
    let twice = (Rule::C2, "the root was reaped twice");
    let after_all = (Rule::C2, "bytes were accepted after the terminal");
    let behind = (Rule::C1, "bytes were accepted after the end of their stream");
    let ended = (Rule::C1, "a stream ended twice");
    let fails = || when(Input::ReadError(STDOUT, Errno(5)));
    let discard = || acts(Input::Discard(STDOUT), [ABANDON]);
    let over = [&[start()][..], &up_to_the_exit(), &[super::gets_clean_exit()]].concat();
    let late = |seen| [&over[..], &[seen]].concat();
    vec![
        forged(twice, &[start()], &[reaped()], &[reaped(), reaped()]),
        forged(after_all, &[], &over, &late(read("a"))),
        forged(after_all, &[], &over, &late(eof())),
        forged(after_all, &[], &over, &late(fails())),
        forged(behind, &[start()], &[read("a"), eof()], &[eof(), read("a")]),
        forged(behind, &[start()], &[read("a"), fails()], &[fails(), read("a")]),
        forged(behind, &[start()], &[read("a"), discard()], &[discard(), read("a")]),
        forged(ended, &[start()], &[eof()], &[eof(), eof()]),
        forged(ended, &[start()], &[fails()], &[fails(), eof()]),
        forged(ended, &[start()], &[eof()], &[eof(), fails()]),
        forged(ended, &[start()], &[discard()], &[discard(), eof()]),
    ]
}

fn pauses() -> Vec<Forged> {
    let below = (Rule::C12, "a pump was paused below the bound");
    let let_in = (Rule::C12, "a paused pump was let in");
    let bytes = (Rule::C12, "more bytes are buffered than the bound");
    let chunks = (Rule::C12, "more chunks are buffered than the bound");
    let full = [start(), pauses_at("ab")];
    let resumed = |text| (Input::Drain, acts(Input::Drain, [RESUME]).1, gets_bytes(text).1.event);
    let taken = |text| {
        let (input, step, event) = resumed(text);
        (input, lastbyte::machine::Step { event, ..step })
    };
    let limit = OutputLimit { bytes_max: 2, over: Over::KeepTail { bytes_max: 9 } };
    let unbounded = Policy { limit: Some(limit), ..buffer(2, 9) };
    let gaps = BufferPolicy { bytes_max: 2, chunks_max: 9, full: Full::Gap };
    vec![
        forged(below, &[start()], &[pauses_at("ab")], &[pauses_at("a")]).under(buffer(2, 9)),
        forged(below, &[start()], &[read("a"), pauses_at("b")], &[pauses_at("a")])
            .under(buffer(9, 2)),
        forged(below, &[start()], &[pauses_at("abc")], &[read("a"), pauses_at("b")])
            .under(buffer(3, 9)),
        forged(let_in, &full, &[taken("ab"), read("c")], &[read("c")]).under(buffer(2, 9)),
        forged(bytes, &[start()], &[read("ab")], &[read("abc")]).under(buffer(2, 9)),
        forged(bytes, &[start()], &[read("a"), read("b")], &[read("a"), read("bc")])
            .under(buffer(2, 9)),
        forged(chunks, &[start()], &[read("a"), read("b")], &[read("a"), read("b"), read("c")])
            .under(buffer(9, 2)),
        // Where a limit holds back a tail, or what does not fit is dropped, more may stand.
        forged(below, &[start()], &[read("abc"), read("d")], &[pauses_at("a")]).under(unbounded),
        forged(below, &[start()], &[read("abc"), read("d")], &[pauses_at("a")])
            .under(Policy { buffer: gaps, ..patient() }),
    ]
}

fn goes_on() -> Vec<Forged> {
    let stuck = (Rule::C12, "a pump stays paused although the consumer has caught up");
    let on = |text: &str| {
        let (input, step) = gets_bytes(text);
        let actions = acts(Input::Drain, [RESUME]).1.actions;
        (input, lastbyte::machine::Step { actions, ..step })
    };
    let half = [start(), read("ab"), pauses_at("cd")];
    let third = [start(), read("a"), read("bcd"), pauses_at("e")];
    let few = [start(), read("a"), read("b"), read("c"), pauses_at("d")];
    vec![
        forged(stuck, &half, &[on("ab")], &[gets_bytes("ab")]).under(buffer(4, 9)),
        // Of the bytes more than a half stands yet.
        forged(stuck, &third, &[gets_bytes("a"), on("bcd")], &[gets_bytes("a"), gets_bytes("bcd")])
            .under(buffer(5, 9)),
        // Of the chunks.
        forged(stuck, &few, &[gets_bytes("a"), on("b")], &[gets_bytes("a"), gets_bytes("b")])
            .under(buffer(99, 4)),
        // Whose source has ended is not to go on.
        forged(stuck, &half, &[eof(), gets_bytes("ab")], &[gets_bytes("ab")]).under(buffer(4, 9)),
    ]
}

fn nobody_takes() -> Vec<Forged> {
    let paused = (Rule::C15, "a stream nobody takes is paused");
    let open = (Rule::C15, "a stream that nobody takes holds back the terminal");
    let full = [start(), pauses_at("ab")];
    let discard = || when(Input::Discard(STDOUT));
    let resumes = acts(Input::Discard(STDOUT), [RESUME]);
    let ended = [eof(), discard()];
    let shut_down = [start(), acts(Input::Shutdown, [super::TERM])];
    vec![
        forged(paused, &full, &[resumes], &[discard()]).under(buffer(2, 9)),
        forged(paused, &full, &ended, &[discard()]).under(buffer(2, 9)),
        forged(open, &[start(), discard()], &[acts(reap(), [ABANDON])], &[reaped()]),
        forged(open, &[start()], &[discard(), eof(), reaped()], &[discard(), reaped()]),
        forged(
            open,
            &[start(), reaped()],
            &[acts(Input::Detach, [ABANDON])],
            &[when(Input::Detach)],
        ),
        // A shutdown has its own bound.
        forged(
            open,
            &[],
            &[&shut_down[..], &[discard(), reaped()]].concat(),
            &[start(), discard(), reaped()],
        ),
    ]
}

const ZERO: DrainPolicy = DrainPolicy::After(Duration::ZERO);
const IDLE: DrainPolicy =
    DrainPolicy::Idle { gap: Duration::from_millis(200), max: Duration::from_secs(5) };

fn cut() -> Seen {
    acts(Input::Empty(STDOUT), [ABANDON])
}

fn arms<const N: usize>(input: Input<crate::watched::Text>, clocks: [Timer; N]) -> Seen {
    acts(input, clocks.map(|clock| timer(clock, TimerAction::Arm)))
}

const BOTH: [Timer; 2] = [Timer::Idle(STDOUT), Timer::Deadline(STDOUT)];

fn cuts() -> Vec<Forged> {
    let before_the_reap = (Rule::C1, "a stream was cut before the reap");
    let early = (Rule::C6, "a stream was cut before its time");
    let idle = drains(IDLE);
    let silent = || when(Input::Timeout(Timer::Idle(STDOUT)));
    let last = || when(Input::Timeout(Timer::Deadline(STDOUT)));
    let reaped_idle = [start(), arms(reap(), BOTH)];
    let empty = || when(Input::Empty(STDOUT));
    let again = arms(chunk(STDOUT, "a"), [Timer::Idle(STDOUT)]);
    let shut_down = [start(), acts(Input::Shutdown, [super::TERM]), reaped()];
    let gap_of_zero = DrainPolicy::Idle { gap: Duration::ZERO, max: Duration::from_secs(5) };
    let deadline = arms(reap(), [Timer::Deadline(STDOUT)]);
    vec![
        forged(before_the_reap, &[start()], &[reaped(), cut()], &[cut()]).under(drains(ZERO)),
        forged(before_the_reap, &[start()], &[acts(Input::Discard(STDOUT), [ABANDON])], &[cut()]),
        forged(early, &reaped_idle, &[silent(), cut()], &[cut()]).under(idle),
        forged(early, &reaped_idle, &[last(), cut()], &[empty(), cut()]).under(idle),
        // What is read breaks the silence, not the cap.
        forged(early, &reaped_idle, &[silent(), cut()], &[silent(), again.clone(), cut()])
            .under(idle),
        forged(early, &reaped_idle, &[last(), read("a"), cut()], &[silent(), again, cut()])
            .under(idle),
        forged(early, &[], &[&shut_down[..], &[cut()]].concat(), &[start(), reaped(), cut()]),
        forged(early, &[start()], &[deadline.clone(), cut()], &[deadline, read("a"), cut()])
            .under(drains(gap_of_zero)),
    ]
}

fn owes() -> Vec<Forged> {
    let unread = (Rule::C7, "a stream was cut with bytes of the root unread");
    let ends = [start(), when(standing(2))];
    let read_and_cut = |text| acts(chunk(STDOUT, text), [ABANDON]);
    let at_once = [acts(Input::Timeout(Timer::Deadline(STDOUT)), [ABANDON])];
    let cases = [
        (vec![cut()], at_once.to_vec()),
        (vec![read("a"), cut()], vec![read_and_cut("a")]),
        (vec![read("a"), read("b"), read_and_cut("c")], vec![read("a"), read_and_cut("b")]),
        (vec![read("abc"), read_and_cut("d")], vec![read_and_cut("abc")]),
        (vec![read("ab"), cut()], vec![read_and_cut("ab")]),
        (vec![acts(Input::Discard(STDOUT), [ABANDON])], vec![read_and_cut("a")]),
    ];
    let case = |(right, wrong): (Vec<_>, Vec<_>)| {
        forged(unread, &ends, &right, &wrong).under(drains(ZERO))
    };
    // Where nothing stands, what is read next is somebody else's.
    let none = forged(
        unread,
        &[start()],
        &[reaped(), read_and_cut("a")],
        &[when(standing(1)), read_and_cut("a")],
    );
    cases.into_iter().map(case).chain([none.under(drains(ZERO))]).collect()
}

fn clocks() -> Vec<Forged> {
    let unbounded = (Rule::C6, "after the reap nothing bounds a stream that is still open");
    let idle = drains(IDLE);
    let after = drains(DrainPolicy::After(Duration::from_secs(1)));
    let zero_gap = DrainPolicy::Idle { gap: Duration::ZERO, max: Duration::from_secs(5) };
    let [silence, cap] = BOTH;
    let reaped_idle = [start(), arms(reap(), BOTH)];
    let tells = |clock, action| acts(Input::Empty(STDOUT), [timer(clock, action)]);
    let held = |clock| [timer(clock, TimerAction::ArmHeld)];
    vec![
        forged(unbounded, &[start()], &[arms(reap(), BOTH)], &[arms(reap(), [silence])])
            .under(idle),
        forged(unbounded, &[start()], &[arms(reap(), [cap])], &[reaped()]).under(after),
        forged(unbounded, &[start()], &[arms(reap(), [cap])], &[acts(reap(), held(cap))])
            .under(after),
        forged(unbounded, &[start()], &[eof(), reaped()], &[reaped()]).under(after),
        // What each of the actions does to a clock that runs.
        forged(
            unbounded,
            &reaped_idle,
            &[tells(silence, TimerAction::Disarm)],
            &[tells(cap, TimerAction::Disarm)],
        )
        .under(idle),
        forged(
            unbounded,
            &reaped_idle,
            &[tells(cap, TimerAction::Resume)],
            &[tells(cap, TimerAction::Hold)],
        )
        .under(idle),
        forged(
            unbounded,
            &[start()],
            &[acts(reap(), [timer(cap, TimerAction::Arm), timer(silence, TimerAction::ArmHeld)])],
            &[acts(reap(), [timer(cap, TimerAction::ArmHeld), timer(silence, TimerAction::Arm)])],
        )
        .under(idle),
        // Cut at the next look; but while its cap stands still, only silence would cut it.
        forged(unbounded, &[start()], &[reaped()], &[acts(reap(), held(cap))])
            .under(drains(zero_gap)),
        forged(
            unbounded,
            &reaped_idle,
            &[when(Input::Timeout(cap)), tells(silence, TimerAction::Disarm)],
            &[when(Input::Timeout(silence)), tells(cap, TimerAction::Hold)],
        )
        .under(idle),
        // A cap that ran out stands, whatever is read.
        forged(
            unbounded,
            &reaped_idle,
            &[when(Input::Timeout(cap)), read("a")],
            &[
                when(Input::Timeout(silence)),
                acts(chunk(STDOUT, "a"), [timer(cap, TimerAction::Disarm)]),
            ],
        )
        .under(idle),
    ]
}

fn is_paused_then() -> Vec<Forged> {
    let runs = (Rule::C6, "a drain clock runs while its pump is paused");
    let policy = Policy { drain: IDLE, ..buffer(2, 9) };
    let [silence, cap] = BOTH;
    let reaped_idle = [start(), arms(reap(), BOTH)];
    let pauses = |actions: [Action; 2]| {
        let [one, other] = actions;
        acts(chunk(STDOUT, "ab"), [PAUSE, one, other])
    };
    let both = [timer(silence, TimerAction::ArmHeld), timer(cap, TimerAction::Hold)];
    let [held, hold] = both;
    let full = [start(), pauses_at("ab")];
    let right = [pauses(both)];
    let right_reap = [acts(reap(), BOTH.map(|clock| timer(clock, TimerAction::ArmHeld)))];
    let wrong_reap = [acts(reap(), [held, timer(cap, TimerAction::Arm)])];
    vec![
        forged(runs, &reaped_idle, &right, &[pauses_at("ab")]).under(policy),
        forged(runs, &reaped_idle, &right, &[pauses([held, timer(cap, TimerAction::Arm)])])
            .under(policy),
        forged(runs, &reaped_idle, &right, &[pauses([timer(silence, TimerAction::Arm), hold])])
            .under(policy),
        forged(runs, &full, &right_reap, &wrong_reap).under(policy),
        forged(runs, &full, &[eof(), reaped()], &wrong_reap).under(policy),
    ]
}

/// Streams that the drain policy cuts at the first look, each with its policy and its name.
pub(super) fn cut_at_once() -> [([Seen; 3], Policy, Cut); 3] {
    let [gap, max] = [Duration::ZERO, Duration::from_secs(5)];
    let armed = arms(reap(), [Timer::Deadline(STDOUT)]);
    [
        ([start(), reaped(), cut()], drains(ZERO), Cut::After),
        ([start(), reaped(), cut()], drains(DrainPolicy::Idle { gap, max: gap }), Cut::Max),
        ([start(), armed, cut()], drains(DrainPolicy::Idle { gap, max }), Cut::Idle),
    ]
}
