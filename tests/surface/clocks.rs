//! Every bound of every policy, to the millisecond: not before it, and then at once.

use std::time::Duration;

use lastbyte::{
    BufferPolicy, Cut, DrainPolicy, End, Event, Execution, Full, KillPolicy, Policy, Signal,
    Status, Target, TeardownPolicy,
};
use tokio_test::{
    assert_pending, assert_ready,
    task::{Spawn, spawn},
};

use crate::{
    fake::{Fake, ZERO},
    polled::{settle, sleeps},
};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Time passes, and everybody does what there is to do.
async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    settle().await;
}

/// The bound is up after this time, and not a millisecond before.
async fn up_after<T>(bound: Duration, task: &Spawn<T>) {
    pass(bound - ms(1)).await;
    assert!(sleeps(task), "it is too early");
    pass(ms(1)).await;
    assert!(task.is_woken(), "it is late");
}

fn drains(drain: DrainPolicy) -> Policy {
    Policy { drain, ..Policy::default() }
}

/// An execution whose root has ended while somebody holds its stdout.
async fn held(policy: Policy) -> (Fake, Execution) {
    let fake = Fake::default();
    let execution = fake.start(policy);
    settle().await;
    fake.exit(ZERO);
    settle().await;
    (fake, execution)
}

/// The next event is the end of stdout, by this cut.
fn is_cut(event: Option<Event>, expected: Cut) {
    match event {
        Some(Event::End { end: End::Cut(cut), .. }) => assert_eq!(cut, expected),
        other => panic!("{other:?} is no cut"),
    }
}

/// If this were red, `After` would cut early, or keep its caller longer than it says.
#[tokio::test(start_paused = true)]
async fn c06_after_cuts_at_its_deadline_whatever_is_written() {
    let (fake, execution) = held(drains(DrainPolicy::After(ms(100)))).await;
    let mut stream = spawn(execution);
    assert_pending!(stream.poll_next());
    pass(ms(60)).await;
    fake.write(b".");
    settle().await;
    assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::Chunk { .. })));
    assert_pending!(stream.poll_next());
    up_after(ms(40), &stream).await;
    is_cut(assert_ready!(stream.poll_next()), Cut::After);
}

/// If this were red, `Idle` would cut in a stream that is not silent, or not cut in silence.
#[tokio::test(start_paused = true)]
async fn c06_idle_cuts_at_the_end_of_one_whole_silence() {
    let (fake, execution) = held(drains(DrainPolicy::Idle { gap: ms(50), max: ms(1000) })).await;
    let mut stream = spawn(execution);
    assert_pending!(stream.poll_next());
    for _ in 0..3 {
        pass(ms(49)).await;
        assert!(sleeps(&stream));
        fake.write(b".");
        settle().await;
        assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::Chunk { .. })));
        assert_pending!(stream.poll_next());
    }
    up_after(ms(50), &stream).await;
    is_cut(assert_ready!(stream.poll_next()), Cut::Idle);
}

/// If this were red, the cap of `Idle` would not be where it is said to be.
#[tokio::test(start_paused = true)]
async fn c06_idle_is_capped_at_its_max() {
    let (fake, execution) = held(drains(DrainPolicy::Idle { gap: ms(50), max: ms(100) })).await;
    let mut stream = spawn(execution);
    for _ in 0..3 {
        assert_pending!(stream.poll_next());
        pass(ms(30)).await;
        fake.write(b".");
        settle().await;
        assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::Chunk { .. })));
    }
    assert_pending!(stream.poll_next());
    up_after(ms(10), &stream).await;
    is_cut(assert_ready!(stream.poll_next()), Cut::Max);
}

/// If this were red, a policy without a clock would get one.
#[tokio::test(start_paused = true)]
async fn c06_until_eof_waits_for_as_long_as_it_takes() {
    let (fake, execution) = held(drains(DrainPolicy::UntilEof)).await;
    let mut output = spawn(execution.output());
    assert_pending!(output.poll());
    pass(Duration::from_secs(86_400)).await;
    assert!(sleeps(&output));
    fake.close_pipe();
    settle().await;
    assert!(assert_ready!(output.poll()).is_success());
}

/// If this were red, a bound of zero would wait, or would need another turn of the clock.
#[tokio::test(start_paused = true)]
async fn c07_bounds_of_zero_cut_without_the_clock_moving() {
    for (drain, cut) in [
        (DrainPolicy::After(ms(0)), Cut::After),
        (DrainPolicy::Idle { gap: ms(0), max: ms(0) }, Cut::Max),
        (DrainPolicy::Idle { gap: ms(0), max: ms(50) }, Cut::Idle),
    ] {
        let (_fake, execution) = held(drains(drain)).await;
        let mut stream = spawn(execution);
        is_cut(assert_ready!(stream.poll_next()), cut);
        assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::Exit(_))));
    }
}

/// If this were red, a slow consumer's time would be taken from the source's.
#[tokio::test(start_paused = true)]
async fn c06_a_clock_that_stood_still_goes_on_with_what_was_left() {
    let buffer = BufferPolicy { bytes_max: 2, ..BufferPolicy::default() };
    let drain = DrainPolicy::After(ms(100));
    let (fake, execution) = held(Policy { buffer, ..drains(drain) }).await;
    let mut stream = spawn(execution);
    assert_pending!(stream.poll_next());
    pass(ms(70)).await;
    fake.write(b"ab");
    settle().await;
    // The pump is paused, an hour long.
    pass(Duration::from_secs(3600)).await;
    assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::Chunk { .. })));
    assert_pending!(stream.poll_next());
    settle().await;
    up_after(ms(30), &stream).await;
    is_cut(assert_ready!(stream.poll_next()), Cut::After);
}

/// If this were red, a timeout or its grace would not be what was asked for.
#[tokio::test(start_paused = true)]
async fn c16_timeout_and_grace_are_kept_to_the_millisecond() {
    let fake = Fake::default();
    let kill = KillPolicy { grace: ms(30), signal: Signal::INT, target: Target::Leader };
    let execution = fake.start(Policy { timeout: Some(ms(100)), kill, ..Policy::default() });
    settle().await;
    pass(ms(99)).await;
    assert!(fake.signals().is_empty());
    pass(ms(1)).await;
    assert_eq!(fake.signals(), [(Signal::INT, Target::Leader)]);
    pass(ms(29)).await;
    assert_eq!(fake.signals().len(), 1);
    pass(ms(1)).await;
    assert_eq!(fake.signals()[1..], [(Signal::KILL, Target::Leader)]);
    pass(Duration::from_secs(3600)).await;
    assert_eq!(fake.signals().len(), 2, "there is nothing more to send");
    fake.close_pipe();
    fake.exit(Status::Signaled { signal: Signal::KILL, core: false });
    settle().await;
    let cause = assert_ready!(spawn(execution.output()).poll()).terminal.cause;
    assert!(cause.timed_out && cause.killed_by_us.is_some_and(|killed| killed.escalated));
}

/// If this were red, a reader would be killed who has taken something in time.
#[tokio::test(start_paused = true)]
async fn c12_a_stall_is_counted_from_the_last_chunk_taken() {
    let fake = Fake::default();
    let buffer = BufferPolicy { full: Full::KillAfter(ms(100)), ..BufferPolicy::default() };
    let mut execution = fake.start(Policy { buffer, ..Policy::default() });
    for text in [b"a", b"b"] {
        fake.write(text);
        settle().await;
    }
    pass(ms(99)).await;
    assert!(execution.try_next().is_some());
    settle().await;
    pass(ms(99)).await;
    assert!(fake.signals().is_empty());
    pass(ms(1)).await;
    assert_eq!(fake.signals(), [(Signal::TERM, Target::Group)]);
    fake.close_pipe();
    fake.exit(ZERO);
    settle().await;
    assert!(assert_ready!(spawn(execution.output()).poll()).terminal.cause.stalled);
}

/// If this were red, whoever closes again would put off the end that he was promised.
#[tokio::test(start_paused = true)]
async fn c11_a_close_is_forced_at_its_bound_however_often_it_is_asked_for() {
    let fake = Fake::default();
    let teardown = TeardownPolicy { close_max: ms(100), ..TeardownPolicy::default() };
    let execution = fake.start(Policy { teardown, ..Policy::default() });
    settle().await;
    let handle = execution.handle();
    handle.close();
    settle().await;
    let mut wait = spawn(handle.wait());
    assert_pending!(wait.poll());
    pass(ms(60)).await;
    // It is dropped as well, which is a close.
    drop(execution);
    settle().await;
    up_after(ms(40), &wait).await;
    assert_eq!(assert_ready!(wait.poll()).status, Status::Forced);
    assert!(fake.script().dropped);
}

/// If this were red, a shutdown would outlast its bound, or cut short what the consumer still has
/// the time to take.
#[tokio::test(start_paused = true)]
async fn c13_a_shutdown_is_forced_at_its_bound_however_often_it_is_asked_for() {
    let fake = Fake::default();
    let teardown = TeardownPolicy { shutdown_max: ms(100), ..TeardownPolicy::default() };
    let mut execution = fake.start(Policy { teardown, ..Policy::default() });
    fake.write(b"accepted");
    settle().await;
    let handle = execution.handle();
    handle.shutdown();
    settle().await;
    let mut wait = spawn(handle.wait());
    assert_pending!(wait.poll());
    pass(ms(60)).await;
    assert!(matches!(execution.try_next(), Some(Event::Chunk { .. })));
    handle.shutdown();
    settle().await;
    up_after(ms(40), &wait).await;
    assert_eq!(assert_ready!(wait.poll()).status, Status::Forced);
    assert_eq!(fake.signals(), [(Signal::TERM, Target::Group), (Signal::KILL, Target::Group)]);
    is_cut(execution.try_next(), Cut::Shutdown);
    assert!(matches!(execution.try_next(), Some(Event::Exit(_))));
}
