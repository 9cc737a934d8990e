//! What a runner keeps: how much, how many, and for how long.

use std::time::Duration;

use hyper::Method;
use lastbyte::{Command, remote::client::Patience};
use serde_json::json;

use super::harness::{Answer, Served, serve, serve_with, text};

const TOKEN: [(&str, &str); 1] = [("authorization", "Bearer the-token")];

async fn wait_until(served: &Served, execution: &str, field: &str, is: impl Fn(u64) -> bool) {
    loop {
        let told = served.get(execution).await.json();
        if told[field].as_u64().is_some_and(&is) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// If this were red, commands that nobody reads would fill the runner's memory together, or stop
/// those that somebody reads.
#[tokio::test]
async fn c12_at_the_bound_of_all_output_who_reads_still_gets_on() {
    let served = serve_with("retain_bytes = 200000\nretain_total_bytes = 100000").await;
    let id = served.a_box().await;
    let much = "head -c 3000000 /dev/zero | tr '\\0' x";
    let unread = served.sh(&id, much).await;
    wait_until(&served, &unread, "kept", |kept| kept >= 100_000).await;
    served
        .post(&format!("/v1/boxes/{id}/exec"), json!({ "command": "true" }))
        .await
        .is_refusal(429, "over_quota");
    served.end().await;
    // One that was started before goes on at the floor, with a reader that lets go and with one
    // that holds.
    let served = serve_with("retain_bytes = 200000\nretain_total_bytes = 100000").await;
    let id = served.a_box().await;
    let script = |word| json!({ "command": "sh", "args": ["-c", format!("read go; {word}")] });
    let first = served.exec(&id, script(much)).await;
    let client = served.client();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("read go; {much}")]).stdin(lastbyte::Stdio::Piped);
    let mut second = client.spawn(&id, &command).await.expect("there is room");
    let unread = served.exec(&id, script(much)).await;
    let go = |execution: String| {
        let served = &served;
        async move {
            served.ask(Method::POST, &format!("{execution}/stdin?close=true"), "go\n").await;
        }
    };
    go(unread.clone()).await;
    wait_until(&served, &unread, "kept", |kept| kept >= 100_000).await;
    go(first.clone()).await;
    let events = served.events(&first, 0).await;
    assert_eq!(text(&events, "stdout").len(), 3_000_000);
    let mut stdin = second.stdin().expect("it is piped");
    stdin.write_all(b"go\n").await.expect("it reads");
    assert_eq!(second.output().await.stdout.len(), 3_000_000);
    wait_until(&served, &unread, "kept", |kept| kept < 200_000 + 65_536).await;
    let events = served.events(&unread, 0).await;
    assert_eq!(text(&events, "stdout").len(), 3_000_000);
    served.end().await;
}

/// If this were red, many short commands would fill the runner; or output that nobody has read
/// would be let go for them.
#[tokio::test]
async fn c19_for_a_new_one_goes_what_was_read_and_never_what_was_not() {
    let served = serve_with("kept_executions_max = 3").await;
    let id = served.a_box().await;
    let unread = served.sh(&id, "echo unread").await;
    let read = served.sh(&id, "echo read").await;
    served.events(&read, 0).await;
    let silent = served.sh(&id, "true").await;
    served.get(&format!("{silent}/wait")).await;
    let exec = format!("/v1/boxes/{id}/exec");
    for gone in [read, silent] {
        // It can be let go a moment after its exit was told.
        while served.post(&exec, json!({ "command": "true" })).await.status == 429 {
            tokio::task::yield_now().await;
        }
        served.get(&gone).await.is_refusal(410, "gone");
    }
    let refused = served.post(&exec, json!({ "command": "true" })).await;
    let refused = refused.is_refusal(429, "over_quota");
    assert!(refused["message"].as_str().is_some_and(|it| it.contains("3 executions")), "{refused}");
    assert_eq!(text(&served.events(&unread, 0).await, "stdout"), "unread\n");
    while served.post(&exec, json!({ "command": "true" })).await.status == 429 {
        tokio::task::yield_now().await;
    }
    // What could not be started has taken no place.
    let served = serve_with("kept_executions_max = 1").await;
    let id = served.a_box().await;
    let exec = format!("/v1/boxes/{id}/exec");
    for _ in 0..3 {
        let missing = served.post(&exec, json!({ "command": "no-such-program" })).await;
        missing.is_refusal(422, "cannot_spawn");
    }
    served.sh(&id, "true").await;
    served.end().await;
}

/// If this were red, whoever reads a command's output in pieces would lose the rest when its box is
/// deleted.
#[tokio::test]
async fn c19_output_is_there_also_when_its_box_has_gone() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = served.sh(&id, "echo before; exec sleep 60").await;
    served.get(&format!("{execution}/output?max_bytes=1")).await;
    let gone = served.ask(Method::DELETE, &format!("/v1/boxes/{id}?force=true"), "").await;
    assert_eq!(gone.status, 204);
    served.get(&format!("/v1/boxes/{id}")).await.is_refusal(404, "not_found");
    let events = served.events(&execution, 0).await;
    assert_eq!(text(&events, "stdout"), "before\n");
    assert_eq!(events.last().expect("its exit")["status"], json!({ "signal": 15 }));
    let exit = served.get(&format!("{execution}/wait")).await.json();
    assert_eq!(exit["status"], json!({ "signal": 15 }));
    served.end().await;
}

/// If this were red, a runner that is told to end would take output with it that somebody is
/// reading in pieces, or call its command lost.
#[tokio::test]
async fn c13_who_reads_when_the_runner_ends_has_the_rest() {
    let served = serve_with("retain_bytes = 4000000").await;
    let id = served.a_box().await;
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo done >&2; exec sleep 60";
    let execution = served.sh(&id, script).await;
    wait_until(&served, &execution, "offset", |offset| offset == 3_000_005).await;
    let path =
        |offset: usize| format!("{execution}/output?offset={offset}&hold=true&max_bytes=500000");
    let mut len = text(&served.get(&path(0)).await.lines(), "stdout").len();
    served.tell_to_end();
    let wait = served.open(Method::GET, &format!("{execution}/wait"), &TOKEN, "").await;
    let exit = Answer::of(wait).await.json();
    assert_eq!(exit["status"], json!({ "signal": 15 }));
    let last = loop {
        let lines = served.get(&path(len)).await.lines();
        len += text(&lines, "stdout").len() + text(&lines, "stderr").len();
        if let Some(last) = lines.into_iter().last().filter(|last| last["event"] == "exit") {
            break last;
        }
    };
    assert_eq!(len, 3_000_005);
    assert_eq!(last["streams"]["stdout"]["delivered"], 3_000_000);
    served.end().await;
}

/// If this were red, whoever sends too much would see a broken connection and not why.
#[tokio::test]
async fn a_body_that_is_too_large_is_read_and_refused() {
    let served = serve().await;
    let body = format!("{{\"image\":\"{}\"}}", "x".repeat(20_000_000));
    let refused = served.ask(Method::POST, "/v1/boxes", body).await;
    let refused = refused.is_refusal(400, "invalid_argument");
    assert!(refused["message"].as_str().is_some_and(|it| it.contains("8388608")), "{refused}");
    let patience = Patience { lost_after: Duration::from_millis(200), ..Patience::default() };
    let client = served.client().patience(patience);
    let mut command = Command::new("true");
    command.args(std::iter::repeat_n("x".repeat(100_000), 100));
    let id = served.a_box().await;
    let error = client.spawn(&id, &command).await.expect_err("too much");
    assert_eq!(error.kind(), lastbyte::ErrorKind::InvalidArgument, "{error}");
    served.end().await;
}
