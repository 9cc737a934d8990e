//! The terminal: its status, what it says of each stream, and why it was killed.

use lastbyte::{
    Cut, End, Policy, Signal, Status, StreamReport,
    machine::{Action, Cause, Event, Input, OutputLimit, Over, PumpAction, Reply, Timer},
    monitor::Rule,
};

use super::{
    Forged, KILL, STATUS, Seen, TERM, acts, eof, forged, gets, gets_bytes, gets_clean_exit,
    gets_end, gets_exit, killed, patient, pumps::cut_at_once, read, reaped, replies, start,
    terminal, up_to_the_exit, whole,
};
use crate::watched::{STDERR, STDOUT, chunk};

pub(super) fn all() -> Vec<Forged> {
    [order(), statuses(), reports(), held(), causes(), kills(), latched()]
        .into_iter()
        .flatten()
        .collect()
}

fn order() -> Vec<Forged> {
    let bytes = (Rule::C1, "the terminal overtook bytes that were read");
    let end = (Rule::C1, "the terminal overtook the end of a stream");
    let one = [start(), read("a"), eof(), reaped()];
    vec![
        forged(bytes, &one, &[gets_bytes("a")], &[gets_clean_exit()]),
        forged(end, &[start(), eof(), reaped()], &[gets_end(End::Eof)], &[gets_clean_exit()]),
    ]
}

fn statuses() -> Vec<Forged> {
    let other = (Rule::C9, "the status is not the one that was reaped");
    let none = (Rule::C9, "a status without a reap");
    let ends = [&[start()][..], &up_to_the_exit()].concat();
    let exit = |status| [gets_exit(status, Cause::default(), whole(0))];
    let abandon = Action::Pump(STDOUT, PumpAction::Abandon);
    let forced = [
        start(),
        acts(Input::Shutdown, [TERM]),
        acts(Input::Timeout(Timer::Shutdown), [KILL, abandon]),
        gets_end(End::Cut(Cut::Shutdown)),
    ];
    let cut = StreamReport { end: End::Cut(Cut::Shutdown), ..whole(0) };
    let cause =
        Cause { cancelled: true, killed_by_us: killed(Signal::TERM, true), ..Cause::default() };
    let forced_exit = |status| [gets_exit(status, cause, cut)];
    let running = [start(), eof(), gets_end(End::Eof)];
    let right = [&[reaped()][..], &exit(STATUS)].concat();
    vec![
        forged(other, &ends, &exit(STATUS), &exit(Status::Exited { code: 1 })),
        forged(other, &ends, &exit(STATUS), &exit(Status::Forced)),
        forged(none, &running, &right, &exit(STATUS)),
        forged(none, &running, &right, &exit(Status::Forced)),
        forged(none, &forced, &forced_exit(Status::Forced), &forced_exit(STATUS)),
    ]
}

fn reports() -> Vec<Forged> {
    let wrong = (Rule::C8, "the report of a stream does not match what was delivered");
    let before = [start(), read("ab"), gets_bytes("ab"), eof(), reaped(), gets_end(End::Eof)];
    let right = whole(2);
    let exit = |report| [gets_exit(STATUS, Cause::default(), report)];
    let missing = terminal(STATUS, Cause::default(), right);
    let missing = lastbyte::Terminal { streams: Default::default(), ..missing };
    let others = [
        StreamReport { stream: STDERR, ..right },
        StreamReport { end: End::Limit, ..right },
        StreamReport { delivered: 1, ..right },
        StreamReport { delivered: 1, dropped: 1, ..right },
        StreamReport { dropped: 1, ..right },
        StreamReport { held: true, ..right },
    ];
    let mut all: Vec<_> =
        others.map(|report| forged(wrong, &before, &exit(right), &exit(report))).into();
    all.push(forged(wrong, &before, &exit(right), &[gets(Event::Exit(missing))]));
    // With bytes that were dropped.
    let gap = gets(Event::Gap { stream: STDOUT, bytes: 1 });
    let limited = [start(), read("abc"), gets_bytes("ab"), gap, eof(), reaped()];
    let limited = [&limited[..], &[gets_end(End::Limit)]].concat();
    let right = StreamReport { end: End::Limit, dropped: 1, ..right };
    let limit = OutputLimit { bytes_max: 2, over: Over::Truncate };
    for report in [
        StreamReport { dropped: 0, ..right },
        StreamReport { delivered: 3, dropped: 0, ..right },
        StreamReport { end: End::Eof, ..right },
    ] {
        let policy = Policy { limit: Some(limit), ..patient() };
        all.push(forged(wrong, &limited, &exit(right), &exit(report)).under(policy));
    }
    all
}

/// Whether somebody held a stream that was cut.
fn held() -> Vec<Forged> {
    let wrong = (Rule::C8, "the report of a stream does not match what was delivered");
    let [(cut, policy, name), ..] = cut_at_once();
    let end = [gets_end(End::Cut(name))];
    let before = [&cut[..], &end].concat();
    let report = StreamReport { end: End::Cut(name), held: true, ..whole(0) };
    let exit = |report| [gets_exit(STATUS, Cause::default(), report)];
    let free = StreamReport { held: false, ..report };
    let discard = acts(Input::Discard(STDOUT), [Action::Pump(STDOUT, PumpAction::Abandon)]);
    let of_nobody = [start(), discard, reaped(), gets_end(End::Discarded)];
    let nobody = StreamReport { end: End::Discarded, ..free };
    let taken = StreamReport { held: true, ..nobody };
    vec![
        forged(wrong, &before, &exit(report), &exit(free)).under(policy),
        forged(wrong, &of_nobody, &exit(nobody), &exit(taken)),
    ]
}

/// What a kill for each reason looks like, and the policy that has it.
fn reasons() -> [(Cause, Policy, Vec<Seen>); 4] {
    let none = Cause { killed_by_us: killed(Signal::TERM, false), ..Cause::default() };
    let limit = OutputLimit { bytes_max: 1, over: Over::Kill };
    let limited = Policy { limit: Some(limit), ..patient() };
    let by = |timer| vec![start(), acts(Input::Timeout(timer), [TERM])];
    let asked = vec![start(), replies(Input::Kill, Reply::Done, Some(Signal::TERM))];
    let gap = gets(Event::Gap { stream: STDOUT, bytes: 1 });
    let over = vec![start(), acts(chunk(STDOUT, "ab"), [TERM]), gets_bytes("a"), gap];
    [
        (Cause { timed_out: true, ..none }, patient(), by(Timer::Timeout)),
        (Cause { stalled: true, ..none }, patient(), by(Timer::Stall)),
        (Cause { cancelled: true, ..none }, limited, asked),
        (Cause { output_limit: true, ..none }, limited, over),
    ]
}

/// The rest of an execution without output, up to its exit with this cause.
fn exits(cause: Cause) -> [Seen; 4] {
    let [eof, reaped, end] = up_to_the_exit();
    [eof, reaped, end, gets_exit(STATUS, cause, whole(0))]
}

fn causes() -> Vec<Forged> {
    let invented = (Rule::C10, "a cause is reported that was not one");
    let mut all = Vec::new();
    for (right, policy, before) in reasons() {
        let (delivered, dropped) = if right.output_limit { (1, 1) } else { (0, 0) };
        let report = StreamReport { delivered, dropped, ..whole(0) };
        let exit = |cause| [&up_to_the_exit()[..], &[gets_exit(STATUS, cause, report)]].concat();
        for (other, ..) in reasons().into_iter().filter(|(cause, ..)| *cause != right) {
            all.push(forged(invented, &before, &exit(right), &exit(other)).under(policy));
            let both = Cause {
                timed_out: right.timed_out || other.timed_out,
                cancelled: right.cancelled || other.cancelled,
                output_limit: right.output_limit || other.output_limit,
                stalled: right.stalled || other.stalled,
                killed_by_us: right.killed_by_us,
            };
            all.push(forged(invented, &before, &exit(right), &exit(both)).under(policy));
        }
    }
    // A limit that was reached and not passed is no reason.
    let [_, _, (cancelled, policy, asked), (over, ..)] = reasons();
    let reached = [&asked[..], &[read("a"), gets_bytes("a")]].concat();
    let report = StreamReport { delivered: 1, ..whole(0) };
    let exit = |cause| [&up_to_the_exit()[..], &[gets_exit(STATUS, cause, report)]].concat();
    all.push(forged(invented, &reached, &exit(cancelled), &exit(over)).under(policy));
    // A limit that only truncates kills nobody.
    let limit = OutputLimit { bytes_max: 1, over: Over::Truncate };
    let truncates = Policy { limit: Some(limit), ..patient() };
    let gap = gets(Event::Gap { stream: STDOUT, bytes: 1 });
    let before = [start(), read("ab"), gets_bytes("a"), gap];
    let report = StreamReport { delivered: 1, dropped: 1, ..whole(0) };
    let exit = |cause| [&up_to_the_exit()[..], &[gets_exit(STATUS, cause, report)]].concat();
    let over = Cause { output_limit: true, ..Cause::default() };
    all.push(forged(invented, &before, &exit(Cause::default()), &exit(over)).under(truncates));
    all
}

fn kills() -> Vec<Forged> {
    let not_done = (Rule::C10, "a kill is reported that was not done");
    let escalated = (Rule::C10, "whether SIGKILL was needed is not what happened");
    let silent = (Rule::C10, "a kill was done and is not reported");
    let cancelled = |killed_by_us| Cause { cancelled: true, killed_by_us, ..Cause::default() };
    let killed_by = |signal, escalated| exits(cancelled(killed(signal, escalated)));
    let asks = |signal| [start(), replies(Input::Kill, Reply::Done, Some(signal))];
    let [term, kill] = [asks(Signal::TERM), asks(Signal::KILL)];
    let grace = [&term[..], &[acts(Input::Timeout(Timer::Grace), [KILL])]].concat();
    let only_signal =
        [start(), replies(Input::Signal(Signal::INT), Reply::Done, Some(Signal::INT))];
    let unsaid = Cause { killed_by_us: killed(Signal::TERM, false), ..Cause::default() };
    let asked_in_vain = [start(), replies(Input::Kill, Reply::Done, None)];
    let clean = exits(Cause::default());
    let by_hand = exits(Cause { killed_by_us: killed(Signal::INT, false), ..Cause::default() });
    vec![
        forged(not_done, &term, &killed_by(Signal::TERM, false), &killed_by(Signal::HUP, false)),
        forged(not_done, &term, &killed_by(Signal::TERM, false), &exits(unsaid)),
        forged(not_done, &only_signal, &clean, &by_hand),
        forged(escalated, &term, &killed_by(Signal::TERM, false), &killed_by(Signal::TERM, true)),
        forged(escalated, &grace, &killed_by(Signal::TERM, true), &killed_by(Signal::TERM, false)),
        forged(escalated, &kill, &killed_by(Signal::KILL, false), &killed_by(Signal::KILL, true)),
        forged(silent, &term, &killed_by(Signal::TERM, false), &clean),
        forged(silent, &term, &killed_by(Signal::TERM, false), &exits(cancelled(None))),
        forged(silent, &asked_in_vain, &clean, &exits(cancelled(None))),
    ]
}

/// Kills and signals that were asked for before there was a pid.
fn latched() -> Vec<Forged> {
    let not_done = (Rule::C10, "a kill is reported that was not done");
    let escalated = (Rule::C10, "whether SIGKILL was needed is not what happened");
    let silent = (Rule::C10, "a kill was done and is not reported");
    let asks = |input| replies(input, Reply::Latched, None);
    let cancelled =
        |killed_by_us| exits(Cause { cancelled: true, killed_by_us, ..Cause::default() });
    let [kill, hup] = [Input::Kill, Input::Signal(Signal::HUP)].map(asks);
    let sends = [acts(Input::Started, [TERM])];
    let both = [Action::Signal(Signal::HUP), TERM];
    let sends_both = [acts(Input::Started, both)];
    let only_hup = [hup.clone(), acts(Input::Started, [both[0]])];
    let itself = [asks(Input::Signal(Signal::TERM)), kill.clone(), sends[0].clone()];
    let hard =
        [asks(Input::Signal(Signal::KILL)), kill.clone(), acts(Input::Started, [KILL, TERM])];
    let clean = exits(Cause::default());
    let wrong = cancelled(killed(Signal::INT, false));
    let late = [itself[0].clone(), sends[0].clone(), acts(Input::Timeout(Timer::Timeout), [TERM])];
    let killed_by_us = killed(Signal::TERM, false);
    let timed_out = Cause { timed_out: true, killed_by_us, ..Cause::default() };
    vec![
        forged(
            silent,
            &[],
            &[&only_hup[..], &clean].concat(),
            &[&[kill.clone()][..], &sends, &clean].concat(),
        ),
        forged(
            silent,
            &[&[hup, kill][..], &sends_both].concat(),
            &cancelled(killed(Signal::TERM, false)),
            &clean,
        ),
        forged(not_done, &itself, &cancelled(killed(Signal::TERM, false)), &wrong),
        // What is sent at the start and nobody asked for is a kill; and so is what is sent later,
        // whoever asked for it before.
        forged(silent, &[], &[&[start()][..], &clean].concat(), &[&sends[..], &clean].concat()),
        forged(silent, &late, &exits(timed_out), &clean),
        // Who asks for SIGKILL as well cannot be told whether the kill would have needed it.
        forged(not_done, &hard, &cancelled(killed(Signal::TERM, true)), &wrong),
        forged(not_done, &hard, &cancelled(killed(Signal::TERM, false)), &wrong),
        forged(
            escalated,
            &itself,
            &cancelled(killed(Signal::TERM, false)),
            &cancelled(killed(Signal::TERM, true)),
        ),
    ]
}
