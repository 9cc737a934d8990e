//! The driver over a backend that is not a process: the trait is enough, and the clock is virtual.
//!
//! Time is tokio's paused clock: it moves only when nothing else can, so every order here is exact.

#[path = "common/fake.rs"]
mod fake;

use std::time::Duration;

use fake::{Fake, OUT, ZERO};
use lastbyte::{
    BufferPolicy, Cut, DrainPolicy, End, Errno, Event, Full, KillPolicy, Policy, Signal, Status,
    Target, backend::Read,
};
use tokio::time::Instant;

fn drain(drain: DrainPolicy) -> Policy {
    Policy { drain, ..Policy::default() }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// If this were red, a backend other than a process would not get the ordering.
#[tokio::test(start_paused = true)]
async fn c01_a_backend_of_ones_own_gets_the_same_order() {
    let fake = Fake::default();
    let execution = fake.start(Policy::default());
    let handle = execution.handle();
    fake.exit(ZERO);
    fake.write(b"last byte");
    fake.close_pipe();
    let output = execution.output().await;
    assert_eq!(output.stdout, b"last byte");
    assert!(output.is_success());
    // The monitor is attached in debug builds.
    let violation = handle.verdict().map(|verdict| verdict.violation);
    assert_eq!(violation, cfg!(debug_assertions).then_some(None));
}

/// If this were red, a slow consumer would have output cut that stood ready to be read.
#[tokio::test(start_paused = true)]
async fn c06_the_drain_clock_stands_still_while_the_consumer_is_slow() {
    let fake = Fake::default();
    let buffer = BufferPolicy { bytes_max: 4, ..BufferPolicy::default() };
    let mut execution =
        fake.start(Policy { buffer, ..drain(DrainPolicy::Idle { gap: ms(10), max: ms(50) }) });
    fake.write(b"01234567");
    fake.exit(ZERO);
    assert_eq!(execution.exited().await, ZERO);
    // Far longer than every bound: nobody takes anything, the pump is paused.
    tokio::time::advance(ms(60_000)).await;
    let mut taken = Vec::new();
    let mut end = None;
    while let Some(event) = execution.next().await {
        match event {
            Event::Chunk { chunk, .. } => taken.extend_from_slice(&chunk),
            Event::End { end: ended, .. } => end = Some(ended),
            Event::Gap { .. } | Event::Exit(_) => {}
        }
    }
    assert_eq!(taken, b"01234567");
    assert_eq!(end, Some(End::Cut(Cut::Idle)));
}

/// If this were red, a loop that stalled longer than the bound would lose what stood in the pipe.
#[tokio::test(start_paused = true)]
async fn c06_readability_wins_over_a_timer_that_is_due_at_the_same_moment() {
    let fake = Fake::default();
    let execution = fake.start(drain(DrainPolicy::After(ms(100))));
    fake.exit(ZERO);
    assert_eq!(execution.exited().await, ZERO);
    {
        let mut script = fake.script();
        script.reactor_is_late = true;
        script.pipes[OUT].bytes.extend(b"in time");
    }
    tokio::time::advance(ms(200)).await;
    let output = execution.output().await;
    assert_eq!(output.stdout, b"in time");
}

/// If this were red, a descendant that never stops writing would hold an execution for ever.
#[tokio::test(start_paused = true)]
async fn c06_a_chatty_descendant_is_cut_at_the_cap_and_not_before() {
    let fake = Fake::default();
    let mut execution = fake.start(drain(DrainPolicy::Idle { gap: ms(100), max: ms(1000) }));
    fake.exit(ZERO);
    let reaped = Instant::now();
    assert_eq!(execution.exited().await, ZERO);
    let chatty = fake.clone();
    let writer = tokio::spawn(async move {
        let mut tick = tokio::time::interval(ms(60));
        loop {
            tick.tick().await;
            chatty.write(b".");
        }
    });
    let mut end = None;
    while let Some(event) = execution.next().await {
        if let Event::End { end: ended, .. } = event {
            end = Some(ended);
            assert_eq!(reaped.elapsed(), ms(1000));
        }
    }
    writer.abort();
    assert_eq!(end, Some(End::Cut(Cut::Max)));
}

/// If this were red, a bound of zero would cut an ordinary command, or lose what it wrote last.
#[tokio::test(start_paused = true)]
async fn c07_a_bound_of_zero_reads_what_stood_in_the_pipe() {
    let fake = Fake::default();
    fake.write(&[7; 100_000]);
    fake.exit(ZERO);
    let reaped = Instant::now();
    let output = fake.start(drain(DrainPolicy::After(Duration::ZERO))).output().await;
    assert_eq!(output.stdout.len(), 100_000);
    assert_eq!(reaped.elapsed(), Duration::ZERO);
    let report = output.terminal.reports().next().expect("one stream");
    assert_eq!((report.end, report.held), (End::Cut(Cut::After), true));
    assert!(fake.script().pipes[OUT].abandoned, "the source is let go of");
}

/// If this were red, a broken connection would look like the end of the output.
#[tokio::test(start_paused = true)]
async fn c09_a_read_error_is_not_an_eof_and_a_lost_runner_is_not_an_exit() {
    let fake = Fake::default();
    fake.write(b"half");
    fake.change(|script| script.pipes[OUT].end = Some(Read::Error(Errno(104))));
    fake.exit(Status::Lost);
    let output = fake.start(Policy::default()).output().await;
    assert_eq!(output.stdout, b"half");
    assert_eq!(output.terminal.status, Status::Lost);
    assert!(!output.terminal.is_complete());
    let report = output.terminal.reports().next().expect("one stream");
    assert_eq!(report.end, End::ReadError(Errno(104)));
}

/// If this were red, a success that came in time would be reported as a timeout.
#[tokio::test(start_paused = true)]
async fn c10_an_exit_that_beats_the_timer_stays_clean() {
    let fake = Fake::default();
    let execution = fake.start(Policy { timeout: Some(ms(100)), ..Policy::default() });
    // Let the driver arm its timer, then let both be due when it next looks.
    tokio::task::yield_now().await;
    {
        let mut script = fake.script();
        script.reactor_is_late = true;
        script.status = Some(ZERO);
        script.pipes[OUT].end = Some(Read::Eof);
    }
    tokio::time::advance(ms(200)).await;
    let output = execution.output().await;
    assert_eq!(output.terminal.status, ZERO);
    assert!(!output.terminal.cause.timed_out);
    assert!(fake.script().signals.is_empty(), "nobody was signalled");
}

/// If this were red, a timeout would leave the command running, or never escalate.
#[tokio::test(start_paused = true)]
async fn c16_a_timeout_sends_term_then_kill_after_the_grace() {
    let fake = Fake::default();
    let kill = KillPolicy { grace: ms(30), ..KillPolicy::default() };
    let mut execution = fake.start(Policy { timeout: Some(ms(100)), kill, ..Policy::default() });
    let started = Instant::now();
    let watched = fake.clone();
    tokio::spawn(async move {
        // It ends only by SIGKILL.
        while !watched.script().signals.iter().any(|&(signal, _)| signal == Signal::KILL) {
            tokio::time::sleep_until(Instant::now() + ms(1)).await;
        }
        watched.close_pipe();
        watched.exit(Status::Signaled { signal: Signal::KILL, core: false });
    });
    let terminal = execution.wait().await;
    assert_eq!(
        fake.script().signals,
        [(Signal::TERM, Target::Group), (Signal::KILL, Target::Group)]
    );
    assert!(started.elapsed() >= ms(130) && terminal.cause.timed_out);
    assert!(terminal.cause.killed_by_us.is_some_and(|killed| killed.escalated));
}

/// If this were red, a root that the kernel cannot end would hang its caller's close.
#[tokio::test(start_paused = true)]
async fn c11_a_close_is_bounded_although_the_root_never_ends() {
    let fake = Fake::default();
    let execution = fake.start(Policy::default());
    tokio::task::yield_now().await;
    let closed = Instant::now();
    let terminal = execution.close().await;
    assert_eq!(terminal.status, Status::Forced);
    assert_eq!(closed.elapsed(), Policy::default().teardown.close_max);
    assert_eq!(fake.script().signals, [(Signal::KILL, Target::Group)]);
}

/// If this were red, a consumer who stopped would keep an execution alive against its policy.
#[tokio::test(start_paused = true)]
async fn c12_a_stalled_consumer_is_told_by_a_kill_when_that_is_the_policy() {
    let fake = Fake::default();
    let buffer = BufferPolicy { full: Full::KillAfter(ms(500)), ..BufferPolicy::default() };
    let execution = fake.start(Policy { buffer, ..Policy::default() });
    // Nothing is buffered for an hour: that is no stall.
    tokio::time::sleep_until(Instant::now() + ms(3_600_000)).await;
    assert!(fake.script().signals.is_empty());
    fake.write(b"unread");
    tokio::time::sleep_until(Instant::now() + ms(501)).await;
    assert_eq!(fake.script().signals, [(Signal::TERM, Target::Group)]);
    fake.close_pipe();
    fake.exit(Status::Signaled { signal: Signal::TERM, core: false });
    let output = execution.output().await;
    assert!(output.terminal.cause.stalled);
    assert_eq!(output.stdout, b"unread");
}

/// If this were red, whoever shuts down would wait for consumers who never come.
#[tokio::test(start_paused = true)]
async fn c13_a_shutdown_resolves_waiters_although_nobody_takes_the_output() {
    let fake = Fake::default();
    let execution = fake.start(Policy::default());
    let handle = execution.handle();
    fake.write(b"never taken");
    tokio::task::yield_now().await;
    handle.shutdown();
    fake.close_pipe();
    fake.exit(Status::Signaled { signal: Signal::TERM, core: false });
    let terminal = handle.wait().await;
    let report = terminal.reports().next().expect("one stream");
    assert_eq!((report.delivered, report.dropped), (0, 11));
    drop(execution);
}

/// If this were red, a shutdown would wait for its bound although the root has ended long ago.
#[tokio::test(start_paused = true)]
async fn c13_a_shutdown_after_the_exit_waits_for_no_silent_holder() {
    let fake = Fake::default();
    let mut execution = fake.start(drain(DrainPolicy::UntilEof));
    fake.exit(ZERO);
    assert_eq!(execution.exited().await, ZERO);
    // The driver has looked, found nothing, and sleeps.
    tokio::task::yield_now().await;
    let asked = Instant::now();
    execution.handle().shutdown();
    let mut end = None;
    while let Some(event) = execution.next().await {
        if let Event::End { end: ended, .. } = event {
            end = Some(ended);
        }
    }
    assert_eq!((end, asked.elapsed()), (Some(End::Cut(Cut::Shutdown)), Duration::ZERO));
}

/// If this were red, waiting without reading would deadlock on a full buffer.
#[tokio::test(start_paused = true)]
async fn c15_waiting_without_taking_output_discards_it() {
    let fake = Fake::default();
    let buffer = BufferPolicy { bytes_max: 4, ..BufferPolicy::default() };
    let mut execution = fake.start(Policy { buffer, ..Policy::default() });
    fake.write(&[1; 1000]);
    let child = fake.clone();
    tokio::spawn(async move {
        // It ends only when all it wrote was read, as one that blocks on its pipe.
        while !child.script().pipes[OUT].bytes.is_empty() {
            tokio::task::yield_now().await;
        }
        child.exit(ZERO);
    });
    let terminal = execution.wait().await;
    let report = terminal.reports().next().expect("one stream");
    assert_eq!((report.delivered, report.dropped), (0, 1000));
    assert_eq!(report.end, End::Discarded);
    assert_eq!(execution.wait().await, terminal, "the same ever after");
}
