//! What callers ask for: the start, signals, kills, close and shutdown, and who waits.

use std::slice::from_ref;

use lastbyte::{
    Policy, Target,
    machine::{
        Action, End, Input, KillPolicy, PumpAction, Reply, Signal, Step, Timer, TimerAction, Until,
    },
    monitor::Rule,
};

use super::{
    Forged, KILL, TERM, acts, eof, forged, gets_bytes, gets_clean_exit, gets_end, gets_nothing,
    patient, read, reaped, replies, start, tells, timer, up_to_the_exit, when,
};
use crate::watched::{STDOUT, bytes, reap};

const ABANDON: Action = Action::Pump(STDOUT, PumpAction::Abandon);

pub(super) fn all() -> Vec<Forged> {
    [starts(), answers(), signals(), teardown(), waits()].into_iter().flatten().collect()
}

fn starts() -> Vec<Forged> {
    let refused = (Rule::C14, "a refused start was followed by an event or an action");
    let event = (Input::Drain, Step { event: Some(bytes("a")), ..Step::default() });
    let early = (Rule::C14, "a pump spoke before the start");
    vec![
        forged(
            refused,
            &[when(Input::Refused)],
            &[when(Input::Detach)],
            &[acts(Input::Detach, [ABANDON])],
        ),
        forged(refused, &[when(Input::Refused)], &[gets_nothing()], &[event]),
        forged(early, &[], &[start(), read("a")], &[read("a")]),
        forged(early, &[], &[start(), eof()], &[eof()]),
    ]
}

fn answers() -> Vec<Forged> {
    let answer = (Rule::C16, "the answer to a signal does not say what became of it");
    let ends = [start(), reaped()];
    let forced = [start(), acts(Input::Timeout(Timer::Shutdown), [KILL, ABANDON])];
    let mut all = Vec::new();
    for input in [Input::Signal(Signal::INT), Input::Kill] {
        let says = |reply| [replies(input.clone(), reply, None)];
        let [done, latched, exited] = [Reply::Done, Reply::Latched, Reply::AlreadyExited].map(says);
        all.extend([
            forged(answer, &[], &latched, &done),
            forged(answer, &[], &latched, &exited),
            forged(answer, &[start()], &done, &latched),
            forged(answer, &[start()], &done, &exited),
            forged(answer, &ends, &exited, &done),
            forged(answer, &ends, &exited, &latched),
            forged(answer, &forced, &exited, &done),
        ]);
    }
    all
}

fn signals() -> Vec<Forged> {
    let forgotten = (Rule::C16, "a signal asked for before the pid existed was forgotten");
    let early = (Rule::C16, "a signal was sent before the start");
    let late = (Rule::C16, "a root that has been reaped was signalled");
    let int = Action::Signal(Signal::INT);
    let asked = replies(Input::Signal(Signal::INT), Reply::Latched, None);
    let kill = |signal| [replies(Input::Kill, Reply::Latched, signal)];
    let ends = [start(), reaped()];
    let leader = KillPolicy { target: Target::Leader, ..KillPolicy::default() };
    let late_kill = |signal| [replies(Input::Kill, Reply::AlreadyExited, signal)];
    let close = || acts(Input::Close, [KILL, ABANDON]);
    vec![
        forged(forgotten, from_ref(&asked), &[acts(Input::Started, [int])], &[start()]),
        forged(
            forgotten,
            &[asked],
            &[acts(Input::Started, [int, TERM])],
            &[acts(Input::Started, [TERM])],
        ),
        forged(early, &[], &kill(None), &kill(Some(Signal::TERM))),
        forged(late, &ends, &late_kill(None), &late_kill(Some(Signal::KILL))),
        forged(late, &ends, &[close()], &[acts(Input::Discard(STDOUT), [KILL, ABANDON])]),
        forged(late, &ends, &[acts(Input::Close, [ABANDON])], &[close()])
            .under(Policy { kill: leader, ..patient() }),
        // Of the group, what the root left may be killed at the reap.
        forged(late, &[start()], &[acts(reap(), [KILL])], &[reaped(), acts(eof().0, [KILL])]),
    ]
}

fn teardown() -> Vec<Forged> {
    let arm = |clock| timer(clock, TimerAction::Arm);
    let held = |clock| timer(clock, TimerAction::ArmHeld);
    let closed_twice = (Rule::C11, "a second close put off the bound of the first");
    let closed = [start(), acts(Input::Close, [KILL, ABANDON, arm(Timer::Close)])];
    let shut_down_twice = (Rule::C13, "a second shutdown put off the bound of the first");
    let shut_down = [start(), acts(Input::Shutdown, [TERM, arm(Timer::Shutdown)])];
    let again = |input: Input<_>, action| [acts(input, [KILL, action])];
    let runs_on = (Rule::C11, "a close left the root running");
    let forced = [start(), acts(Input::Timeout(Timer::Shutdown), [KILL, ABANDON])];
    let cut = [acts(Input::Close, [ABANDON])];
    let open = (Rule::C11, "a close after the reap left a stream open");
    let after_the_reap = [&shut_down[..], &[reaped()]].concat();
    let mut all = Vec::new();
    for wrong in [arm, held] {
        let right = again(Input::Close, arm(Timer::Grace));
        all.push(forged(closed_twice, &closed, &right, &again(Input::Close, wrong(Timer::Close))));
        let right = again(Input::Shutdown, arm(Timer::Grace));
        let wrong = again(Input::Shutdown, wrong(Timer::Shutdown));
        all.push(forged(shut_down_twice, &shut_down, &right, &wrong));
    }
    all.extend([
        forged(runs_on, &[start()], &[acts(Input::Close, [KILL, ABANDON])], &cut),
        forged(runs_on, &[start()], &[reaped(), cut[0].clone()], &[acts(Input::Close, [TERM])]),
        // Whom the bound of a shutdown has killed need not be killed again.
        forged(runs_on, &[], &[&forced[..], &cut].concat(), &[&forced[..1], &cut].concat()),
        forged(open, &after_the_reap, &cut, &[when(Input::Close)]),
    ]);
    all
}

fn waits() -> Vec<Forged> {
    let taken = (Rule::C4, "an event was handed over that nobody took");
    let late = (Rule::C4, "what was waited for is there, and somebody waits");
    let early = (Rule::C4, "a wait was resolved before its time");
    let at_the_bound = (Rule::C13, late.1);
    let wait = |until| when(Input::Wait(until));
    let cancel = |until| when(Input::CancelWait(until));
    let [exited, over] = [Until::Exited, Until::Terminal];
    let empty = || when(Input::Empty(STDOUT));
    let event = (empty().0, Step { event: Some(bytes("a")), ..Step::default() });
    let one = [start(), wait(exited)];
    let two = [start(), wait(exited), wait(exited), wait(over)];
    let none = [start(), wait(exited), cancel(exited), wait(over), cancel(over)];
    let exits = [&[start(), wait(over)][..], &up_to_the_exit()].concat();
    let gone = [&[start(), wait(over)][..], &[eof(), reaped()]].concat();
    let shut_down = [start(), wait(exited), acts(Input::Shutdown, [TERM])];
    let bound = || acts(Input::Timeout(Timer::Shutdown), [KILL, ABANDON]);
    vec![
        forged(taken, &[start(), read("a")], &[empty(), gets_bytes("a")], &[event]),
        forged(late, &one, &[tells(reaped(), 1, 0)], &[reaped()]),
        forged(late, &one, &[tells(reaped(), 1, 0)], &[tells(reaped(), 2, 0)]),
        forged(late, &two, &[tells(reaped(), 2, 0)], &[tells(reaped(), 1, 0)]),
        forged(early, &two, &[tells(reaped(), 2, 0)], &[tells(reaped(), 2, 1)]),
        forged(early, &one, &[empty()], &[tells(empty(), 1, 0)]),
        forged(late, &none, &[reaped()], &[tells(reaped(), 1, 0)]),
        forged(late, &exits, &[tells(gets_clean_exit(), 0, 1)], &[gets_clean_exit()]),
        forged(
            late,
            &none,
            &up_to_the_exit(),
            &[&up_to_the_exit()[..], &[tells(gets_clean_exit(), 0, 1)]].concat(),
        ),
        // Nobody is there to take the exit: then it need not be taken.
        forged(late, &gone, &[tells(when(Input::Detach), 0, 1)], &[when(Input::Detach)]),
        forged(
            late,
            &[wait(exited), wait(over)],
            &[tells(when(Input::Refused), 1, 1)],
            &[tells(when(Input::Refused), 1, 0)],
        ),
        // Whoever comes late is told at once, and only he.
        forged(late, &[start(), reaped()], &[tells(wait(exited), 1, 0)], &[wait(exited)]),
        forged(at_the_bound, &shut_down, &[tells(bound(), 1, 0)], &[bound()]),
        forged(
            early,
            &[start(), wait(over), reaped(), eof()],
            &[gets_end(End::Eof), tells(gets_clean_exit(), 0, 1)],
            &[tells(gets_end(End::Eof), 0, 1)],
        ),
    ]
}
