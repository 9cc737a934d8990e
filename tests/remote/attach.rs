//! The WebSocket: input one way, events the other. And HTTP/2.

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::client::IntoClientRequest};

use super::harness::serve;

/// If this were red, nobody could use a terminal at a runner by one connection.
#[tokio::test]
async fn c19_attached_input_goes_in_and_events_come_out_up_to_the_exit() {
    use std::{future::poll_fn, pin::Pin};

    use futures_core::Stream;
    use tokio_tungstenite::tungstenite::Message;

    let served = serve().await;
    let id = served.a_box().await;
    let script =
        json!({ "command": "sh", "args": ["-c", "read line; echo got $line; cat; exit 6"] });
    let execution = served.exec(&id, script).await;
    let url = format!("ws://{}{execution}/attach", served.address);
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("authorization", "Bearer the-token".parse().expect("a header"));
    let stream = TcpStream::connect(&served.address).await.expect("it listens");
    let (mut socket, _) = client_async(request, stream).await.expect("it upgrades");
    let messages = [
        Message::Binary(Bytes::from_static(b"hello\n")),
        Message::Text(r#"{"nonsense":1}"#.into()),
        Message::Text(r#"{"close":true}"#.into()),
    ];
    for message in messages {
        use futures_util_sink::send;
        send(&mut socket, message).await;
    }
    let mut events: Vec<Value> = Vec::new();
    while let Some(Ok(message)) = poll_fn(|cx| Pin::new(&mut socket).poll_next(cx)).await {
        if let Message::Text(text) = message {
            events.push(serde_json::from_str(&text).expect("an object"));
        }
    }
    assert_eq!(events[0]["event"], "start");
    assert!(events.iter().any(|it| it["event"] == "refused"), "{events:?}");
    assert!(events.iter().any(|it| it["text"] == "got hello\n"), "{events:?}");
    let exit = events.last().expect("the exit");
    assert_eq!((&exit["event"], &exit["status"]), (&json!("exit"), &json!({ "code": 6 })));
    served.end().await;
}

/// Sending without a crate for it.
mod futures_util_sink {
    use tokio::net::TcpStream;
    use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

    pub(super) async fn send(socket: &mut WebSocketStream<TcpStream>, message: Message) {
        use futures_sink::Sink;
        use std::{future::poll_fn, pin::Pin};
        poll_fn(|cx| Pin::new(&mut *socket).poll_ready(cx)).await.expect("it takes one");
        Pin::new(&mut *socket).start_send(message).expect("it takes one");
        poll_fn(|cx| Pin::new(&mut *socket).poll_flush(cx)).await.expect("it is sent");
    }
}

/// If this were red, a client that speaks HTTP/2 alone would be shut out.
#[tokio::test]
async fn http_2_answers_as_http_1_does() {
    let served = serve().await;
    let stream = TcpStream::connect(&served.address).await.expect("it listens");
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::get(format!("http://{}/v1/me", served.address))
        .header("authorization", "Bearer the-token")
        .body(Empty::<Bytes>::new())
        .expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let me: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(me["runner"], "lastbyte");
    drop(sender);
    served.end().await;
}
