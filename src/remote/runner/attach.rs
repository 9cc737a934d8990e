//! `GET .../attach`: one WebSocket for an interactive use: output and exit one way, input, signals
//! and sizes the other.
//!
//! The runner sends a text message for each event, the same object as in `GET .../output`, and
//! closes after the exit. The client sends binary messages, which are input, and text messages with
//! one object: `{"close":true}` ends the input, `{"signal":15}`, `{"resize":{"rows":24,"cols":80}}`.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::{
        Path, State,
        ws::{
            CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::Uri,
    response::Response,
};
use futures_core::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Runner,
    executions::read_from,
    fault::{Refused, invalid},
    host::Doing,
    record::{Reading, Record},
    requests::{self, Query},
    retained::Entry,
};
use crate::{
    Error, PtySize, json as events,
    remote::wire::{ResizeRequest, SignalName},
};

pub(super) async fn attach(
    State(runner): State<Runner>,
    Path(names): Path<(String, String)>,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let record = runner.find(&names)?;
    let offset = Query::parse(&uri, &["offset"])?.number("offset")?.unwrap_or(0);
    let upgrade = upgrade.map_err(|why| invalid(format!("attach: {why}; ask by WebSocket")))?;
    let reading = read_from(&record, offset, None)?;
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut session = Session { record, reading, socket, feeding: None, over: false };
        if let Err(error) = session.run(offset).await {
            tracing::debug!(%error, "attachment ended");
        }
    }))
}

/// What a client says in a text message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Close(bool),
    Signal(SignalName),
    Resize(ResizeRequest),
}

struct Session {
    record: Arc<Record>,
    reading: Reading,
    socket: WebSocket,
    /// Input that the command has not read yet. Until it has, no more is taken from the client;
    /// output goes on.
    feeding: Option<Doing<Result<(), Error>>>,
    /// The client sends nothing any more.
    over: bool,
}

enum Next {
    Event(Entry),
    Exited,
    Message(Message),
    Fed(Result<(), Error>),
    ClientGone,
}

impl Session {
    async fn run(&mut self, offset: u64) -> Result<(), axum::Error> {
        if offset == 0 {
            self.say(events::start(self.record.handle.id()), 0).await?;
        }
        loop {
            match poll_fn(|cx| self.poll_next(cx)).await {
                Next::Event(Entry { offset, event }) => {
                    self.say(events::event(&event), offset).await?;
                }
                Next::Exited => {
                    let frame = CloseFrame { code: close_code::NORMAL, reason: "exit".into() };
                    return self.socket.send(Message::Close(Some(frame))).await;
                }
                Next::ClientGone => return Ok(()),
                Next::Fed(fed) => {
                    self.feeding = None;
                    self.tell(fed).await?;
                }
                Next::Message(message) => {
                    let heard = self.hear(message);
                    self.tell(heard).await?;
                }
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        match &mut self.feeding {
            Some(feeding) => {
                if let Poll::Ready(fed) = feeding.as_mut().poll(cx) {
                    return Poll::Ready(Next::Fed(fed));
                }
            }
            None if !self.over => match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => return Poll::Ready(Next::Message(message)),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Next::ClientGone),
                Poll::Pending => {}
            },
            None => {}
        }
        self.reading.poll_next(cx).map(|entry| entry.map_or(Next::Exited, Next::Event))
    }

    /// Sends an event.
    async fn say(&mut self, mut object: Value, offset: u64) -> Result<(), axum::Error> {
        object["offset"] = json!(offset);
        self.socket.send(Message::Text(object.to_string().into())).await
    }

    /// Tells the client of what was refused. The execution goes on.
    async fn tell(&mut self, done: Result<(), Error>) -> Result<(), axum::Error> {
        let Err(error) = done else { return Ok(()) };
        self.socket.send(Message::Text(events::refused(&error).to_string().into())).await
    }

    fn hear(&mut self, message: Message) -> Result<(), Error> {
        let record = Arc::clone(&self.record);
        match message {
            Message::Binary(bytes) => {
                self.feeding =
                    Some(Box::pin(async move { record.input.lock().await.write(&bytes).await }));
            }
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Said::Close(true)) => {
                    self.feeding = Some(Box::pin(async move {
                        record.input.lock().await.close();
                        Ok(())
                    }));
                }
                Ok(Said::Close(false)) => {}
                Ok(Said::Signal(name)) => {
                    record.handle.signal(requests::signal(&name)?);
                }
                Ok(Said::Resize(ResizeRequest { rows, cols })) => {
                    record.handle.resize(PtySize { rows, cols })?;
                }
                Err(error) => {
                    return Err(invalid(format!("read a message: {error}; see docs/runner.md")));
                }
            },
            // Pings are answered below us. A disconnect is not the end of the input (C17).
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => self.over = true,
        }
        Ok(())
    }
}
