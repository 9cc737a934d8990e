//! A refusal as an answer: its status from the one table, its body the one envelope.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    Error, ErrorKind,
    machine::Errno,
    remote::wire::{Envelope, Fault},
};

/// A refusal on its way out. The envelope is made where the request's name is known.
#[derive(Clone, Debug)]
pub(super) struct Refused(pub(super) Arc<Error>);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused(Arc::new(error))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.http_status());
        let mut response = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of a refusal.
pub(super) fn envelope(error: &Error, request_id: &str) -> Envelope {
    Envelope {
        error: Fault {
            code: error.code().to_owned(),
            class: class(error.kind()).to_owned(),
            message: format!("failed to {error}"),
            request_id: request_id.to_owned(),
            stage: error.stage().map(|stage| stage.name().to_owned()),
            errno: error.errno().map(|Errno(number)| number),
        },
    }
}

/// Who can do something about it.
fn class(kind: ErrorKind) -> &'static str {
    match kind.http_status() {
        429 => "limit",
        400..500 => "request",
        _ => "runner",
    }
}

/// An argument that cannot be used.
pub(super) fn invalid(op: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, op)
}
