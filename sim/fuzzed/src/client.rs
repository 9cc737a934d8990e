//! A client and a runner that says whatever the bytes say: whatever that is, the client's execution
//! has its events in order, one exit, and an end.
//!
//! Time is virtual. The runner answers so many requests and is then gone.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arbitrary::{Arbitrary, Result, Unstructured};
use lastbyte::{
    Command, Event, StreamId, Terminal,
    machine::PerStream,
    remote::client::{
        Client,
        connect::{Connect, Connecting, Io},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};

/// Requests that are answered at most.
const ANSWERS_MAX: usize = 48;

/// Events that a consumer takes at most: more than any runner here can make.
const EVENTS_MAX: usize = 100_000;

/// Longer than a client tries any runner: some 30 s for each answer that never ends.
const END_MAX: Duration = Duration::from_secs(60 * 60 * 24);

const STATUSES: [u16; 8] = [200, 200, 200, 204, 404, 409, 410, 500];

/// What requests are about, as their path says.
const ABOUT: [&str; 3] = ["/exec", "/output", "/wait"];

/// How an answer ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Whole,
    BrokenOff,
    /// The rest never comes.
    Hangs,
}

/// What is answered to one request.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    ending: Ending,
}

/// What a runner says: to each kind of request one answer after the other.
#[derive(Debug, Default)]
struct Script {
    answers: [VecDeque<Answer>; ABOUT.len()],
    answered: usize,
}

/// What the caller does after so many events.
#[derive(Clone, Copy, Debug)]
enum Then {
    ReadsOn,
    Kills,
    Closes,
    Discards,
}

/// Runs a command at the runner that these bytes are.
///
/// # Panics
///
/// The client breaks a promise.
pub fn client(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok((script, after, then)) = read(&mut u) else { return };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { panic!("a runtime without I/O needs nothing") };
    runtime.block_on(async {
        let ended = timeout(END_MAX, run(script, after, then)).await;
        assert!(ended.is_ok(), "it does not come to an end (C6)");
    });
}

fn read(u: &mut Unstructured<'_>) -> Result<(Script, usize, Then)> {
    let (after, then) = (u8::arbitrary(u)?, u8::arbitrary(u)?);
    let then = match then % 8 {
        0 => Then::Kills,
        1 => Then::Closes,
        2 => Then::Discards,
        _ => Then::ReadsOn,
    };
    let mut script = Script::default();
    while !u.is_empty() {
        let Ok((about, answer)) = answer(u) else { break };
        script.answers[about].push_back(answer);
    }
    Ok((script, usize::from(after), then))
}

fn answer(u: &mut Unstructured<'_>) -> Result<(usize, Answer)> {
    let (about, how) = (usize::from(u8::arbitrary(u)?) % ABOUT.len(), u8::arbitrary(u)?);
    let status = STATUSES[usize::from(how) % STATUSES.len()];
    let ending = match how / 8 % 8 {
        0 => Ending::BrokenOff,
        1 => Ending::Hangs,
        _ => Ending::Whole,
    };
    let body = match u8::arbitrary(u)? % 8 {
        0 => raw(u)?,
        _ if ABOUT[about] == "/output" => frames(u)?,
        _ => raw(u)?,
    };
    Ok((about, Answer { status, body, ending }))
}

/// Bytes as they stand, after their length.
fn raw(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let len = usize::from(u16::from_le_bytes([u8::arbitrary(u)?, u8::arbitrary(u)?]));
    Ok(u.bytes(len.min(u.len()))?.to_vec())
}

/// Frames, each with its payload and the offset that it says.
fn frames(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (count, mut all, mut offset) = (u8::arbitrary(u)? % 16, Vec::new(), 0_u64);
    for _frame in 0..count {
        let kind = u8::arbitrary(u)?;
        let (kind, stream) = (kind % 4, kind / 4 % 8);
        let shift = u8::arbitrary(u)?;
        let payload = raw(u)?;
        // Mostly where the one before ends.
        let said = match shift {
            255 => u64::MAX - 3,
            0 => offset,
            more => offset.wrapping_add(u64::from(more)),
        };
        all.extend_from_slice(&[kind, stream, 0, 0]);
        all.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_be_bytes());
        all.extend_from_slice(&said.to_be_bytes());
        all.extend_from_slice(&payload);
        if kind == 1 {
            offset = said.wrapping_add(payload.len() as u64);
        }
    }
    Ok(all)
}

/// A command in a box there, whose events are taken until there are no more.
async fn run(script: Script, after: usize, then: Then) {
    let client = Client::new(Runner(Arc::new(Mutex::new(script))), None);
    let mut command = Command::new("cmd");
    command.monitor(true);
    let Ok(mut execution) = client.spawn("box", &command).await else { return };
    let handle = execution.handle();
    let mut told = Told::default();
    for taken in 0..EVENTS_MAX {
        if taken == after {
            match then {
                Then::ReadsOn => {}
                Then::Kills => {
                    let _reply = execution.kill();
                }
                Then::Discards => execution.discard(StreamId::Stdout),
                Then::Closes => {
                    told.closed(execution.close().await);
                    break;
                }
            }
        }
        match execution.next().await {
            Some(event) => told.hear(event),
            None => break,
        }
    }
    let terminal = handle.wait().await;
    told.check(&terminal);
    let violation = handle.verdict().and_then(|verdict| verdict.violation);
    assert_eq!(violation, None);
}

/// What a consumer was told.
#[derive(Default)]
struct Told {
    bytes: PerStream<u64>,
    gaps: PerStream<u64>,
    ended: PerStream<bool>,
    exit: Option<Terminal>,
    closed: bool,
}

impl Told {
    fn hear(&mut self, event: Event) {
        assert_eq!(self.exit, None, "nothing follows the exit (C2)");
        match event {
            Event::Chunk { stream, chunk } => {
                assert!(!self.ended[stream], "bytes after the end of their stream (C1)");
                assert!(!chunk.is_empty(), "a chunk has a byte (C3)");
                self.bytes[stream] += chunk.len() as u64;
            }
            Event::Gap { stream, bytes } => self.gaps[stream] += bytes,
            Event::End { stream, .. } => self.ended[stream] = true,
            Event::Exit(terminal) => self.exit = Some(terminal),
        }
    }

    fn closed(&mut self, terminal: Terminal) {
        self.closed = true;
        self.exit = Some(terminal);
    }

    /// What was told is what the terminal says of it.
    fn check(&self, terminal: &Terminal) {
        let Some(exit) = self.exit else { panic!("no exit came (C2)") };
        assert_eq!(exit.status, terminal.status, "a wait is told the same (C4)");
        for report in terminal.reports() {
            let told = self.bytes[report.stream];
            let all = if self.closed { told <= report.delivered } else { told == report.delivered };
            assert!(all, "{told} bytes were delivered, and {report:?} (C8)");
        }
    }
}

/// A runner whose connections are in memory.
struct Runner(Arc<Mutex<Script>>);

impl Connect for Runner {
    fn connect(&self) -> Connecting {
        let script = Arc::clone(&self.0);
        Box::pin(async move {
            if is_used_up(&script) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = duplex(64 * 1024);
            tokio::spawn(serve(theirs, script));
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }

    fn authority(&self) -> String {
        "runner".to_owned()
    }
}

fn is_used_up(script: &Mutex<Script>) -> bool {
    script.lock().unwrap_or_else(PoisonError::into_inner).answered >= ANSWERS_MAX
}

/// Answers what comes over one connection, until it breaks off.
async fn serve(mut io: DuplexStream, script: Arc<Mutex<Script>>) {
    while let Some(path) = request(&mut io).await {
        let Some(answer) = next(&script, &path) else { return };
        let Answer { status, body, ending } = answer;
        let len = body.len() + if let Ending::Whole = ending { 0 } else { 1 };
        let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {len}\r\n\r\n");
        let said = [head.as_bytes(), &body].concat();
        if io.write_all(&said).await.is_err() {
            return;
        }
        match ending {
            Ending::Whole => {}
            Ending::BrokenOff => return,
            Ending::Hangs => std::future::pending().await,
        }
    }
}

/// The path of the next request; its body is passed over.
async fn request(io: &mut DuplexStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    io.read_exact(&mut body).await.ok()?;
    head.split(' ').nth(1).map(str::to_owned)
}

/// What is answered to a request; none: the runner is gone.
fn next(script: &Mutex<Script>, path: &str) -> Option<Answer> {
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    script.answered += 1;
    if script.answered > ANSWERS_MAX {
        return None;
    }
    let path = path.split('?').next().unwrap_or_default();
    let Some(about) = ABOUT.iter().position(|about| path.ends_with(about)) else {
        let body = b"{\"reply\":\"done\",\"accepted\":0,\"written\":0,\"state\":\"open\"}".to_vec();
        return Some(Answer { status: 200, body, ending: Ending::Whole });
    };
    if let Some(answer) = script.answers[about].pop_front() {
        return Some(answer);
    }
    match ABOUT[about] {
        "/exec" => {
            let body = b"{\"execution_id\":\"e\"}".to_vec();
            Some(Answer { status: 200, body, ending: Ending::Whole })
        }
        // It has nothing more to say.
        _ => Some(Answer { status: 200, body: Vec::new(), ending: Ending::Hangs }),
    }
}
