//! Waits, signals and ends over HTTP.

use hyper::Method;
use serde_json::json;

use super::harness::{Answer, runs, serve, serve_with, text};

const TOKEN: [(&str, &str); 1] = [("authorization", "Bearer the-token")];

/// If this were red, one waiter would take the outcome away from another, or get another one.
#[tokio::test]
async fn c04_any_number_may_wait_early_or_late_and_all_get_the_same() {
    let served = serve().await;
    let id = served.a_box().await;
    let script = json!({ "command": "sh", "args": ["-c", "read line; exit 4"] });
    let execution = served.exec(&id, script).await;
    let wait = format!("{execution}/wait");
    let open = || served.open(Method::GET, &wait, &TOKEN, "");
    let fed = async {
        served.ask(Method::POST, &format!("{execution}/stdin?close=true"), "").await;
        served.get(&wait).await.json()
    };
    let (first, second, third, late) = tokio::join!(open(), open(), open(), fed);
    assert_eq!(late["status"], json!({ "code": 4 }));
    for early in [first, second, third] {
        assert_eq!(Answer::of(early).await.json(), late);
    }
    assert_eq!(served.get(&wait).await.json(), late);
    let exited = served.get(&format!("{wait}?until=exited")).await.json();
    assert_eq!((&exited["event"], &exited["status"]), (&json!("exited"), &json!({ "code": 4 })));
    served.get(&format!("{wait}?until=later")).await.is_refusal(400, "invalid_argument");
    served.end().await;
}

/// If this were red, a signal would not arrive, or one after the exit would be an error.
#[tokio::test]
async fn c16_signals_by_number_and_name_and_a_typed_no_op_after_the_exit() {
    let served = serve().await;
    let id = served.a_box().await;
    let script = "trap 'echo one' USR1; trap 'echo two; exit 0' USR2; echo up; \
                  while :; do sleep 0.01; done";
    let execution = served.sh(&id, script).await;
    let path = format!("{execution}/signal");
    let mut seen = String::new();
    for (word, signal) in [("up", json!("SIGUSR1")), ("one", json!(12))] {
        while !seen.contains(word) {
            let sent = served.get(&format!("{execution}/output?wait_seconds=0")).await;
            seen += &text(&sent.lines(), "stdout");
        }
        let told = served.post(&path, json!({ "signal": signal })).await;
        assert_eq!(told.json()["reply"], "done", "{told:?}");
    }
    assert_eq!(served.get(&format!("{execution}/wait")).await.json()["status"]["code"], 0);
    for signal in [json!(0), json!(65), json!("SIGNOTHING"), json!("term")] {
        let told = served.post(&path, json!({ "signal": signal })).await;
        told.is_refusal(400, "invalid_argument");
    }
    let late = served.post(&path, json!({ "signal": "TERM" })).await;
    assert_eq!(late.json()["reply"], "already_exited");
    let late = served.ask(Method::POST, &format!("{execution}/kill"), "").await;
    assert_eq!(late.json()["reply"], "already_exited");
    served.end().await;
}

/// If this were red, what a stopped box has left behind would run on, also what has left its group.
#[tokio::test]
async fn c20_a_stopped_box_has_no_process_and_its_executions_ended_before() {
    let served = serve().await;
    let id = served.a_box().await;
    let script = "setsid sleep 60 >/dev/null 2>&1 & echo $!; exec sleep 60";
    let execution = served.sh(&id, script).await;
    let sent = served.get(&format!("{execution}/output?max_bytes=1")).await;
    let pid = text(&sent.lines(), "stdout").trim().to_owned();
    assert!(runs(&pid));
    let stop = format!("/v1/boxes/{id}/stop");
    let told = served.ask(Method::POST, &stop, "").await.json();
    assert_eq!(told["state"], "stopped");
    assert_eq!(served.get(&execution).await.json()["state"], "ended");
    while runs(&pid) {
        tokio::task::yield_now().await;
    }
    let exec = format!("/v1/boxes/{id}/exec");
    served.post(&exec, json!({ "command": "true" })).await.is_refusal(409, "invalid_state");
    for (verb, state) in [("start", "running"), ("start", "running"), ("rebuild", "running")] {
        let told = served.ask(Method::POST, &format!("/v1/boxes/{id}/{verb}"), "").await;
        assert_eq!(told.json()["state"], state);
    }
    served.end().await;
}

/// If this were red, commands whose client has gone would pile up.
#[tokio::test]
async fn c19_what_nobody_is_attached_to_ends_unless_it_is_detached() {
    let served = serve_with("orphan_seconds = 0").await;
    let id = served.a_box().await;
    let request = |detach| json!({ "command": "sleep", "args": ["60"], "detach": detach });
    let orphan = served.exec(&id, request(false)).await;
    let detached = served.exec(&id, request(true)).await;
    loop {
        let told = served.get(&orphan).await.json();
        if told["state"] == "ended" {
            assert_eq!(told["exit"]["cancelled"], true);
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(served.get(&detached).await.json()["state"], "running");
    served.end().await;
}

/// If this were red, a runner that ends would leave a waiter without an answer.
#[tokio::test]
async fn c13_a_runner_that_ends_answers_everybody_and_refuses_what_is_new() {
    let served = serve().await;
    let id = served.a_box().await;
    let script = "trap '' TERM; echo up; while :; do sleep 0.01; done";
    let execution = served.sh(&id, script).await;
    served.get(&format!("{execution}/output?max_bytes=1")).await;
    let wait = format!("{execution}/wait");
    let mut waiting = Box::pin(served.open(Method::GET, &wait, &TOKEN, ""));
    let client = served.client();
    // It is asked before the runner is told to end.
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(50), &mut waiting).await.is_err()
    );
    served.tell_to_end();
    let refused = loop {
        match client.create_box(&Default::default()).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), lastbyte::ErrorKind::Shutdown);
    let exit = Answer::of(waiting.await).await.json();
    assert_eq!(exit["status"], json!({ "signal": 9 }));
    assert_eq!(exit["killed_by_us"], json!({ "signal": 15, "escalated": true }));
    served.end().await;
}
