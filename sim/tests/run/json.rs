//! One JSON object a line.

use serde_json::{Value, json};

use super::{assert_ended, bytes, events, exit, of_stream, run};

/// If this were red, whoever parses the events would have to guess.
#[test]
fn c08_events_and_exit_are_exactly_as_documented() {
    let (events, code) = events(&[], "echo hi; exit 3");
    assert_eq!(code, 3);
    let start = &events[0];
    assert!(start["pid"].as_u64().is_some_and(|pid| pid > 1), "{start}");
    assert_eq!(*start, json!({ "event": "start", "pid": start["pid"] }));
    assert_eq!(
        of_stream(&events, "stdout"),
        [
            json!({ "event": "chunk", "stream": "stdout", "text": "hi\n" }),
            json!({ "event": "eof", "stream": "stdout" }),
        ]
    );
    assert_eq!(of_stream(&events, "stderr"), [json!({ "event": "eof", "stream": "stderr" })]);
    let expected = concat!(
        r#"{"event":"exit","status":{"code":3},"core_dumped":false,"timed_out":false,"#,
        r#""cancelled":false,"output_limit":false,"stalled":false,"killed_by_us":null,"#,
        r#""complete":true,"cut":[],"streams":{"#,
        r#""stdout":{"end":"eof","delivered":3,"dropped":0,"held":false},"#,
        r#""stderr":{"end":"eof","delivered":0,"dropped":0,"held":false}}}"#
    );
    assert_eq!(exit(&events).to_string(), expected, "the fields, in this order");
    assert_eq!(events.len(), 5);
}

/// If this were red, a cut would look like an end.
#[test]
fn c08_a_cut_stream_is_told_where_it_ends_and_in_the_exit() {
    let (events, code) = events(&["--drain", "after=0"], "sleep 1 & echo hi");
    assert_eq!(code, 0);
    assert_eq!(
        of_stream(&events, "stdout"),
        [
            json!({ "event": "chunk", "stream": "stdout", "text": "hi\n" }),
            json!({ "event": "end", "stream": "stdout", "end": "cut", "why": "after" }),
        ]
    );
    let exit = exit(&events);
    assert_eq!(exit["complete"], false);
    assert_eq!(
        exit["cut"],
        json!([{ "stream": "stdout", "why": "after" }, { "stream": "stderr", "why": "after" }])
    );
    assert_eq!(
        exit["streams"]["stdout"],
        json!({ "end": "cut", "delivered": 3, "dropped": 0, "held": true })
    );
}

/// If this were red, dropped output would be a silent hole.
#[test]
fn c08_what_a_limit_drops_is_a_gap_in_its_place() {
    let (events, _) = events(&["--max-output", "2"], "printf 12345");
    assert_eq!(
        of_stream(&events, "stdout"),
        [
            json!({ "event": "chunk", "stream": "stdout", "text": "12" }),
            json!({ "event": "gap", "stream": "stdout", "bytes": 3 }),
            json!({ "event": "end", "stream": "stdout", "end": "limit", "why": "limit" }),
        ]
    );
    let exit = exit(&events);
    assert_eq!(exit["cut"], json!([{ "stream": "stdout", "why": "limit" }]));
    assert_eq!(
        exit["streams"]["stdout"],
        json!({ "end": "limit", "delivered": 2, "dropped": 3, "held": false })
    );
}

/// If this were red, bytes that are no text would be replaced or lost.
#[test]
fn c03_bytes_that_are_no_text_are_base64() {
    let (events, _) = events(&[], "printf 'a\\303'");
    let chunk = json!({ "event": "chunk", "stream": "stdout", "base64": "YcM=" });
    assert_eq!(of_stream(&events, "stdout")[0], chunk);
}

/// If this were red, a character that two chunks share would be damaged.
#[test]
fn c03_text_is_whole_wherever_chunks_end() {
    // So small a buffer ends chunks within characters.
    let script = "i=0; while [ $i -lt 2000 ]; do printf 'äöü€\\n'; i=$((i+1)); done";
    let (events, _) = events(&["--buffer", "7"], script);
    assert!(events.iter().any(|event| event["base64"].is_string()), "no character was shared");
    assert_eq!(bytes(&events, "stdout"), "äöü€\n".repeat(2000).as_bytes());
}

/// If this were red, binary output would not survive JSON.
#[test]
fn c03_binary_output_is_recovered_exactly() {
    let program = std::fs::read("/bin/sh").expect("a program to read");
    let (events, _) = events(&[], "cat /bin/sh");
    assert!(bytes(&events, "stdout") == program);
}

/// If this were red, a timeout or a signal would look like an ordinary failure.
#[test]
fn c10_a_timeout_and_a_signal_are_told_apart() {
    let (timed_out, code) =
        events(&["--timeout", "300ms", "--grace", "50ms"], "trap '' TERM; sleep 30");
    assert_eq!(code, 124);
    let timed_out = exit(&timed_out);
    assert_eq!(timed_out["timed_out"], true);
    assert_eq!(timed_out["status"], json!({ "signal": 9 }));
    assert_eq!(timed_out["killed_by_us"], json!({ "signal": 15, "escalated": true }));
    let (killed, code) = events(&[], "kill -KILL $$");
    assert_eq!(code, 137);
    assert_eq!(exit(&killed)["status"], json!({ "signal": 9 }));
    assert_eq!(exit(&killed)["killed_by_us"], Value::Null);
}

/// If this were red, a refused start would be an empty output.
#[test]
fn c14_a_refused_start_is_one_event() {
    let output = run(&["--json", "--", "/no/such"]);
    let expected = concat!(
        r#"{"event":"refused","error":{"code":"cannot_spawn","http":422,"stage":"lookup","#,
        r#""errno":"ENOENT","exit":127,"#,
        r#""message":"failed to run `/no/such`: no such file; check the path"}}"#,
        "\n"
    );
    assert_ended(&output, 127, expected, "");
}
