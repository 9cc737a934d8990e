//! Wrong clients of a runner, as they were really written: output and wait on connections of their
//! own, lined up by hand.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use lastbyte::{
    DrainPolicy, Error, ErrorKind, Event, json,
    machine::{Status, Until},
    remote::policy,
};
use serde_json::{Map, Value};
use tokio::time::{Duration, Instant, sleep, timeout};

use super::{
    hosts::{RUNNER, Way},
    reader::{Design, Eyes, LOST_AFTER},
};
use crate::executor::witness::Seen;

/// A connection that says nothing for so long is taken for broken.
const SILENCE: Duration = Duration::from_secs(2);

fn broken(why: impl ToString) -> Error {
    Error::new(ErrorKind::BackendLost, why.to_string())
}

async fn ask(method: Method, path: &str, body: &str) -> Result<Response<Incoming>, Error> {
    let asked = async {
        let stream = Way.stream().await.map_err(broken)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", RUNNER);
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).map_err(broken)?;
        sender.send_request(request).await.map_err(broken)
    };
    timeout(SILENCE, asked).await.map_err(broken)?
}

async fn object(method: Method, path: &str, body: &str) -> Result<Map<String, Value>, Error> {
    let response = ask(method, path, body).await?;
    let bytes = response.into_body().collect().await.map_err(broken)?.to_bytes();
    serde_json::from_slice(&bytes).map_err(broken)
}

/// Starts a child's command. Returns its execution's name.
pub(super) async fn start(box_id: &str, child: usize, drain: DrainPolicy) -> Result<String, Error> {
    let drain = policy::words(drain);
    let request = format!(r#"{{"command":"{child}","drain":"{drain}","stdin":"null"}}"#);
    let told = object(Method::POST, &format!("/v1/boxes/{box_id}/exec"), &request).await?;
    let id = told.get("execution_id").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| broken("no execution was started"))
}

/// Starts a child's command and tells its events as this design does.
pub(super) async fn run(
    design: Design,
    box_id: &str,
    child: usize,
    drain: DrainPolicy,
    eyes: Eyes,
    started: impl Future<Output = ()>,
) -> Result<(), Error> {
    let id = start(box_id, child, drain).await?;
    let path = format!("/v1/boxes/{box_id}/executions/{id}");
    started.await;
    // Once the exit was told, nothing more is.
    let over = Arc::new(AtomicBool::new(false));
    let (ended, seen, way) = (Arc::clone(&over), eyes.clone(), format!("{path}/wait"));
    let waiting = tokio::spawn(async move {
        let Some(exit) = wait(&way).await else { return };
        seen.resolved(Until::Exited, exit.status);
        if design == Design::ExitOnWait && !ended.swap(true, Ordering::Relaxed) {
            tell_exit(&seen, Event::Exit(exit));
        }
    });
    let lost = output(design, &path, &eyes, &over).await.is_err();
    if lost && !over.swap(true, Ordering::Relaxed) {
        let status = match design {
            Design::LostIsExit => Status::Exited { code: 255 },
            Design::Lastbyte
            | Design::ExitOnWait
            | Design::ResumeFromStart
            | Design::ResumeFromEnd => Status::Lost,
        };
        waiting.abort();
        eyes.resolved(Until::Exited, status);
        eyes.resolved(Until::Terminal, Status::Lost);
        eyes.see(Seen::NoMore);
    }
    // One that was aborted has nothing to say.
    let _joined = waiting.await;
    Ok(())
}

fn tell_exit(eyes: &Eyes, exit: Event) {
    if let Event::Exit(terminal) = exit {
        eyes.event(exit);
        eyes.resolved(Until::Terminal, terminal.status);
        eyes.see(Seen::NoMore);
    }
}

/// The exit, when a wait is answered.
async fn wait(path: &str) -> Option<lastbyte::Terminal> {
    let since = Instant::now();
    while since.elapsed() < LOST_AFTER {
        if let Ok(object) = object(Method::GET, path, "").await
            && let Ok(terminal) = json::terminal(&object)
        {
            return Some(terminal);
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}

/// Reads the output up to the exit.
async fn output(design: Design, path: &str, eyes: &Eyes, over: &AtomicBool) -> Result<(), Error> {
    let (mut offset, mut since) = (0, Instant::now());
    loop {
        let before = offset;
        match read(path, &mut offset, eyes, over).await {
            Ok(()) => return Ok(()),
            Err(error) => eyes.say(format!("reads again: {error}")),
        }
        if offset > before {
            since = Instant::now();
        }
        if since.elapsed() > LOST_AFTER {
            return Err(broken("the runner is lost"));
        }
        sleep(Duration::from_millis(50)).await;
        match design {
            Design::ResumeFromStart => offset = 0,
            Design::ResumeFromEnd => {
                if let Ok(told) = object(Method::GET, path, "").await {
                    offset = told.get("offset").and_then(Value::as_u64).unwrap_or(offset);
                }
            }
            Design::Lastbyte | Design::ExitOnWait | Design::LostIsExit => {}
        }
    }
}

async fn read(path: &str, offset: &mut u64, eyes: &Eyes, over: &AtomicBool) -> Result<(), Error> {
    let response = ask(Method::GET, &format!("{path}/output?offset={offset}"), "").await?;
    if !response.status().is_success() {
        return Err(broken(response.status()));
    }
    let mut body = response.into_body();
    let mut rest = Vec::new();
    while let Some(frame) = timeout(SILENCE, body.frame()).await.map_err(broken)? {
        if let Ok(bytes) = frame.map_err(broken)?.into_data() {
            rest.extend_from_slice(&bytes);
        }
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let json::Line::Event(event) = json::parse(&line).map_err(broken)? else { continue };
            if let Event::Chunk { chunk, .. } = &event {
                *offset += chunk.len() as u64;
            }
            if let Event::Exit(_) = event {
                if !over.swap(true, Ordering::Relaxed) {
                    tell_exit(eyes, event);
                }
                return Ok(());
            }
            if over.load(Ordering::Relaxed) {
                return Ok(());
            }
            eyes.event(event);
        }
    }
    Err(broken("it broke off"))
}
