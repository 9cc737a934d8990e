//! `POST .../stdin`: a body into a command's stdin, as fast as the command reads.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::Uri,
};
use http_body_util::BodyExt;

use super::{Runner, fault::Refused, requests::Query};
use crate::{Error, ErrorKind, remote::wire::StdinAnswer};

pub(super) async fn stdin(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
    uri: Uri,
    mut body: Body,
) -> Result<Json<StdinAnswer>, Refused> {
    let record = runner.find(&names)?;
    let query = Query::parse(&uri, &["offset", "close"])?;
    let (offset, close) = (query.number("offset")?, query.flag("close")?);
    // Requests take turns, and a slow command makes them wait here.
    let mut input = record.input.lock().await;
    let offset = offset.unwrap_or(input.answer().written);
    let mut skip = input.place(offset)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(broken)?;
        let Ok(mut bytes) = frame.into_data() else { continue };
        let known = skip.min(bytes.len() as u64);
        skip -= known;
        // What an earlier request had written already.
        let rest = bytes.split_off(usize::try_from(known).unwrap_or(usize::MAX));
        if !rest.is_empty() {
            input.write(&rest).await?;
        }
    }
    if close {
        input.close();
    }
    Ok(Json(input.answer()))
}

/// The client has gone in the middle: what came was written, and the rest may come again.
fn broken(error: axum::Error) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("read the body: {error}; send the rest again"))
}
