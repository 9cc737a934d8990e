//! What the fuzzers start from: the conformance vectors, each written as a target reads it, and a few
//! lines by hand where no vector says anything.

use bytes::Bytes;
use lastbyte::{
    Data, Event, StreamId, json,
    machine::{self, Chunk, Input, Machine, Streams},
};
use lastbyte_sim::{
    conform::judge,
    vectors::{
        Outcome, Topic, Vector, store,
        words::{Text, policy, read},
    },
};
use serde_json::json;

use crate::history::{Start, put};

/// Of the topics that have thousands of vectors, one of so many is a seed.
const ONE_OF: usize = 400;

/// A seed: the target that it is for, and its bytes.
pub type Seed = (&'static str, Vec<u8>);

/// The seeds that these vectors make.
pub fn seeds(vectors: &[Vector]) -> Vec<Seed> {
    let whole = [Topic::Rules.name(), Topic::Policies.name()];
    let chosen = vectors.iter().enumerate().filter(|(place, vector)| {
        whole.contains(&vector.topic()) || place % ONE_OF == 0 || place % 5 == 0 && has_run(vector)
    });
    let mut seeds: Vec<Seed> =
        chosen.filter_map(|(_, vector)| of_vector(vector)).flatten().collect();
    seeds.extend(by_hand());
    seeds.retain(|(_, bytes)| bytes.len() < LONGEST);
    seeds
}

/// Longer ones slow a fuzzer down and show it nothing else.
const LONGEST: usize = 4096;

/// Whether one of its lines stands in its file as a run of one character.
fn has_run(vector: &Vector) -> bool {
    vector.inputs.iter().any(|input| input.len() > LONGEST)
}

/// A vector's history.
struct History {
    start: Start,
    inputs: Vec<Input<Text>>,
    events: Vec<Event>,
}

fn history(vector: &Vector) -> Option<History> {
    let streams = read::streams(&vector.streams).ok()?;
    let policy = policy::read(&vector.policy).ok()?;
    let inputs: Vec<_> =
        vector.inputs.iter().map(|input| read::input(input)).collect::<Result<_, _>>().ok()?;
    let mut machine = Machine::new(streams, policy).ok()?;
    let steps = inputs.iter().filter_map(|input| machine.step(input.clone()).ok());
    let events = steps.filter_map(|step| step.event).map(of_data).collect();
    Some(History { start: Start { streams, policy }, inputs, events })
}

fn of_data(event: machine::Event<Text>) -> Event {
    match event {
        machine::Event::Chunk { stream, chunk } => {
            Event::Chunk { stream, chunk: Data::new(Bytes::from(chunk.0)) }
        }
        machine::Event::Gap { stream, bytes } => Event::Gap { stream, bytes },
        machine::Event::End { stream, end } => Event::End { stream, end },
        machine::Event::Exit(terminal) => Event::Exit(terminal),
    }
}

fn of_vector(vector: &Vector) -> Option<Vec<Seed>> {
    let History { start, inputs, events } = history(vector)?;
    let lines: Vec<String> = events.iter().map(|event| json::event(event).to_string()).collect();
    let mut seeds = vec![
        ("machine", written(&start, &inputs, &[0], &[])),
        // The consumer has his turn after each.
        ("ordering", written(&start, &inputs, &[], &[8])),
        ("wire", [b"\x00", lines.join("\n").as_bytes()].concat()),
        ("wire", [&b"\x01\x80"[..], &frames(&events)].concat()),
        ("client", client(&events)),
        ("trace", trace(vector)?),
        ("vectors", [b"\x00", store::line(vector).as_bytes()].concat()),
        ("vectors", [b"\x02", judge::question(vector).as_bytes()].concat()),
    ];
    let mut words = vec![vector.streams.clone(), vector.policy.join(",")];
    words.extend(vector.inputs.iter().cloned());
    seeds.push(("vectors", [b"\x03", words.join("\n").as_bytes()].concat()));
    seeds.push(("vectors", answered(vector)));
    let choices = inputs.iter().map(|input| u8::try_from(format!("{input:?}").len() % 7));
    let mut tasks = vec![u8::try_from(inputs.len()).unwrap_or(0), 0];
    tasks.extend(choices.flatten());
    seeds.push(("tasks", tasks));
    Some(seeds)
}

/// A history as `machine` and `ordering` read it: `first` stands before it. Where somebody's turn
/// stands `behind` each input, the driver's stands before it.
fn written(start: &Start, inputs: &[Input<Text>], first: &[u8], behind: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    start.put(&mut bytes);
    bytes.extend_from_slice(first);
    for input in inputs {
        if !behind.is_empty() {
            bytes.push(0);
        }
        put(input, Chunk::len, start.streams, &mut bytes);
        bytes.extend_from_slice(behind);
    }
    bytes
}

/// Events as frames: a header of 16 bytes and the payload, each.
fn frames(events: &[Event]) -> Vec<u8> {
    let (mut all, mut offset) = (Vec::new(), 0_u64);
    for event in events {
        let (kind, stream, payload) = framed(event);
        all.extend_from_slice(&[kind, stream, 0, 0]);
        all.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_be_bytes());
        all.extend_from_slice(&offset.to_be_bytes());
        all.extend_from_slice(&payload);
        if kind == 1 {
            offset += payload.len() as u64;
        }
    }
    all
}

fn framed(event: &Event) -> (u8, u8, Vec<u8>) {
    match event {
        Event::Chunk { stream, chunk } => {
            let place = StreamId::ALL.iter().position(|id| id == stream).unwrap_or(0);
            (1, u8::try_from(place + 1).unwrap_or(0), chunk.to_vec())
        }
        Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => {
            (2, 0, json::event(event).to_string().into_bytes())
        }
    }
}

/// Bytes after their length.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&len.to_le_bytes()[..], bytes].concat()
}

/// A runner that says these events, 15 an answer, and then how the root ended.
fn client(events: &[Event]) -> Vec<u8> {
    let mut bytes = vec![255, 7];
    for events in events.chunks(15) {
        // An output, as it should be, of frames.
        bytes.extend_from_slice(&[1, 16, 1, u8::try_from(events.len()).unwrap_or(0)]);
        for event in events {
            let (kind, stream, payload) = framed(event);
            bytes.extend_from_slice(&[kind + stream * 4, 0]);
            bytes.extend(counted(&payload));
        }
    }
    for event in events {
        if let Event::Exit(terminal) = event {
            bytes.extend_from_slice(&[2, 16, 1]);
            let exited = json::exited(terminal.status, terminal.cause);
            bytes.extend(counted(exited.to_string().as_bytes()));
        }
    }
    bytes
}

/// The vector as a trace of its steps.
fn trace(vector: &Vector) -> Option<Vec<u8>> {
    let Outcome::Steps { steps, .. } = &vector.expected else { return None };
    let streams: Streams = read::streams(&vector.streams).ok()?;
    let outputs: Vec<&str> = streams.ids().iter().map(|id| id.name()).collect();
    let begin = json!({"event": "machine", "outputs": outputs, "policy": vector.policy});
    let mut lines = vec![begin.to_string()];
    lines.extend(vector.inputs.iter().zip(steps).map(|(input, follows)| {
        json!({"event": "step", "input": input, "follows": follows}).to_string()
    }));
    Some(lines.join("\n").into_bytes())
}

/// The vector, and the answer that it expects.
fn answered(vector: &Vector) -> Vec<u8> {
    let answer = match &vector.expected {
        Outcome::Steps { steps, room } => json!({"id": vector.id, "steps": steps, "room": room}),
        Outcome::Invalid(why) => json!({"id": vector.id, "invalid": why}),
    };
    let (line, answer) = (store::line(vector), answer.to_string());
    [b"\x01", line.as_bytes(), b"\n", answer.as_bytes()].concat()
}

/// Where no vector says anything.
fn by_hand() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for words in COMMAND_LINES {
        seeds.push(("options", words.replace(' ', "\0").into_bytes()));
    }
    for token in TOKENS {
        seeds.push(("options", token.as_bytes().to_vec()));
    }
    for line in TRACES {
        seeds.push(("trace", line.as_bytes().to_vec()));
    }
    for request in REQUESTS {
        seeds.push(("wire", [b"\x02", request.as_bytes()].concat()));
    }
    for words in WORDS {
        seeds.push(("wire", [b"\x03", words.as_bytes()].concat()));
    }
    for scenario in 0..16 {
        seeds.push(("tasks", vec![scenario, 0, 1, 2, 0, 3, 1]));
        seeds.push(("tasks", vec![scenario, 1, 0, 0, 4, 8, 0, 0, 6, 16, 3, 0, 1, 2, 0, 3, 1]));
    }
    for calls in CALLS {
        seeds.push(("capi", calls.to_vec()));
    }
    seeds
}

const COMMAND_LINES: &[&str] = &[
    "run --json --drain idle=200ms,max=5s --timeout 5s -- sh -c true",
    "run --runner unix:/run/x --box b --limit 1MiB -- cat",
    "serve --listen 127.0.0.1:0",
    "check --design stock --rule C6 --json",
    "sample --design stock --seeds 0..50 --strategy pct",
    "replay stock:wait-error:1:1:333:72f3",
    "show stock:C1",
    "network seeds 0..10",
    "trace check --complete -",
    "probe --for 1s -- sh -c",
    "conform --first 10m -- shim",
    "vectors --help",
    "shim --bug exit-before-end",
];

const TOKENS: &[&str] = &["stock:wait-error:1:1:333:72f3", "lastbyte:plain:3:2:0213:9f1c"];

const TRACES: &[&str] = &[
    concat!(
        r#"{"execution":"1","event":"spawn","outputs":["stdout"],"buffer_bytes_max":9}"#,
        "\n",
        r#"{"execution":"1","event":"read","stream":"stdout","text":"hi"}"#,
        "\n",
        r#"{"execution":"1","event":"read_eof","stream":"stdout"}"#,
        "\n",
        r#"{"execution":"1","event":"reap","status":{"code":0},"standing":{"stdout":0}}"#,
        "\n",
        r#"{"execution":"1","event":"chunk","stream":"stdout","text":"hi"}"#,
        "\n",
        r#"{"execution":"1","event":"eof","stream":"stdout"}"#,
    ),
    concat!(
        r#"{"event":"start","pid":7}"#,
        "\n",
        r#"{"event":"wait","until":"terminal"}"#,
        "\n",
        r#"{"event":"chunk","stream":"stderr","bytes":12}"#,
        "\n",
        r#"{"event":"gap","stream":"stderr","bytes":3}"#,
        "\n",
        r#"{"event":"signal","signal":15,"target":"group"}"#,
        "\n",
        r#"{"event":"resolved","until":"terminal","status":{"signal":15}}"#,
        "\n",
        r#"{"event":"quiet"}"#,
    ),
    // Two at once.
    concat!(
        r#"{"execution":"a","event":"spawn","outputs":["stdout"]}"#,
        "\n",
        r#"{"execution":"b","event":"spawn","outputs":[]}"#,
        "\n",
        r#"{"execution":"a","event":"read_eof","stream":"stdout"}"#,
        "\n",
        r#"{"execution":"b","event":"reap","status":{"code":0}}"#,
        "\n",
        r#"{"execution":"a","event":"reap","status":{"code":0},"standing":{"stdout":0}}"#,
    ),
    "{\"event\":\"refused\"}\n{\"event\":\"kill\"}\n{\"event\":\"close\"}\n{\"event\":\"closed\"}",
];

const REQUESTS: &[&str] = &[
    r#"{"image":"i","cpus":1,"memory_mib":64,"env":{"A":"b"},"workdir":"w"}"#,
    r#"{"command":"sh","args":["-c","true"],"timeout_seconds":1.5,"tty":true,"stdin":"null"}"#,
    r#"{"accepted":1,"written":1,"state":"open"}"#,
    r#"{"signal":"SIGTERM"}"#,
    r#"{"signal":9}"#,
    r#"{"rows":24,"cols":80}"#,
    r#"{"error":{"code":"gone","type":"request","message":"m","request_id":"r","errno":2}}"#,
];

const WORDS: &[&str] = &[
    "idle=200ms,max=5s",
    "after=0",
    "eof",
    "http://127.0.0.1:80",
    "unix:/run/x",
    "listen = \"127.0.0.1:0\"\nretain_bytes = 9\n[images.default]\ncpus = 1\n",
];

/// A runtime, a command, a start, listeners and drains; a machine and its steps.
const CALLS: &[&[u8]] = &[
    &[0, 0, 1, 1, 0, 1, 1, 1, 0, 4, 3, 3, 1, 0, 0, 5, 3, 0, 1, 0, 0, 5, 3, 2, 1, 0, 0, 11, 3, 9, 3],
    &[0, 0, 1, 1, 0, 1, 3, 1, 0, 2, 3, 5, 0, 0, 1, 0, 0, 4, 3, 3, 1, 0, 0, 7, 3, 1, 1, 1],
    &[0, 0, 1, 1, 0, 1, 2, 1, 0, 4, 3, 3, 1, 0, 0, 5, 3, 2, 1, 1, 0, 11, 3, 9, 3, 0, 14, 3, 3, 1],
    &[1, 0, 0, 3, 1, 1, 2, 3, 1, 0, 1, 1, 1, 2, 3, 3, 1, 0, 5, 1, 1, 1, 1, 10, 3, 8, 1, 1],
    &[1, 0, 7, 3, 1, 1, 2, 3, 1, 1, 0, 0, 1, 1, 1, 1, 15, 3, 1, 2, 3, 8, 1, 1, 0, 1, 1, 1],
];
