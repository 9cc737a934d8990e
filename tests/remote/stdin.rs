//! Input over HTTP: at an offset, once, until it is closed or the command stops reading.

use hyper::Method;
use serde_json::json;

use super::harness::{serve, text};

/// If this were red, a request that was sent again would feed its bytes twice.
#[tokio::test]
async fn c17_input_sent_again_is_not_written_twice() {
    let served = serve().await;
    let id = served.a_box().await;
    let execution = served.exec(&id, json!({ "command": "cat" })).await;
    let stdin = |query: &str| format!("{execution}/stdin?{query}");
    let post =
        async |query: &str, body: &'static str| served.ask(Method::POST, &stdin(query), body).await;
    for _ in 0..2 {
        let told = post("offset=0", "abc").await.json();
        assert_eq!(told, json!({ "accepted": 3, "written": 3, "state": "open" }));
    }
    assert_eq!(post("offset=2", "cd").await.json()["written"], 4);
    post("offset=9", "x").await.is_refusal(409, "invalid_state");
    assert_eq!(post("close=true", "e").await.json()["state"], "closed");
    assert_eq!(post("close=true", "").await.json()["state"], "closed");
    post("", "f").await.is_refusal(409, "invalid_state");
    let events = served.events(&execution, 0).await;
    assert_eq!(text(&events, "stdout"), "abcde");
    served.end().await;
}

/// If this were red, a command that stops reading would fail whoever feeds it.
#[tokio::test]
async fn c17_a_command_that_stops_reading_ends_its_input_with_the_counts() {
    let served = serve().await;
    let id = served.a_box().await;
    let script = json!({ "command": "sh", "args": ["-c", "exec <&-; echo closed; sleep 60"] });
    let execution = served.exec(&id, script).await;
    let closed = served.get(&format!("{execution}/output?max_bytes=1")).await;
    assert_eq!(text(&closed.lines(), "stdout"), "closed\n");
    let path = format!("{execution}/stdin");
    let told = served.ask(Method::POST, &path, "abc").await.json();
    assert_eq!(told, json!({ "accepted": 3, "written": 0, "state": "broken" }));
    assert_eq!(served.get(&execution).await.json()["state"], "running");
    served.end().await;
}
