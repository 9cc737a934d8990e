//! What the production recorder writes of real processes is held against the contract.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lastbyte::{
    BufferPolicy, Command, DrainPolicy, Event, Full, OutputLimit, Over, PtySize, Signal, Stdio,
    blocking,
    record::{Payload, Recorder},
};
use lastbyte_sim::trace::{Checker, Finding};

#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<u8>>>);

impl Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Each way to begin, go on and end.
fn record(recorder: &Recorder) -> u64 {
    let sh = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).record(recorder);
        command
    };
    let output = |command: &Command| drop(blocking::output(command));
    let spawn = |command: &Command| blocking::spawn(command).expect("sh starts");

    output(&sh("echo hi; echo oops >&2; exit 3"));
    output(&sh("awk 'BEGIN{for(i=1;i<=500;i++)print i}'"));
    output(&sh("kill -9 $$"));
    output(sh("echo hi; sleep 5 &").drain(DrainPolicy::After(Duration::ZERO)));
    output(
        sh("trap '' TERM; echo hi; while :; do sleep 0.01; done")
            .timeout(Duration::from_millis(50))
            .grace(Duration::from_millis(50)),
    );
    let limit = |over| OutputLimit { bytes_max: 10, over };
    output(sh("echo 0123456789; echo 0123456789").limit(limit(Over::Truncate)));
    output(sh("echo 0123456789; echo 0123456789").limit(limit(Over::KeepTail { bytes_max: 4 })));
    output(sh("yes").limit(limit(Over::Kill)));
    output(sh("echo hi").pty(PtySize::default()));
    output(sh("echo hi; echo oops >&2").combined());
    output(sh("echo hi").stdout(Stdio::Null).stderr(Stdio::Null));
    output(sh("echo hi").current_dir("/no/such/folder"));

    let slow = BufferPolicy { bytes_max: 16, chunks_max: 4, full: Full::Gap };
    let mut execution = spawn(sh("echo 0123456789012345678901234567890123456789").buffer(slow));
    execution.exited();
    while execution.next().is_some() {}

    let mut execution = spawn(&sh("echo hi; sleep 60"));
    assert!(matches!(execution.next(), Some(Event::Chunk { .. })));
    execution.handle().signal(Signal::TERM);
    while execution.next().is_some() {}
    let handle = execution.handle();
    blocking::block_on(handle.wait());
    handle.kill();

    let mut waits = spawn(&sh("yes 2>&1 | head -c 10000"));
    waits.wait();

    let execution = spawn(&sh("echo hi; sleep 60"));
    let handle = execution.handle();
    drop(execution);
    blocking::block_on(handle.wait());

    let handle = spawn(&sh("yes | head -c 10000")).detach();
    blocking::block_on(handle.wait());

    let mut execution = spawn(&sh("echo hi; sleep 60"));
    execution.handle().shutdown();
    while execution.next().is_some() {}
    18
}

fn check(trace: &str) -> (Checker, Vec<Finding>) {
    let mut checker = Checker::new(true);
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(trace.lines()) {
        let found = checker.take(number, line.as_bytes());
        findings.extend(found.unwrap_or_else(|malformed| panic!("{line}: {malformed:?}")));
    }
    findings.extend(checker.finish());
    (checker, findings)
}

fn recorded(payload: Payload) -> (String, u64) {
    let trace = Trace::default();
    let recorder = Recorder::new(trace.clone()).payload(payload);
    let executions = record(&recorder);
    let bytes = trace.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (String::from_utf8(bytes).expect("a trace is text"), executions)
}

/// If this were red, what ships would break the contract in the eyes of its own checker, or the two
/// would not speak of the same.
#[test]
fn c01_what_the_recorder_writes_breaks_no_rule() {
    for payload in [Payload::Data, Payload::Length] {
        let (trace, executions) = recorded(payload);
        let (checker, findings) = check(&trace);
        let told: Vec<_> = findings.iter().map(|it| (&it.execution, it.line, it.broken)).collect();
        assert_eq!(told, [], "{trace}");
        assert_eq!((checker.totals().executions, checker.running()), (executions, 0), "{trace}");
    }
}

/// If this were red, a delivery that is missing in a trace of ours would not be missed: the checker
/// would pass anything.
#[test]
fn c08_each_delivery_that_is_left_out_is_missed() {
    let (trace, _) = recorded(Payload::Data);
    let lines: Vec<&str> = trace.lines().collect();
    let mut left_out = 0;
    for (at, line) in lines.iter().enumerate() {
        let is_short = line.len() < 1000;
        // The gap of a discarded stream may be left out: its report says the same.
        if is_short
            && ["chunk", "exit"]
                .iter()
                .any(|event| line.contains(&format!("\"event\":\"{event}\"")))
        {
            let rest = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            let (_, findings) = check(&rest);
            assert_eq!(findings.len(), 1, "without {line}");
            left_out += 1;
        }
    }
    assert!(left_out > 20, "{left_out}");
}
