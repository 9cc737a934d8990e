//! Canonical traces pass; each rule has a broken one, which is caught at its line.

use lastbyte::monitor::Rule;

use super::{Checker, Finding, Malformed, REMEMBERED};

/// A history that breaks nothing: two executions interleaved, one with everything.
const CANONICAL: &str = r#"
{"execution":"a","event":"spawn","pid":7,"outputs":["stdout","stderr"],"buffer_bytes_max":64}
{"execution":"a","event":"wait","until":"exited"}
{"execution":"b","event":"spawn"}
{"execution":"a","event":"read","stream":"stdout","text":"one\n"}
{"execution":"a","event":"chunk","stream":"stdout","text":"o"}
{"execution":"a","event":"chunk","stream":"stdout","base64":"bmUK"}
{"execution":"a","event":"read","stream":"stderr","text":"oops"}
{"execution":"b","event":"read","stream":"pty","bytes":100000}
{"execution":"b","event":"gap","stream":"pty","bytes":1000}
{"execution":"b","event":"chunk","stream":"pty","bytes":99000}
{"execution":"a","event":"kill"}
{"execution":"a","event":"signal","signal":15,"target":"group"}
{"execution":"a","event":"reap","status":{"signal":15},"standing":{"stdout":0,"stderr":3}}
{"execution":"a","event":"resolved","until":"exited","status":{"signal":15}}
{"execution":"a","event":"read","stream":"stderr","text":"end"}
{"execution":"a","event":"read_eof","stream":"stdout"}
{"execution":"a","event":"let_go","stream":"stderr"}
{"execution":"a","event":"eof","stream":"stdout"}
{"execution":"a","event":"chunk","stream":"stderr","text":"oopsend"}
{"execution":"a","event":"end","stream":"stderr","end":"cut","why":"idle"}
{"execution":"a","event":"wait","until":"terminal"}
{"execution":"a","event":"exit","status":{"signal":15},"cancelled":true,"killed_by_us":{"signal":15,"escalated":false},"cut":[{"stream":"stderr","why":"idle"}],"streams":{"stdout":{"end":"eof","delivered":4,"dropped":0,"held":false},"stderr":{"end":"cut","delivered":7,"dropped":0,"held":true}}}
{"execution":"a","event":"resolved","until":"terminal","status":{"signal":15}}
{"execution":"a","event":"resolved","until":"terminal","status":{"signal":15}}
{"execution":"b","event":"read_error","stream":"pty","errno":5}
{"execution":"b","event":"end","stream":"pty","end":"read_error","errno":5}
{"execution":"b","event":"reap","status":{"unknown":10}}
{"execution":"b","event":"exit","status":{"unknown":10},"streams":{"pty":{"end":"read_error","errno":5,"delivered":99000,"dropped":1000}}}
{"execution":"a","event":"no_more"}
{"execution":"a","event":"quiet"}
{"execution":"c","event":"refused","error":{"stage":"lookup"}}
"#;

/// The first finding, or what is malformed, of these lines; then, what stands at the end of them.
fn check(text: &str) -> Result<Vec<Finding>, Malformed> {
    let mut checker = Checker::new(true);
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.trim_start().lines()) {
        findings.extend(checker.take(number, line.as_bytes())?);
    }
    findings.extend(checker.finish());
    Ok(findings)
}

/// These lines of one execution, all but the last of which are right.
#[track_caller]
fn assert_breaks(rule: Rule, why: &str, lines: &[&str]) {
    let text: String =
        lines.iter().map(|line| line.replacen('{', r#"{"execution":"x","#, 1) + "\n").collect();
    let findings = check(&text).unwrap_or_else(|malformed| panic!("{malformed:?}"));
    let found: Vec<_> =
        findings.iter().map(|it| (it.line, it.broken.rule, it.broken.why)).collect();
    assert_eq!(found, [(lines.len() as u64, rule, why)], "{text}");
    assert_eq!(findings[0].execution, "x");
    assert_eq!(findings[0].rows.len(), lines.len());
}

#[track_caller]
fn assert_malformed(column: usize, why: &str, lines: &[&str]) {
    match check(&lines.join("\n")) {
        Ok(findings) => panic!("it is taken: {findings:?}"),
        Err(malformed) => {
            let line = lines.len() as u64;
            assert_eq!(malformed, Malformed { line, column, why: why.to_owned() });
        }
    }
}

const SPAWN: &str = r#"{"event":"spawn","outputs":["stdout"]}"#;
const READ: &str = r#"{"event":"read","stream":"stdout","text":"abc"}"#;
const CHUNK: &str = r#"{"event":"chunk","stream":"stdout","text":"abc"}"#;
const READ_EOF: &str = r#"{"event":"read_eof","stream":"stdout"}"#;
const EOF: &str = r#"{"event":"eof","stream":"stdout"}"#;
const REAP: &str = r#"{"event":"reap","status":{"code":0},"standing":{"stdout":0}}"#;
const EXIT: &str =
    r#"{"event":"exit","status":{"code":0},"streams":{"stdout":{"end":"eof","delivered":3}}}"#;

/// If this were red, a trace of an honest program would be blamed.
#[test]
fn canonical_traces_pass() {
    assert_eq!(check(CANONICAL), Ok(vec![]));
    let mut checker = Checker::new(false);
    for (number, line) in (1..).zip(CANONICAL.lines()) {
        checker.take(number, line.as_bytes()).expect("it is of the schema");
    }
    let totals = checker.totals();
    assert_eq!((totals.executions, totals.events, totals.broken), (3, 31, 0));
    assert_eq!(checker.running(), 0);
}

/// If this were red, no line of the canonical trace could be told from one that does not matter:
/// whichever delivery is left out, something is missing.
#[test]
fn c08_each_delivery_of_the_canonical_trace_is_missed() {
    let lines: Vec<&str> = CANONICAL.trim().lines().collect();
    let mut left_out = 0;
    for (at, line) in lines.iter().enumerate() {
        if ["\"chunk\"", "\"gap\"", "\"exit\""]
            .iter()
            .any(|event| line.contains(&format!("\"event\":{event}")))
        {
            left_out += 1;
            let rest: Vec<&str> = lines
                .iter()
                .enumerate()
                .filter(|&(other, _)| other != at)
                .map(|(_, line)| *line)
                .collect();
            let findings = check(&rest.join("\n")).expect("it is of the schema");
            assert_eq!(findings.len(), 1, "without {line}");
        }
    }
    assert_eq!(left_out, 7);
}

/// If this were red, an end or an exit that overtakes bytes would pass.
#[test]
fn c01_what_overtakes_the_last_byte_is_caught() {
    assert_breaks(
        Rule::C1,
        "the end of a stream overtook its last byte",
        &[SPAWN, READ, READ_EOF, EOF],
    );
    assert_breaks(
        Rule::C1,
        "the terminal overtook bytes that had been read",
        &[SPAWN, READ, REAP, EXIT],
    );
    assert_breaks(Rule::C1, "bytes were read after the end of a stream", &[SPAWN, READ_EOF, READ]);
    assert_breaks(Rule::C1, "a stream ended twice", &[SPAWN, READ_EOF, READ_EOF]);
    assert_breaks(
        Rule::C1,
        "bytes were delivered after the end of their stream",
        &[SPAWN, READ_EOF, EOF, CHUNK],
    );
    let unreported = r#"{"event":"exit","status":{"code":0}}"#;
    assert_breaks(
        Rule::C1,
        "the terminal overtook the end of a stream",
        &[SPAWN, REAP, unreported],
    );
}

/// If this were red, events after the terminal, or a second one, would pass.
#[test]
fn c02_what_follows_the_terminal_is_caught() {
    let whole = [SPAWN, READ, READ_EOF, REAP, CHUNK, EOF, EXIT];
    let then = |line| [&whole[..], &[line]].concat();
    assert_breaks(Rule::C2, "there was a second terminal", &then(EXIT));
    assert_breaks(Rule::C2, "an event followed the terminal", &then(CHUNK));
    assert_breaks(Rule::C2, "a stream was read after the terminal", &then(READ));
    assert_breaks(Rule::C2, "the root was reaped twice", &[SPAWN, REAP, REAP]);
    assert_breaks(
        Rule::C2,
        "the events ended without a terminal",
        &[SPAWN, REAP, r#"{"event":"no_more"}"#],
    );
}

/// If this were red, bytes could be changed, added or left out unseen.
#[test]
fn c03_other_bytes_are_caught() {
    let other = r#"{"event":"chunk","stream":"stdout","text":"abd"}"#;
    assert_breaks(Rule::C3, "the bytes delivered are not the bytes read", &[SPAWN, READ, other]);
    let more = r#"{"event":"chunk","stream":"stdout","text":"abcd"}"#;
    assert_breaks(Rule::C3, "the bytes delivered are not the bytes read", &[SPAWN, READ, more]);
    let lengths = [
        r#"{"event":"read","stream":"stdout","bytes":3}"#,
        r#"{"event":"chunk","stream":"stdout","bytes":4}"#,
    ];
    assert_breaks(
        Rule::C3,
        "the bytes delivered are not the bytes read",
        &[SPAWN, lengths[0], lengths[1]],
    );
}

/// If this were red, a wait answered too early, twice differently or never would pass.
#[test]
fn c04_waits_are_held_to_the_terminal() {
    let wait = r#"{"event":"wait","until":"terminal"}"#;
    let told = r#"{"event":"resolved","until":"terminal","status":{"code":0}}"#;
    let other = r#"{"event":"resolved","until":"exited","status":{"code":1}}"#;
    assert_breaks(
        Rule::C4,
        "a wait was answered before the terminal was delivered",
        &[SPAWN, wait, REAP, told],
    );
    assert_breaks(
        Rule::C4,
        "somebody waits for ever for what has happened",
        &[
            SPAWN,
            wait,
            READ_EOF,
            REAP,
            EOF,
            r#"{"event":"exit","status":{"code":0},"streams":{"stdout":{"end":"eof","delivered":0}}}"#,
        ],
    );
    assert_breaks(Rule::C9, "the status told is not how the root ended", &[SPAWN, REAP, other]);
}

/// If this were red, an execution that never ends would pass where nothing more can happen.
#[test]
fn c06_an_execution_without_an_end_is_caught() {
    assert_breaks(
        Rule::C6,
        "nothing more can happen, and there is no terminal",
        &[SPAWN, READ, READ_EOF, CHUNK, EOF, REAP],
    );
    assert_breaks(
        Rule::C6,
        "nothing more can happen, and there is no terminal",
        &[SPAWN, REAP, r#"{"event":"quiet"}"#],
    );
}

/// If this were red, the root's own bytes could be cut off unseen.
#[test]
fn c07_a_cut_before_the_roots_last_byte_is_caught() {
    let reap = r#"{"event":"reap","status":{"code":0},"standing":{"stdout":4}}"#;
    let cut = r#"{"event":"end","stream":"stdout","end":"cut","why":"after"}"#;
    assert_breaks(
        Rule::C7,
        "a stream was cut before the root's last byte",
        &[SPAWN, reap, READ, CHUNK, cut],
    );
}

/// If this were red, bytes could go missing in silence.
#[test]
fn c08_silent_loss_is_caught() {
    let skips = r#"{"event":"chunk","stream":"stdout","text":"c"}"#;
    assert_breaks(Rule::C8, "bytes are missing, and nothing says so", &[SPAWN, READ, skips]);
    let gap = r#"{"event":"gap","stream":"stdout","bytes":4}"#;
    assert_breaks(Rule::C8, "a gap of more than was read", &[SPAWN, READ, gap]);
    let counts =
        r#"{"event":"exit","status":{"code":0},"streams":{"stdout":{"end":"eof","delivered":4}}}"#;
    assert_breaks(
        Rule::C8,
        "the report counts other bytes than were delivered",
        &[SPAWN, READ, READ_EOF, REAP, CHUNK, EOF, counts],
    );
    let dropped = r#"{"event":"exit","status":{"code":0},"streams":{"stdout":{"end":"eof","delivered":3,"dropped":1}}}"#;
    assert_breaks(
        Rule::C8,
        "the report counts other bytes than were dropped",
        &[SPAWN, READ, READ_EOF, REAP, CHUNK, EOF, dropped],
    );
}

/// If this were red, guesses would pass for evidence.
#[test]
fn c09_guesses_are_caught() {
    let signaled = r#"{"event":"exit","status":{"code":137}}"#;
    let reap = r#"{"event":"reap","status":{"signal":9}}"#;
    assert_breaks(
        Rule::C9,
        "the status told is not how the root ended",
        &[SPAWN, READ_EOF, EOF, reap, signaled],
    );
    assert_breaks(Rule::C9, "an end that no read returned", &[SPAWN, EOF]);
    let failed = r#"{"event":"read_error","stream":"stdout","errno":5}"#;
    assert_breaks(Rule::C9, "an end that no read returned", &[SPAWN, failed, EOF]);
    assert_breaks(
        Rule::C9,
        "a status was told of a root that still runs",
        &[SPAWN, READ_EOF, EOF, r#"{"event":"exit","status":{"code":0}}"#],
    );
}

/// If this were red, a cause could be claimed for an exit that had come by itself.
#[test]
fn c10_an_invented_cause_is_caught() {
    let exit = r#"{"event":"exit","status":{"code":0},"timed_out":true}"#;
    assert_breaks(
        Rule::C10,
        "a cause is named, and nobody had acted in time",
        &[SPAWN, READ_EOF, EOF, REAP, exit],
    );
}

/// If this were red, a close could leave something behind unseen.
#[test]
fn c11_what_a_close_leaves_is_caught() {
    let (close, closed) = (r#"{"event":"close"}"#, r#"{"event":"closed"}"#);
    assert_breaks(
        Rule::C11,
        "an event was delivered after the close had returned",
        &[SPAWN, READ, close, REAP, closed, CHUNK],
    );
    assert_breaks(Rule::C11, "a close never returns", &[SPAWN, REAP, close]);
    assert_breaks(Rule::C11, "a close left the root running", &[SPAWN, close, closed]);
    assert_breaks(
        Rule::C11,
        "an event was delivered after the consumer was gone",
        &[SPAWN, READ, r#"{"event":"detach"}"#, CHUNK],
    );
}

/// If this were red, a buffer could grow without bound unseen.
#[test]
fn c12_a_buffer_beyond_its_bound_is_caught() {
    let spawn = r#"{"event":"spawn","outputs":["stdout"],"buffer_bytes_max":5}"#;
    assert_breaks(Rule::C12, "more is buffered than the bound allows", &[spawn, READ, READ]);
}

/// If this were red, a shutdown could leave somebody waiting unseen.
#[test]
fn c13_who_waits_after_a_shutdown_is_caught() {
    let shutdown = r#"{"event":"shutdown"}"#;
    assert_breaks(Rule::C13, "a shutdown left somebody waiting for ever", &[SPAWN, shutdown, REAP]);
    assert_breaks(
        Rule::C13,
        "the events ended without a terminal",
        &[SPAWN, shutdown, r#"{"event":"no_more"}"#],
    );
}

/// If this were red, a refused start could be followed by events unseen.
#[test]
fn c14_what_follows_a_refusal_is_caught() {
    let refused = r#"{"event":"refused"}"#;
    assert_breaks(Rule::C14, "a refused start was followed by something", &[refused, EXIT]);
    assert_breaks(Rule::C14, "a start was refused that had been made", &[SPAWN, refused]);
}

/// If this were red, a stream could be thrown away unasked, or come from nowhere.
#[test]
fn c15_orphan_streams_are_caught() {
    let discarded = r#"{"event":"end","stream":"stdout","end":"discarded"}"#;
    assert_breaks(Rule::C15, "a stream was discarded that somebody takes", &[SPAWN, discarded]);
    let other = r#"{"event":"read","stream":"stderr","text":"x"}"#;
    assert_breaks(Rule::C15, "a stream that the execution does not have", &[SPAWN, other]);
}

/// If this were red, a signal to a pid that may be another's would pass.
#[test]
fn c16_a_signal_after_the_reap_is_caught() {
    let signal = r#"{"event":"signal","signal":9}"#;
    assert_breaks(
        Rule::C16,
        "a signal was sent to a pid that had been reaped",
        &[SPAWN, REAP, signal],
    );
    assert_breaks(
        Rule::C16,
        "a kill was asked for, and never came",
        &[SPAWN, r#"{"event":"kill"}"#],
    );
}

/// If this were red, a discard that was asked for would be blamed.
#[test]
fn c15_a_stream_that_nobody_wants_may_be_thrown_away() {
    let text = r#"
{"event":"spawn","outputs":["stdout"],"buffer_bytes_max":4}
{"event":"discard","stream":"stdout"}
{"event":"read","stream":"stdout","text":"abcdefgh"}
{"event":"read_eof","stream":"stdout"}
{"event":"reap","status":{"code":0},"standing":{"stdout":0}}
{"event":"end","stream":"stdout","end":"discarded"}
{"event":"exit","status":{"code":0},"streams":{"stdout":{"end":"discarded","delivered":0,"dropped":8}}}
"#;
    assert_eq!(check(text), Ok(vec![]));
}

/// If this were red, what the command prints with `--json` would be no trace.
#[test]
fn what_run_prints_is_a_trace() {
    let text = r#"
{"event":"start","pid":4711}
{"event":"chunk","stream":"stdout","text":"hi\n"}
{"event":"end","stream":"stdout","end":"cut","why":"after"}
{"event":"end","stream":"stderr","end":"cut","why":"after"}
{"event":"exit","status":{"code":3},"core_dumped":false,"timed_out":false,"cancelled":false,"output_limit":false,"stalled":false,"killed_by_us":null,"complete":false,"cut":[{"stream":"stdout","why":"after"},{"stream":"stderr","why":"after"}],"streams":{"stdout":{"end":"cut","delivered":3,"dropped":0,"held":true},"stderr":{"end":"cut","delivered":0,"dropped":0,"held":true}}}
{"event":"start","pid":4712}
{"event":"exit","status":{"unknown":"gone, its status taken by another wait (errno 10)"},"cancelled":true,"killed_by_us":{"signal":15},"streams":{"stdout":{"end":"discarded","delivered":0,"dropped":9}}}
{"event":"refused","error":{"code":"cannot_spawn"}}
"#;
    assert_eq!(check(text), Ok(vec![]));
}

/// If this were red, one broken execution would hide the others, or be told of again and again.
#[test]
fn each_execution_is_judged_by_itself_and_once() {
    let broken = |id: &str| {
        format!(
            r#"{{"execution":"{id}","event":"spawn"}}
{{"execution":"{id}","event":"eof","stream":"stdout"}}
{{"execution":"{id}","event":"eof","stream":"stdout"}}
"#
        )
    };
    let text = CANONICAL.trim_start().to_owned() + &broken("d") + &broken("e");
    let lines: Vec<_> = check(&text)
        .expect("it is of the schema")
        .into_iter()
        .map(|it| (it.execution, it.line))
        .collect();
    assert_eq!(lines, [("d".to_owned(), 33), ("e".to_owned(), 36)]);
}

/// If this were red, a long trace of short executions would fill the memory.
#[test]
fn executions_that_are_over_are_forgotten() {
    let mut checker = Checker::new(false);
    let mut number = 0;
    let mut take = |id: u32, line: &str| {
        number += 1;
        let line = line.replacen('{', &format!(r#"{{"execution":{id},"#), 1);
        checker.take(number, line.as_bytes()).map(|finding| finding.is_none())
    };
    for id in 0..3 * REMEMBERED as u32 {
        for line in [SPAWN, READ, READ_EOF, REAP, CHUNK, EOF, EXIT] {
            assert_eq!(take(id, line), Ok(true));
        }
    }
    // The latest are known, and what follows their terminal is seen; the others are not.
    assert_eq!(take(3 * REMEMBERED as u32 - 1, CHUNK), Ok(false));
    assert!(take(0, CHUNK).is_err_and(|malformed| malformed.why.contains("executions ago")));
    assert_eq!(checker.known.len(), REMEMBERED);
    assert_eq!(checker.over.len(), REMEMBERED);
}

/// If this were red, a chatty execution would keep every byte that it ever delivered.
#[test]
fn delivered_bytes_are_forgotten() {
    let mut checker = Checker::new(false);
    checker.take(1, br#"{"event":"spawn"}"#).expect("it is of the schema");
    // A number of bytes takes no room, however large.
    let (read, chunk) = ("read", "chunk");
    for (number, event) in (2..).zip([read, chunk, read, read, chunk, chunk]) {
        let bytes = u64::MAX / 4;
        let line = format!(r#"{{"event":"{event}","stream":"stdout","bytes":{bytes}}}"#);
        assert_eq!(checker.take(number, line.as_bytes()), Ok(None));
    }
}

/// If this were red, whoever writes traces would search for his mistake.
#[test]
fn malformed_lines_say_where_and_what() {
    assert_malformed(1, "expected value", &["spawn"]);
    assert_malformed(16, "EOF while parsing an object", &[r#"{"event":"spawn""#]);
    assert_malformed(
        2,
        "no event \"spwan\"; there are spawn, start, machine, step, refused, read, read_eof, \
        read_error, let_go, reap, chunk, gap, eof, end, exit, no_more, wait, cancel_wait, resolved, \
        signal, kill, close, closed, shutdown, discard, detach, quiet",
        &[r#"{"event":"spwan"}"#],
    );
    assert_malformed(
        16,
        "no stream \"stdin\"; there are stdout, stderr, combined and pty",
        &[r#"{"event":"start"}"#, r#"{"event":"eof","stream":"stdin"}"#],
    );
    assert_malformed(
        2,
        "this event has a field `stream`, which is missing",
        &[r#"{"event":"start"}"#, r#"{"event":"eof"}"#],
    );
    assert_malformed(2, "missing field `event`", &["{}"]);
    assert_malformed(
        19,
        "execution \"q\" has no `spawn`, `start`, `machine` or `refused` line before this one, \
        or ended more than 4096 executions ago",
        &[r#"{"execution":"q", "event":"kill"}"#],
    );
    assert_malformed(
        2,
        "this execution has been spawned already; give each its own name",
        &[r#"{"event":"start"}"#, r#"{"event":"start"}"#],
    );
    assert_malformed(
        2,
        "a chunk of 0 bytes; an empty read is a `read_eof`",
        &[r#"{"event":"start"}"#, r#"{"event":"read","stream":"stdout","text":""}"#],
    );
    assert_malformed(
        2,
        "only `bytes`, where earlier lines of this execution have the data",
        &[
            r#"{"event":"spawn"}"#,
            r#"{"event":"read","stream":"stdout","text":"a"}"#,
            r#"{"event":"chunk","stream":"stdout","bytes":1}"#,
        ],
    );
}
