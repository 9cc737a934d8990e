//! The description of the interface against the runner: every operation exists, asks for the token,
//! and answers with a status and fields that the description has.

use hyper::Method;
use lastbyte::remote::runner::OPENAPI;
use serde_json::{Map, Value, json};

use super::harness::{Answer, Served, serve};

fn description() -> Value {
    serde_json::from_str(OPENAPI).expect("the description is JSON")
}

/// Each operation: its path, its method, what is said of it.
fn operations(description: &Value) -> Vec<(String, Method, Value)> {
    let paths = description["paths"].as_object().expect("paths");
    let of = |(path, methods): (&String, &Value)| {
        let methods: Map<String, Value> = methods.as_object().expect("methods").clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, operation)| {
            let method = method.to_uppercase().parse().expect("a method");
            (path.clone(), method, operation)
        })
    };
    paths.iter().flat_map(of).collect()
}

/// What a request of this operation has, and must work.
fn body(path: &str) -> &'static str {
    match path.rsplit('/').next() {
        Some("exec") => r#"{"command":"true"}"#,
        Some("boxes") => "{}",
        Some("signal") => r#"{"signal":"WINCH"}"#,
        Some("resize") => r#"{"rows":1,"cols":2}"#,
        _ => "",
    }
}

/// That an answer is one of the documented ones, with the fields that it must have.
fn check(description: &Value, operation: &Value, answer: &Answer, what: &str) {
    let status = answer.status.as_u16().to_string();
    let mut response = &operation["responses"][&status];
    assert!(!response.is_null(), "{what}: {status} is not documented: {answer:?}");
    if let Some(link) = response["$ref"].as_str() {
        response = description.pointer(&link[1..]).expect("it leads somewhere");
    }
    let Some(content) = response["content"].as_object() else { return };
    assert!(
        content.keys().any(|media| answer.media.starts_with(media)),
        "{what}: {} is not documented",
        answer.media
    );
    let schema = &content.values().next().expect("one")["schema"];
    if let Some(link) = schema["$ref"].as_str() {
        let schema = description.pointer(&link[1..]).expect("it leads somewhere");
        fits(schema, &answer.json(), what);
    }
}

/// Whether a value has the fields that a schema requires, each documented.
fn fits(schema: &Value, value: &Value, what: &str) {
    let known = schema["properties"].as_object().expect("properties");
    for field in schema["required"].as_array().expect("required") {
        let field = field.as_str().expect("a name");
        assert!(!value[field].is_null() || known[field]["type"].is_array(), "{what}: no {field}");
    }
    for (field, value) in value.as_object().expect("an object") {
        let Some(schema) = known.get(field) else { continue };
        if let Some(allowed) = schema["enum"].as_array() {
            assert!(allowed.contains(value), "{what}: {field} is {value}");
        }
        if schema["properties"].is_object() {
            fits(schema, value, what);
        }
    }
}

async fn ask(served: &Served, path: &str, method: Method, body: &str) -> Answer {
    served.ask(method, path, body.to_owned()).await
}

/// If this were red, whoever generates a client from the description would get one that fails.
#[tokio::test]
async fn every_operation_answers_as_described() {
    let served = serve().await;
    let description = description();
    let served_description = served.get("/v1/openapi.json").await.json();
    assert_eq!(served_description, description);
    for (path, method, operation) in operations(&description) {
        let what = format!("{method} {path}");
        let id = served.a_box().await;
        let request = json!({ "command": "sleep", "args": ["60"], "tty": true });
        let execution = served.exec(&id, request).await;
        if path.ends_with("/output") || path.ends_with("/wait") {
            served.ask(Method::POST, &format!("{execution}/kill"), "").await;
        }
        let name = execution.rsplit('/').next().expect("its name");
        let real = path.replace("{id}", &id).replace("{eid}", name);
        let real = if method == Method::DELETE { format!("{real}?force=true") } else { real };
        let answer = ask(&served, &real, method.clone(), body(&path)).await;
        check(&description, &operation, &answer, &what);
        let upgrade = path.ends_with("/attach");
        assert!(answer.status.is_success() || upgrade, "{what}: {answer:?}");
        if path.contains('{') {
            let unknown = path.replace("{id}", "box-0-0").replace("{eid}", "exec-0-0-0");
            let answer = ask(&served, &unknown, method.clone(), body(&path)).await;
            answer.is_refusal(404, "not_found");
            check(&description, &operation, &answer, &what);
        }
        let bare = served.ask_as(method, &real, &[], "").await;
        if operation["security"] != json!([]) {
            bare.is_refusal(401, "unauthorized");
            check(&description, &operation, &bare, &what);
        }
        served.ask(Method::DELETE, &format!("/v1/boxes/{id}?force=true"), "").await;
    }
    served.end().await;
}

/// If this were red, an endpoint would be a secret, or described and not there.
#[test]
fn the_description_has_every_endpoint() {
    let source = include_str!("../../src/remote/runner/routes.rs");
    let described = description()["paths"].as_object().expect("paths").len();
    assert_eq!(source.matches("        .route(").count(), described);
}
