//! What the consumer is given of a stream: its bytes, gaps and end.

use lastbyte::{
    BufferPolicy, Cut, End, Errno, Full, OutputLimit, Over, Policy, StreamId,
    machine::{Action, Event, Input, PumpAction, Timer},
    monitor::Rule,
};

use super::{
    Forged, KILL, TERM, Text, acts, eof, forged, gets, gets_bytes, gets_clean_exit, gets_end,
    gets_nothing, patient, pumps::cut_at_once, read, reaped, start, up_to_the_exit, when,
};
use crate::watched::{STDERR, STDOUT};

pub(super) fn all() -> Vec<Forged> {
    [whose(), withheld(), bytes(), limits(), gaps(), order(), ends(), cuts()]
        .into_iter()
        .flatten()
        .collect()
}

fn gets_gap(bytes: u64) -> super::Seen {
    gets(Event::Gap { stream: STDOUT, bytes })
}

fn drops() -> Policy {
    let buffer = BufferPolicy { bytes_max: 4, chunks_max: 4, full: Full::Gap };
    Policy { buffer, ..patient() }
}

fn limited(bytes_max: u64, over: Over) -> Policy {
    Policy { limit: Some(OutputLimit { bytes_max, over }), ..patient() }
}

fn whose() -> Vec<Forged> {
    let gone = (Rule::C11, "an event was delivered after the consumer was gone");
    let after_all = (Rule::C2, "an event followed the terminal");
    let none = (Rule::C15, "an event of a stream that does not exist");
    let over = [&[start()][..], &up_to_the_exit(), &[gets_clean_exit()]].concat();
    let one = [start(), read("a")];
    let left = [start(), read("a"), when(Input::Detach)];
    let chunk = |stream: StreamId| gets(Event::Chunk { stream, chunk: Text(b"a".to_vec()) });
    let gap = |stream| gets(Event::Gap { stream, bytes: 1 });
    let end = |stream| gets(Event::End { stream, end: End::Eof });
    vec![
        forged(gone, &left, &[gets_nothing()], &[gets_bytes("a")]),
        forged(after_all, &over, &[gets_nothing()], &[gets_clean_exit()]),
        forged(after_all, &over, &[gets_nothing()], &[gets_bytes("a")]),
        forged(none, &one, &[chunk(STDOUT)], &[chunk(STDERR)]),
        forged(none, &one, &[gap(STDOUT)], &[gap(STDERR)]).under(drops()),
        forged(none, &[start(), eof()], &[end(STDOUT)], &[end(StreamId::Pty)]),
    ]
}

fn withheld() -> Vec<Forged> {
    let withheld = (Rule::C1, "the consumer asked and was not given what had been read");
    let nothing = (Rule::C5, "the root is reaped, every stream has ended, and no terminal came");
    let one = [start(), read("a")];
    let discards = when(Input::Discard(STDOUT));
    let of_nobody = [start(), read("a"), discards];
    let limit = limited(9, Over::Truncate);
    let forced = acts(Input::Timeout(Timer::Shutdown), [KILL]);
    vec![
        forged(withheld, &one, &[gets_bytes("a")], &[gets_nothing()]),
        forged(withheld, &[start(), eof()], &[gets_end(End::Eof)], &[gets_nothing()]),
        // What a limit holds back is due when its stream has ended.
        forged(withheld, &one, &[gets_nothing(), eof(), gets_bytes("a")], &[eof(), gets_nothing()])
            .under(limit),
        forged(withheld, &of_nobody, &[gets_nothing()], &[eof(), gets_nothing()]),
        // Of whom is gone nothing is kept back.
        forged(
            withheld,
            &one,
            &[eof(), when(Input::Detach), gets_nothing()],
            &[eof(), gets_nothing()],
        ),
        forged(
            nothing,
            &[start(), eof(), gets_end(End::Eof)],
            &[gets_nothing()],
            &[reaped(), gets_nothing()],
        ),
        forged(
            nothing,
            &[start(), eof(), gets_end(End::Eof)],
            &[gets_nothing()],
            &[forced, gets_nothing()],
        ),
        forged(
            nothing,
            &[start(), reaped()],
            &[gets_nothing()],
            &[eof(), gets_end(End::Eof), gets_nothing()],
        ),
    ]
}

fn bytes() -> Vec<Forged> {
    let unread = (Rule::C3, "bytes were delivered that were never read");
    let others = (Rule::C3, "the bytes delivered are not the bytes read");
    let two = [start(), read("abc"), read("de")];
    vec![
        forged(unread, &[start(), read("a")], &[gets_bytes("a")], &[gets_bytes("ab")]),
        forged(unread, &[start()], &[gets_nothing()], &[gets_bytes("a")]),
        // Wherever they are cut, they are the same.
        forged(unread, &two, &[gets_bytes("abcde")], &[gets_bytes("abcdef")]),
        forged(
            others,
            &two,
            &[gets_bytes("ab"), gets_bytes("cd"), gets_bytes("e")],
            &[gets_bytes("ab"), gets_bytes("ce")],
        ),
        forged(others, &two, &[gets_bytes("a"), gets_bytes("bcde")], &[gets_bytes("b")]),
        forged(others, &two, &[gets_bytes("abcde")], &[gets_bytes("abcdx")]),
        forged(
            others,
            &two,
            &[gets_bytes("abcd"), gets_bytes("e")],
            &[gets_bytes("abcd"), gets_bytes("d")],
        ),
    ]
}

fn limits() -> Vec<Forged> {
    let more = (Rule::C12, "more was delivered than the output limit allows");
    let three = [start(), read("abc")];
    let parts = [gets_bytes("a"), gets_bytes("b")];
    let tail = Over::KeepTail { bytes_max: 1 };
    vec![
        forged(more, &three, &[gets_bytes("ab")], &[gets_bytes("abc")])
            .under(limited(2, Over::Truncate)),
        forged(more, &three, &parts, &[&parts[..], &[gets_bytes("c")]].concat())
            .under(limited(2, Over::Kill)),
        forged(more, &[start(), read("abcd")], &[gets_bytes("abc")], &[gets_bytes("abcd")])
            .under(limited(2, tail)),
    ]
}

fn gaps() -> Vec<Forged> {
    let empty = (Rule::C8, "a gap of no bytes");
    let behind = (Rule::C1, "a gap after the end of its stream");
    let forbidden = (Rule::C1, "bytes were dropped, and no policy allows it");
    let unread = (Rule::C3, "bytes were delivered that were never read");
    let one = [start(), read("a")];
    let two = [start(), read("abc")];
    let ended = [start(), eof(), gets_end(End::Eof)];
    let of_nobody = [when(Input::Discard(STDOUT)), gets_gap(1)];
    let abandon = Action::Pump(STDOUT, PumpAction::Abandon);
    let forced = [acts(Input::Timeout(Timer::Shutdown), [KILL, abandon]), gets_gap(1)];
    vec![
        forged(empty, &one, &[gets_gap(1)], &[gets_gap(0)]).under(drops()),
        forged(behind, &ended, &[gets_nothing()], &[gets_gap(1)]).under(drops()),
        forged(forbidden, &one, &of_nobody, &[gets_gap(1)]),
        forged(forbidden, &one, &forced, &[gets_gap(1)]),
        forged(forbidden, &two, &[gets_bytes("ab"), gets_gap(1)], &[gets_bytes("a"), gets_gap(2)])
            .under(limited(2, Over::Truncate)),
        forged(unread, &one, &[gets_gap(1)], &[gets_gap(2)]).under(drops()),
        // What stands behind a gap is what was read behind it.
        forged(
            (Rule::C3, "the bytes delivered are not the bytes read"),
            &two,
            &[gets_gap(1), gets_bytes("bc")],
            &[gets_gap(2), gets_bytes("b")],
        )
        .under(drops()),
    ]
}

fn order() -> Vec<Forged> {
    let behind = (Rule::C1, "bytes were delivered after the end of their stream");
    let twice = (Rule::C1, "a stream ended twice for the consumer");
    let overtook = (Rule::C1, "the end of a stream overtook its last byte");
    let ended = [start(), eof(), gets_end(End::Eof)];
    vec![
        forged(behind, &ended, &[gets_nothing()], &[gets_bytes("a")]),
        forged(twice, &ended, &[gets_nothing()], &[gets_end(End::Eof)]),
        forged(
            overtook,
            &[start(), read("a"), eof()],
            &[gets_bytes("a"), gets_end(End::Eof)],
            &[gets_end(End::Eof)],
        ),
    ]
}

fn ends() -> Vec<Forged> {
    let no_eof = (Rule::C9, "an EOF that no read returned");
    let no_limit = (Rule::C8, "a limit that does not exist");
    let no_error = (Rule::C9, "a read error that no read returned");
    let whole = (Rule::C9, "a stream reported as cut was read to its end");
    let taken = (Rule::C15, "a stream was discarded that somebody takes");
    let fails = when(Input::ReadError(STDOUT, Errno(5)));
    let failed = |errno| [gets_end(End::ReadError(Errno(errno)))];
    let [eof_end, limit] = [[gets_end(End::Eof)], [gets_end(End::Limit)]];
    let discards = when(Input::Discard(STDOUT));
    let cut = [gets_end(End::Cut(Cut::Idle))];
    let read_out = [start(), eof()];
    let broken = [start(), fails];
    vec![
        forged(no_eof, &[start()], &[&[eof()][..], &eof_end].concat(), &eof_end),
        forged(no_eof, &broken, &failed(5), &eof_end),
        forged(no_eof, &broken, &failed(5), &limit).under(limited(1, Over::Truncate)),
        forged(no_limit, &read_out, &eof_end, &limit),
        forged(
            no_limit,
            &[],
            &[&read_out[..], &eof_end].concat(),
            &[&read_out[..], &limit].concat(),
        ),
        forged(no_error, &broken, &failed(5), &failed(7)),
        forged(no_error, &read_out, &eof_end, &failed(5)),
        forged(whole, &read_out, &eof_end, &cut),
        forged(taken, &read_out, &eof_end, &[gets_end(End::Discarded)]),
        forged(
            taken,
            &[start()],
            &[discards, eof(), gets_end(End::Discarded)],
            &[eof(), gets_end(End::Discarded)],
        ),
    ]
}

fn cuts() -> Vec<Forged> {
    let other = (Rule::C8, "a cut is reported by the name of another");
    let named = |cut| [gets_end(End::Cut(cut))];
    let abandon = Action::Pump(STDOUT, PumpAction::Abandon);
    let shut_down = [
        start(),
        acts(Input::Shutdown, [TERM]),
        acts(Input::Timeout(Timer::Shutdown), [KILL, abandon]),
    ];
    let with_a_gap = [start(), read("a"), gets_gap(1), eof()];
    let mut all = Vec::new();
    for (cut, policy, name) in cut_at_once() {
        let names = [Cut::After, Cut::Idle, Cut::Max, Cut::Close, Cut::Shutdown];
        let wrong = names.into_iter().filter(|&wrong| wrong != name);
        let cases = wrong.map(|wrong| forged(other, &cut, &named(name), &named(wrong)));
        all.extend(cases.map(|forged| forged.under(policy)));
    }
    all.extend([
        forged(other, &shut_down, &named(Cut::Shutdown), &named(Cut::Close)),
        // Bytes are missing of it, so it may have been cut: but by whom?
        forged(other, &with_a_gap, &[gets_end(End::Eof)], &named(Cut::Idle)).under(drops()),
    ]);
    all
}
