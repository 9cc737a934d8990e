//! Output over HTTP: whole, in order, from any offset, kept until it is read.

use hyper::Method;
use serde_json::{Value, json};

use super::harness::{Answer, serve, serve_with, text};

/// If this were red, what a runner sends would be no `run --json`.
#[tokio::test]
async fn c01_events_are_those_of_a_local_run_with_offsets() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = served.sh(&id, "printf hello; exit 3").await;
    let answer = served.get(&format!("{execution}/output")).await;
    assert_eq!(answer.media, "application/x-ndjson");
    let events = answer.lines();
    assert_eq!((&events[0]["event"], &events[0]["offset"]), (&json!("start"), &json!(0)));
    assert!(events[0]["pid"].as_u64().is_some());
    let expected = json!({ "event": "chunk", "stream": "stdout", "text": "hello", "offset": 0 });
    assert_eq!(events.iter().find(|it| it["event"] == "chunk"), Some(&expected));
    assert_eq!(events.iter().filter(|it| it["event"] == "eof").count(), 2);
    let exit = events.last().expect("an exit");
    assert_eq!((&exit["event"], &exit["status"]), (&json!("exit"), &json!({ "code": 3 })));
    assert_eq!(exit["streams"]["stdout"]["delivered"], 5);
    served.end().await;
}

/// If this were red, whoever resumes would get a byte twice, or never.
#[tokio::test]
async fn c19_from_any_offset_comes_exactly_the_rest() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = served.sh(&id, "printf 0123456789").await;
    for offset in 0..=10 {
        let events = served.events(&execution, offset).await;
        assert_eq!(text(&events, "stdout"), &"0123456789"[usize::try_from(offset).unwrap()..]);
        assert_eq!(events.last().expect("the exit")["event"], "exit");
    }
    let ahead = served.get(&format!("{execution}/output?offset=11")).await;
    ahead.is_refusal(400, "invalid_argument");
    served.end().await;
}

/// If this were red, bytes that are no text would be changed.
#[tokio::test]
async fn c03_bytes_that_are_no_text_are_not_changed() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = served.sh(&id, r"printf '\377\000\n'").await;
    let events = served.events(&execution, 0).await;
    let chunk = events.iter().find(|it| it["event"] == "chunk").expect("one");
    assert_eq!(chunk["base64"], "/wAK");
    let headers =
        [("authorization", "Bearer the-token"), ("accept", "application/x-lastbyte-frames")];
    let path = format!("{execution}/output");
    let frames = served.ask_as(Method::GET, &path, &headers, "").await;
    assert_eq!(frames.media, "application/x-lastbyte-frames");
    let chunk = [1, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, b'\n'];
    assert!(frames.body.windows(chunk.len()).any(|it| it == chunk), "{frames:?}");
    served.end().await;
}

const SMALL: &str = "retain_bytes = 65536";

/// More than every buffer on the way holds together.
const MUCH: &str = "head -c 8000000 /dev/zero | tr '\\0' x; echo done >&2";

/// If this were red, output that nobody reads would fill the runner or be lost, instead of making
/// the command wait.
#[tokio::test]
async fn c15_what_nobody_reads_pauses_the_command_and_is_all_there() {
    let served = serve_with(SMALL).await;
    let id = served.a_box().await;
    let execution = served.sh(&id, MUCH).await;
    // It fills what is kept, and then what the machine buffers; nobody reads meanwhile.
    let kept = loop {
        let kept = served.get(&execution).await.json()["kept"].as_u64().expect("a number");
        if kept >= 65536 {
            break kept;
        }
        tokio::task::yield_now().await;
    };
    assert!(kept < 65536 + 65536, "{kept} bytes are kept");
    assert_eq!(served.get(&execution).await.json()["state"], "running");
    let events = served.events(&execution, 0).await;
    assert_eq!(text(&events, "stdout").len(), 8_000_000);
    assert_eq!(text(&events, "stderr"), "done\n");
    assert_eq!(events.last().expect("the exit")["complete"], true);
    // Now it has been read, and is no longer all kept.
    let expired = served.get(&format!("{execution}/output?offset=0")).await;
    expired.is_refusal(410, "gone");
    served.end().await;
}

/// If this were red, what was on its way when a connection broke would be gone.
#[tokio::test]
async fn c19_who_holds_can_ask_again_for_all_that_he_was_sent() {
    let served = serve_with(SMALL).await;
    let id = served.a_box().await;
    let execution = served.sh(&id, MUCH).await;
    let (mut offset, mut whole) = (0, String::new());
    loop {
        let path = format!("{execution}/output?offset={offset}&hold=true&max_bytes=50000");
        let sent = served.get(&path).await.lines();
        let again = served.get(&path).await.lines();
        let (first, second) = (text(&sent, "stdout"), text(&again, "stdout"));
        let common = first.len().min(second.len());
        assert_eq!(first[..common], second[..common], "at {offset}");
        offset += (first.len() + text(&sent, "stderr").len()) as u64;
        whole += &first;
        if sent.iter().any(|it| it["event"] == "exit") {
            break;
        }
    }
    assert_eq!(whole.len(), 8_000_000);
    served.end().await;
}

/// If this were red, two who are attached would share the output between them.
#[tokio::test]
async fn c12_each_of_two_readers_gets_everything() {
    let served = serve_with(SMALL).await;
    let id = served.a_box().await;
    let execution = served.sh(&id, &format!("read go; {MUCH}")).await;
    let script = json!({
        "command": "sh", "args": ["-c", format!("read go; {MUCH}")],
    });
    drop(execution);
    let execution = served.exec(&id, script).await;
    let path = format!("{execution}/output");
    let headers = [("authorization", "Bearer the-token")];
    let first = served.open(Method::GET, &path, &headers, "").await;
    let second = served.open(Method::GET, &path, &headers, "").await;
    let fed = served.ask(Method::POST, &format!("{execution}/stdin?close=true"), "go\n").await;
    assert_eq!(fed.status, 200);
    let (first, second) = tokio::join!(Answer::of(first), Answer::of(second));
    for answer in [first, second] {
        assert_eq!(text(&answer.lines(), "stdout").len(), 8_000_000);
    }
    served.end().await;
}

/// If this were red, what has ended would be kept for ever, or not long enough to be asked for.
#[tokio::test]
async fn c19_what_has_ended_expires_and_is_then_gone() {
    let served = serve_with("keep_seconds = 0").await;
    let id = served.a_box().await;
    let execution = served.sh(&id, "true").await;
    loop {
        let answer = served.get(&execution).await;
        if answer.status == 410 {
            answer.is_refusal(410, "gone");
            break;
        }
        tokio::task::yield_now().await;
    }
    served.get(&format!("{execution}/wait")).await.is_refusal(410, "gone");
    served.end().await;
}

/// If this were red, a client that asks for a bounded answer would wait for ever.
#[tokio::test]
async fn an_answer_ends_after_the_time_that_was_asked_for() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = served.sh(&id, "echo first; sleep 60").await;
    let mut all = Vec::<Value>::new();
    while text(&all, "stdout") != "first\n" {
        let answer = served.get(&format!("{execution}/output?wait_seconds=1")).await;
        all = answer.lines();
        assert!(all.iter().all(|it| it["event"] != "exit"));
    }
    let wait = served.get(&format!("{execution}/wait?wait_seconds=0")).await;
    assert_eq!(wait.status, 204);
    served.end().await;
}
