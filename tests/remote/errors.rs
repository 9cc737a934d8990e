//! Every refusal: the status and the code of the one table, in the one envelope.

use hyper::Method;
use serde_json::json;

use super::harness::{serve, serve_with};

/// If this were red, somebody without the token could run commands.
#[tokio::test]
async fn all_but_health_and_metrics_ask_for_the_token() {
    let served = serve().await;
    for path in ["/healthz", "/metrics"] {
        assert_eq!(served.ask_as(Method::GET, path, &[], "").await.status, 200, "{path}");
    }
    let shown: [&[(&str, &str)]; 6] = [
        &[],
        &[("authorization", "Bearer the-toke")],
        &[("authorization", "Bearer the-tokem")],
        &[("authorization", "Bearer the-token2")],
        &[("authorization", "Basic the-token")],
        &[("authorization", "Bearer")],
    ];
    for headers in shown {
        for path in ["/v1/me", "/v1/boxes", "/v1/boxes/x/executions/y/output", "/nowhere"] {
            let answer = served.ask_as(Method::GET, path, headers, "").await;
            answer.is_refusal(401, "unauthorized");
        }
    }
    let any_case =
        served.ask_as(Method::GET, "/v1/me", &[("authorization", "bEARER the-token")], "");
    assert_eq!(any_case.await.status, 200);
    served.end().await;
}

/// If this were red, a mistyped request would do something else than was meant.
#[tokio::test]
async fn what_cannot_be_a_box_is_refused_and_named() {
    let served = serve().await;
    for (body, word) in [
        (json!({ "cpus": 0 }), "cpus"),
        (json!({ "cpus": -4 }), "cpus"),
        (json!({ "cpus": 1.5 }), "1.5"),
        (json!({ "memory_mib": 0 }), "memory_mib"),
        (json!({ "disk_size_gb": -1 }), "disk_size_gb"),
        (json!({ "memory": 1 }), "memory"),
        (json!({ "env": { "A=B": "c" } }), "env"),
        (json!({ "env": { "": "c" } }), "env"),
        (json!({ "env": { "A": "\0" } }), "env"),
        (json!({ "workdir": "" }), "workdir"),
        (json!([]), "body"),
    ] {
        let error =
            served.post("/v1/boxes", body.clone()).await.is_refusal(400, "invalid_argument");
        assert_eq!(error["type"], "request");
        assert!(error["message"].as_str().is_some_and(|it| it.contains(word)), "{body}: {error}");
    }
    served.ask(Method::POST, "/v1/boxes", "{").await.is_refusal(400, "invalid_argument");
    let image = served.post("/v1/boxes", json!({ "image": "none" })).await;
    assert_eq!(image.is_refusal(422, "cannot_spawn")["stage"], "lookup");
    // A directory outside of the box's is not made, and must be there.
    let nowhere = served.post("/v1/boxes", json!({ "workdir": "/no/such" })).await;
    nowhere.is_refusal(422, "cannot_spawn");
    assert_eq!(served.get("/v1/boxes").await.json()["boxes"], json!([]));
    served.end().await;
}

/// If this were red, quotas would be exceeded, or be used up by what was refused.
#[tokio::test]
async fn quotas_are_of_one_box_and_of_all_and_refusals_use_nothing() {
    let served = serve_with(
        "per_box = { cpus = 4, memory_mib = 100, disk_size_gb = 9 }\n\
         total = { cpus = 6, memory_mib = 1000, disk_size_gb = 100 }\n\
         asked = { cpus = 1, memory_mib = 1, disk_size_gb = 1 }",
    )
    .await;
    for (field, over) in [("cpus", 5), ("memory_mib", 101), ("disk_size_gb", 10)] {
        let error = served.post("/v1/boxes", json!({ field: over })).await;
        assert_eq!(error.is_refusal(429, "over_quota")["type"], "limit");
    }
    let big = json!({ "cpus": 4, "memory_mib": 4096_u64 >> 10 });
    let first = served.post("/v1/boxes", big.clone()).await;
    assert_eq!(first.status, 201);
    for _ in 0..3 {
        served.post("/v1/boxes", big.clone()).await.is_refusal(429, "over_quota");
    }
    assert_eq!(served.get("/v1/me").await.json()["used"]["cpus"], 4);
    assert_eq!(served.post("/v1/boxes", json!({ "cpus": 2 })).await.status, 201);
    served.post("/v1/boxes", json!({})).await.is_refusal(429, "over_quota");
    let id = first.word("id");
    assert_eq!(served.ask(Method::DELETE, &format!("/v1/boxes/{id}"), "").await.status, 204);
    assert_eq!(served.post("/v1/boxes", big).await.status, 201);
    served.end().await;
}

/// If this were red, a command would run that was not asked for, or its refusal would say nothing.
#[tokio::test]
async fn c14_what_cannot_be_started_is_refused_with_its_stage() {
    let served = serve().await;
    let id = served.a_box().await;
    let exec = format!("/v1/boxes/{id}/exec");
    for (body, word) in [
        (json!({}), "command"),
        (json!({ "command": "" }), "command"),
        (json!({ "command": "a\0b" }), "NUL"),
        (json!({ "command": "true", "args": ["a\0"] }), "NUL"),
        (json!({ "command": "true", "args": "x" }), "args"),
        (json!({ "command": "true", "timeout_seconds": -1 }), "timeout_seconds"),
        (json!({ "command": "true", "timeout_seconds": 1e300 }), "timeout_seconds"),
        (json!({ "command": "true", "drain": "soon" }), "drain"),
        (json!({ "command": "true", "drain": "idle=5s,max=1s" }), "drain"),
        (json!({ "command": "true", "stdin": "file" }), "file"),
        (json!({ "command": "true", "env": { "=": "" } }), "env"),
        (json!({ "command": "true", "cmd": 1 }), "cmd"),
    ] {
        let error = served.post(&exec, body.clone()).await.is_refusal(400, "invalid_argument");
        assert!(error["message"].as_str().is_some_and(|it| it.contains(word)), "{body}: {error}");
    }
    for (body, stage, errno) in [
        (json!({ "command": "no-such-program" }), "lookup", 2),
        (json!({ "command": "/etc/os-release" }), "permission", 13),
        (json!({ "command": "true", "cwd": "/no/such" }), "chdir", 2),
    ] {
        let error = served.post(&exec, body).await.is_refusal(422, "cannot_spawn");
        assert_eq!((&error["stage"], &error["errno"]), (&json!(stage), &json!(errno)), "{error}");
    }
    served.end().await;
}

/// If this were red, a client could not tell what is not there from what is no more.
#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let served = serve().await;
    let id = served.a_box().await;
    let other = served.a_box().await;
    let execution = served.sh(&id, "true").await;
    let name = execution.rsplit('/').next().expect("its name").to_owned();
    for path in [
        "/".to_owned(),
        "/v1".to_owned(),
        "/v1/boxes/".to_owned(),
        "/v1/boxes/x".to_owned(),
        "/v1/boxes/box-0-0".to_owned(),
        "/v1/boxes/%00".to_owned(),
        format!("/v1/boxes/{id}/executions/x"),
        format!("/v1/boxes/{other}/executions/{name}"),
        format!("{execution}0"),
        format!("{execution}/nothing"),
        format!("{execution}/kill"),
    ] {
        served.get(&path).await.is_refusal(404, "not_found");
    }
    served.ask(Method::PUT, "/v1/boxes", "").await.is_refusal(404, "not_found");
    for (query, word) in
        [("offset=x", "offset"), ("ofset=1", "ofset"), ("offset=1&offset=1", "twice")]
    {
        let error = served.get(&format!("{execution}/output?{query}")).await;
        let error = error.is_refusal(400, "invalid_argument");
        assert!(error["message"].as_str().is_some_and(|it| it.contains(word)), "{error}");
    }
    served.get(&format!("{execution}/attach")).await.is_refusal(400, "invalid_argument");
    served.end().await;
}
