//! A recorder writes what happened, in order, as the docs of traces have it; checking what it writes
//! is the harness's.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use lastbyte::{
    Command, Stdio, blocking,
    record::{Payload, Recorder},
};

/// A trace in memory.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<u8>>>);

impl Trace {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("a trace is text")
    }

    /// The lines; where a pid stands, `PID`.
    fn lines(&self) -> Vec<String> {
        let hide = |line: &str| match line.split_once(",\"pid\":") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before},\"pid\":PID{rest}")
            }
            None => line.to_owned(),
        };
        self.text().lines().map(hide).collect()
    }
}

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A command with stdout alone: its history has one order.
fn sh(script: &str, recorder: &Recorder) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stderr(Stdio::Null).record(recorder);
    command
}

/// If this were red, a trace would not say what the docs say it says.
#[test]
fn a_trace_says_what_happened_in_order() {
    let trace = Trace::default();
    let recorder = Recorder::new(trace.clone());
    let output = blocking::output(&sh(r#"printf 'a"\\\t\001\n\377'; exit 3"#, &recorder));
    assert!(output.is_ok());
    blocking::output(Command::new("/no/such/program").record(&recorder)).expect_err("is refused");
    recorder.flush().expect("memory takes it");

    let lines = trace.lines();
    assert_eq!(
        lines[0],
        r#"{"execution":1,"event":"spawn","pid":PID,"outputs":["stdout"],"buffer_bytes_max":262144}"#
    );
    for line in [
        r#"{"execution":1,"event":"read","stream":"stdout","base64":"YSJcCQEK/w=="}"#,
        r#"{"execution":1,"event":"chunk","stream":"stdout","base64":"YSJcCQEK/w=="}"#,
        r#"{"execution":1,"event":"read_eof","stream":"stdout"}"#,
        r#"{"execution":1,"event":"end","stream":"stdout","end":"eof"}"#,
    ] {
        assert!(lines.iter().any(|found| found == line), "no {line} in {lines:#?}");
    }
    let reap = r#"{"execution":1,"event":"reap","status":{"code":3},"standing":{"stdout":"#;
    assert!(lines.iter().any(|line| line.starts_with(reap)), "{lines:#?}");
    assert_eq!(
        lines[lines.len() - 2],
        r#"{"execution":1,"event":"exit","status":{"code":3},"cut":[],"streams":{"stdout":{"end":"eof","delivered":7,"dropped":0,"held":false}}}"#
    );
    assert_eq!(lines[lines.len() - 1], r#"{"execution":2,"event":"refused"}"#);
}

/// If this were red, text could break the line that it stands in.
#[test]
fn text_is_escaped() {
    let trace = Trace::default();
    let recorder = Recorder::new(trace.clone());
    let output = blocking::output(&sh(r#"printf '"\\\n\001é'"#, &recorder));
    assert!(output.is_ok());
    let line = r#"{"execution":1,"event":"read","stream":"stdout","text":"\"\\\n\u0001é"}"#;
    assert!(trace.text().lines().any(|found| found == line), "no {line} in {}", trace.text());
}

/// If this were red, a trace could not be kept where the output must not be.
#[test]
fn a_trace_of_lengths_has_no_byte_of_the_output() {
    let trace = Trace::default();
    let recorder = Recorder::new(trace.clone()).payload(Payload::Length);
    let output = blocking::output(&sh("printf secret", &recorder));
    assert!(output.is_ok());
    assert!(!trace.text().contains("secret"), "{}", trace.text());
    assert!(trace.text().contains(r#""event":"chunk","stream":"stdout","bytes":6}"#));
}

/// If this were red, a trace with a hole would be taken for a whole one.
#[test]
fn a_failed_write_is_told_and_nothing_is_written_after_it() {
    struct Full(Trace, u32);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 == 2 { Err(io::ErrorKind::StorageFull.into()) } else { self.0.write(bytes) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let trace = Trace::default();
    let recorder = Recorder::new(Full(trace.clone(), 0));
    let output = blocking::output(&sh("echo hi", &recorder)).expect("it starts");
    assert!(output.is_success(), "a trace that fails changed the execution");
    assert_eq!(trace.lines().len(), 1);
    let error = recorder.flush().expect_err("the write had failed");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    recorder.flush().expect_err("the hole stays");
}

/// If this were red, a trace could not go where the other events of a program go.
#[cfg(feature = "tracing")]
#[test]
fn a_trace_goes_through_tracing() {
    use lastbyte::record::Layer;
    use tracing_subscriber::{layer::SubscriberExt, registry};

    let trace = Trace::default();
    let subscriber = registry().with(Layer::new(trace.clone()));
    let output = tracing::subscriber::with_default(subscriber, || {
        tracing::info!(line = "not of the trace", "another event");
        blocking::output(&sh("echo hi", &Recorder::tracing()))
    });
    assert!(output.is_ok());
    let lines = trace.lines();
    assert!(lines[0].starts_with(r#"{"execution":1,"event":"spawn""#), "{lines:#?}");
    assert!(lines[lines.len() - 1].starts_with(r#"{"execution":1,"event":"exit""#), "{lines:#?}");
}
