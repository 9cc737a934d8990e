//! Boxes over HTTP.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, Uri},
};

use super::{
    Beside, Runner,
    fault::Refused,
    requests::{self, Query},
};
use crate::{
    Error, ErrorKind,
    remote::{
        lifecycle::{BoxId, BoxState, Done, Request, Resources},
        wire::{BoxInfo, BoxList, BoxRequest},
    },
};

pub(super) async fn create(
    State(runner): State<Runner>,
    body: Body,
) -> Result<(StatusCode, Json<BoxInfo>), Refused> {
    let request: BoxRequest = requests::json(body).await?;
    let (share, place) = requests::new_box(request, &runner.shared.config)?;
    let done = runner.ask(Request::Create(share), Beside::Box(place), "create a box").await?;
    let Done::Created(id) = done else { return Err(unexpected("create a box", done).into()) };
    Ok((StatusCode::CREATED, Json(runner.info(id)?)))
}

pub(super) async fn list(State(runner): State<Runner>) -> Json<BoxList> {
    let all: Vec<(BoxId, BoxState, Resources)> = runner.state().lifecycle.boxes().collect();
    let boxes = all.into_iter().map(|(id, state, share)| runner.told(id, state, share));
    Json(BoxList { boxes: boxes.collect() })
}

pub(super) async fn get(
    State(runner): State<Runner>,
    Path(name): Path<String>,
) -> Result<Json<BoxInfo>, Refused> {
    let id = runner.shared.names.parse_box(&name)?;
    Ok(Json(runner.info(id)?))
}

pub(super) async fn start(
    State(runner): State<Runner>,
    Path(name): Path<String>,
) -> Result<Json<BoxInfo>, Refused> {
    runner.turn(&name, Request::Start, "start").await
}

pub(super) async fn stop(
    State(runner): State<Runner>,
    Path(name): Path<String>,
) -> Result<Json<BoxInfo>, Refused> {
    runner.turn(&name, Request::Stop, "stop").await
}

pub(super) async fn rebuild(
    State(runner): State<Runner>,
    Path(name): Path<String>,
) -> Result<Json<BoxInfo>, Refused> {
    runner.turn(&name, Request::Rebuild, "rebuild").await
}

pub(super) async fn delete(
    State(runner): State<Runner>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<StatusCode, Refused> {
    let id = runner.shared.names.parse_box(&name)?;
    let force = Query::parse(&uri, &["force"])?.flag("force")?;
    let op = format!("delete box `{name}`");
    runner.ask(Request::Delete { id, force }, Beside::Nothing, &op).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Runner {
    /// Turns a box into another state, and tells which it then has.
    async fn turn(
        &self,
        name: &str,
        request: fn(BoxId) -> Request,
        verb: &str,
    ) -> Result<Json<BoxInfo>, Refused> {
        let id = self.shared.names.parse_box(name)?;
        let op = format!("{verb} box `{name}`");
        let done = self.ask(request(id), Beside::Nothing, &op).await?;
        // It may have been turned again meanwhile, or be gone: he is told what he asked for.
        let mut info = self.info(id).map_err(Refused::from)?;
        info.state = match done {
            Done::Stopped => BoxState::Stopped.name().to_owned(),
            Done::Started | Done::Rebuilt => BoxState::Running.name().to_owned(),
            Done::Created(_) | Done::Deleted | Done::Executing(_) | Done::ShutDown => info.state,
        };
        Ok(Json(info))
    }

    fn info(&self, id: BoxId) -> Result<BoxInfo, Error> {
        let found = self.state().lifecycle.boxes().find(|&(found, _, _)| found == id);
        let Some((id, state, share)) = found else {
            let op = format!("find box `{}`: there is none; list the boxes", id.0);
            return Err(Error::new(ErrorKind::NotFound, op));
        };
        Ok(self.told(id, state, share))
    }

    fn told(&self, id: BoxId, state: BoxState, share: Resources) -> BoxInfo {
        BoxInfo {
            id: self.shared.names.of_box(id),
            state: state.name().to_owned(),
            image: self.place(id).map(|place| place.image.clone()).unwrap_or_default(),
            cpus: share.cpus,
            memory_mib: share.memory_mib,
            disk_size_gb: share.disk_gib,
        }
    }
}

/// The lifecycle answered something else than what was asked.
pub(super) fn unexpected(op: &str, done: Done) -> Error {
    Error::new(ErrorKind::Internal, format!("{op}: the answer was {done:?}"))
}
