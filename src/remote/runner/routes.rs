//! Which request goes where, and what every request passes: a name, the token, the envelope of a
//! refusal, a line in the log.

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Runner, attach, boxes, executions,
    fault::{Refused, envelope},
    metrics::Gauges,
    stdin,
};
use crate::{Error, ErrorKind};

/// The description of this interface, as OpenAPI 3.1. `docs/openapi.json` in the repository.
pub const OPENAPI: &str = include_str!("../../../docs/openapi.json");

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The whole interface.
pub(super) fn router(runner: Runner) -> Router {
    let execution = "/v1/boxes/{id}/executions/{eid}";
    let of = |rest: &str| format!("{execution}{rest}");
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .route("/v1/openapi.json", get(openapi))
        .route("/v1/me", get(me))
        .route("/v1/boxes", get(boxes::list).post(boxes::create))
        .route("/v1/boxes/{id}", get(boxes::get).delete(boxes::delete))
        .route("/v1/boxes/{id}/start", post(boxes::start))
        .route("/v1/boxes/{id}/stop", post(boxes::stop))
        .route("/v1/boxes/{id}/rebuild", post(boxes::rebuild))
        .route("/v1/boxes/{id}/exec", post(executions::exec))
        .route(&of(""), get(executions::get))
        .route(&of("/output"), get(executions::output))
        .route(&of("/attach"), get(attach::attach))
        .route(&of("/wait"), get(executions::wait))
        .route(&of("/stdin"), post(stdin::stdin))
        .route(&of("/signal"), post(executions::signal))
        .route(&of("/kill"), post(executions::kill))
        .route(&of("/resize"), post(executions::resize))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(middleware::from_fn_with_state(runner.clone(), gate))
        .with_state(runner)
}

async fn nothing_here(request: Request) -> Refused {
    let (method, path) = (request.method(), request.uri().path());
    let op = format!("find `{method} {path}`: no such endpoint; see /v1/openapi.json");
    Error::new(ErrorKind::NotFound, op).into()
}

async fn gate(State(runner): State<Runner>, request: Request, next: Next) -> Response {
    let id = runner.next_request();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match runner.admit(&request, &path) {
        Ok(()) => next.run(request).await,
        Err(error) => Refused::from(error).into_response(),
    };
    if let Some(Refused(error)) = refusal(&response) {
        let refused = Json(envelope(&error, &id)).into_response();
        let (mut parts, body) = refused.into_parts();
        parts.status = response.status();
        response = Response::from_parts(parts, body);
        tracing::info!(id, %method, path, status = response.status().as_u16(), %error, "refused");
    } else {
        tracing::debug!(id, %method, path, status = response.status().as_u16(), "answered");
    }
    runner.shared.metrics.answered(response.status().as_u16());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), id);
    }
    response
}

/// Why a response is one of refusal. Those that were made before a handler had its turn say it by
/// their status alone.
fn refusal(response: &Response) -> Option<Refused> {
    if let Some(refused) = response.extensions().get::<Refused>() {
        return Some(refused.clone());
    }
    let status = response.status();
    let kind = match status.as_u16() {
        404 | 405 => ErrorKind::NotFound,
        400..500 => ErrorKind::InvalidArgument,
        500..600 => ErrorKind::Internal,
        _ => return None,
    };
    Some(Error::new(kind, format!("read the request: {status}; see /v1/openapi.json")).into())
}

async fn health() -> &'static str {
    "ok\n"
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn metrics(State(runner): State<Runner>) -> Response {
    let gauges = runner.gauges();
    let media = "text/plain; version=0.0.4; charset=utf-8";
    let text = Body::from(runner.shared.metrics.text(gauges));
    (StatusCode::OK, [(CONTENT_TYPE, media)], text).into_response()
}

async fn me(State(runner): State<Runner>) -> Json<Value> {
    let (limits, used) = {
        let state = runner.state();
        (*state.lifecycle.limits(), state.lifecycle.used())
    };
    let share = |share: crate::remote::lifecycle::Resources| {
        json!({
            "cpus": share.cpus, "memory_mib": share.memory_mib, "disk_size_gb": share.disk_gib,
        })
    };
    Json(json!({
        "runner": "lastbyte",
        "version": env!("CARGO_PKG_VERSION"),
        "images": runner.shared.config.images.keys().collect::<Vec<_>>(),
        "per_box": share(limits.per_box),
        "total": share(limits.total),
        "used": share(used),
    }))
}

impl Runner {
    fn next_request(&self) -> String {
        let mut state = self.state();
        state.next_request += 1;
        self.shared.names.of_request(state.next_request)
    }

    /// Whether a request may be answered at all.
    fn admit(&self, request: &Request, path: &str) -> Result<(), Error> {
        let Some(token) = &self.shared.token else { return Ok(()) };
        if matches!(path, "/healthz" | "/metrics") || token.is_shown_by(request.headers()) {
            return Ok(());
        }
        let op = "show who asks: the token is missing or wrong; send `Authorization: Bearer TOKEN`";
        Err(Error::new(ErrorKind::Unauthorized, op))
    }

    fn gauges(&self) -> Gauges {
        let state = self.state();
        Gauges {
            boxes: state.lifecycle.boxes().count() as u64,
            kept_executions: state.kept.len() as u64,
            kept_bytes: self.shared.budget.used(),
            open_connections: self.shared.connections.open(),
        }
    }
}
