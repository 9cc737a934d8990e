//! Every future of an execution and its handles over a led child: pending until what it waits for,
//! woken by that, and by nothing else.

use lastbyte::{
    Event, Execution, Policy, Signal, Status, StreamId, Streams, Target, backend::Read,
};
use tokio_test::{assert_pending, assert_ready, task::spawn};

use crate::{
    fake::{Fake, OUT, ZERO},
    polled::{moves, settle, sleeps, woken_once},
};

/// A running execution whose driver has nothing to do.
async fn running() -> (Fake, Execution) {
    let fake = Fake::default();
    let execution = fake.start(Policy::default());
    settle().await;
    (fake, execution)
}

/// The child writes, ends and lets go of its stdout.
fn lives(fake: &Fake) {
    fake.write(b"all of it");
    fake.exit(ZERO);
    fake.close_pipe();
}

fn text(event: Option<Event>) -> Vec<u8> {
    match event {
        Some(Event::Chunk { chunk, .. }) => chunk.to_vec(),
        other => panic!("{other:?} is no chunk"),
    }
}

/// If this were red, a consumer would be woken by what concerns others, or not by his output.
#[tokio::test(start_paused = true)]
async fn c05_next_is_woken_by_output_and_by_nothing_else() {
    let (fake, mut execution) = running().await;
    let handle = execution.handle();
    let mut next = spawn(execution.next());
    assert_pending!(next.poll());
    assert_pending!(spawn(handle.wait()).poll());
    handle.signal(Signal::HUP);
    settle().await;
    handle.kill();
    settle().await;
    assert_eq!(fake.signals(), [(Signal::HUP, Target::Group), (Signal::TERM, Target::Group)]);
    assert!(sleeps(&next));
    fake.write(b"bytes");
    assert!(sleeps(&next), "nobody has read it");
    settle().await;
    assert!(woken_once(&next));
    assert_eq!(text(assert_ready!(next.poll())), b"bytes");
}

/// If this were red, an execution used as a stream would behave otherwise than by `next`.
#[tokio::test(start_paused = true)]
async fn c01_as_a_stream_it_yields_every_event_and_then_ends() {
    let (fake, execution) = running().await;
    let mut stream = spawn(execution);
    assert_pending!(stream.poll_next());
    fake.write(b"bytes");
    settle().await;
    assert!(woken_once(&stream));
    assert_eq!(text(assert_ready!(stream.poll_next())), b"bytes");
    assert_pending!(stream.poll_next());
    fake.close_pipe();
    settle().await;
    assert!(woken_once(&stream));
    assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::End { stream: OUT, .. })));
    assert_pending!(stream.poll_next());
    fake.exit(ZERO);
    settle().await;
    assert!(woken_once(&stream));
    assert!(matches!(assert_ready!(stream.poll_next()), Some(Event::Exit(_))));
    assert_eq!(assert_ready!(stream.poll_next()), None);
    settle().await;
    assert!(fake.script().dropped, "the driver has gone");
}

/// If this were red, a wait for the exit would be held up by output, or be late by a turn.
#[tokio::test(start_paused = true)]
async fn c04_exited_is_woken_by_the_exit_although_nobody_takes_the_output() {
    let (fake, execution) = running().await;
    let handle = execution.handle();
    let mut waits = [spawn(execution.exited()), spawn(execution.exited())];
    let mut of_handle = spawn(handle.exited());
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    assert_pending!(of_handle.poll());
    fake.write(b"never taken");
    fake.close_pipe();
    settle().await;
    assert!(waits.iter().all(sleeps) && sleeps(&of_handle));
    fake.exit(ZERO);
    settle().await;
    for wait in &mut waits {
        assert!(woken_once(wait));
        assert_eq!(assert_ready!(wait.poll()), ZERO);
    }
    assert!(woken_once(&of_handle));
    assert_eq!(assert_ready!(of_handle.poll()), ZERO);
}

/// If this were red, a handle's wait would return before the output was delivered, or not after.
#[tokio::test(start_paused = true)]
async fn c04_a_handle_s_wait_is_woken_by_the_delivery_of_the_terminal() {
    let (fake, mut execution) = running().await;
    let handle = execution.handle();
    let mut wait = spawn(handle.wait());
    assert_pending!(wait.poll());
    lives(&fake);
    settle().await;
    assert_eq!((handle.status(), handle.terminal()), (Some(ZERO), None));
    for _ in ["chunk", "end"] {
        assert!(execution.try_next().is_some());
        assert!(sleeps(&wait), "the terminal is not delivered");
    }
    let Some(Event::Exit(terminal)) = execution.try_next() else { panic!("it is next") };
    assert!(woken_once(&wait));
    assert_eq!(assert_ready!(wait.poll()), terminal);
    assert_eq!(assert_ready!(spawn(handle.wait()).poll()), terminal, "a late one too");
    assert_eq!(assert_ready!(spawn(execution.wait()).poll()), terminal, "and the consumer's");
}

/// If this were red, waiting while throwing output away would wake at every chunk of it.
#[tokio::test(start_paused = true)]
async fn c15_the_consumer_s_wait_sleeps_through_what_it_throws_away() {
    let (fake, mut execution) = running().await;
    let mut wait = spawn(execution.wait());
    assert_pending!(wait.poll());
    for _ in 0..3 {
        fake.write(b"thrown away");
        settle().await;
        assert!(sleeps(&wait));
    }
    assert!(fake.script().pipes[OUT].bytes.is_empty(), "the child does not block");
    fake.exit(ZERO);
    settle().await;
    assert!(wait.is_woken());
    let terminal = assert_ready!(wait.poll());
    assert_eq!(terminal.reports().map(|report| report.dropped).sum::<u64>(), 33);
}

/// If this were red, collecting output would miss a part, or hang over the rest.
#[tokio::test(start_paused = true)]
async fn c01_output_goes_on_at_every_wake_up_and_collects_all() {
    let fake = Fake::default();
    let execution = fake.start_with(Streams::Separate, Policy::default());
    let mut output = spawn(execution.output());
    assert_pending!(output.poll());
    for _ in 0..3 {
        fake.write(b"out ");
        settle().await;
        assert!(woken_once(&output));
        assert_pending!(output.poll());
    }
    fake.write_to(StreamId::Stderr, b"err");
    settle().await;
    assert!(woken_once(&output));
    assert_pending!(output.poll());
    fake.exit(ZERO);
    settle().await;
    assert!(sleeps(&output), "neither stream has ended");
    fake.close_pipe();
    fake.end(StreamId::Stderr, Read::Eof);
    settle().await;
    assert!(output.is_woken());
    let output = assert_ready!(output.poll());
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out out out "[..], &b"err"[..]));
    assert!(output.is_success());
}

/// If this were red, a close would wait for more than the reap, or for less.
#[tokio::test(start_paused = true)]
async fn c11_close_kills_at_its_first_poll_and_is_woken_by_the_reap() {
    let (fake, execution) = running().await;
    let mut close = spawn(execution.close());
    assert!(fake.signals().is_empty(), "a future that is not polled does nothing");
    assert_pending!(close.poll());
    settle().await;
    assert_eq!(fake.signals(), [(Signal::KILL, Target::Group)]);
    assert!(fake.script().pipes[OUT].abandoned);
    fake.write(b"late");
    settle().await;
    assert!(sleeps(&close));
    let killed = Status::Signaled { signal: Signal::KILL, core: false };
    fake.exit(killed);
    settle().await;
    assert!(woken_once(&close));
    assert_eq!(assert_ready!(close.poll()).status, killed);
    assert!(fake.script().dropped);
}

/// If this were red, `select!` over these futures would sleep for ever after a turn of its loop.
#[tokio::test(start_paused = true)]
async fn c04_each_future_of_an_execution_wakes_the_task_it_is_on() {
    let (fake, mut execution) = running().await;
    assert_eq!(text(moves(execution.next(), || fake.write(b"x")).await), b"x");
    assert_eq!(moves(execution.exited(), || fake.exit(ZERO)).await, ZERO);
    let handle = execution.handle();
    // Somebody still holds its stdout: the drop is what ends it.
    assert_eq!(moves(handle.wait(), || drop(execution)).await.status, ZERO);

    let (fake, mut execution) = running().await;
    assert_eq!(moves(execution.wait(), || lives(&fake)).await.status, ZERO);
    let (fake, execution) = running().await;
    assert_eq!(moves(execution.output(), || lives(&fake)).await.stdout, b"all of it");
    let (fake, execution) = running().await;
    assert_eq!(moves(execution.close(), || lives(&fake)).await.status, ZERO);
}

/// If this were red, a reactor that tells late would leave an execution asleep.
#[tokio::test(start_paused = true)]
async fn c05_what_a_late_reactor_tells_wakes_everybody_it_concerns() {
    let (fake, mut execution) = running().await;
    let mut exited = spawn(execution.exited());
    let mut next = spawn(execution.next());
    assert_pending!(exited.poll());
    assert_pending!(next.poll());
    fake.change(|script| script.reactor_is_late = true);
    lives(&fake);
    settle().await;
    assert!(sleeps(&exited) && sleeps(&next));
    fake.change(|script| script.reactor_is_late = false);
    settle().await;
    assert!(woken_once(&exited) && woken_once(&next));
    assert_eq!(assert_ready!(exited.poll()), ZERO);
    assert_eq!(text(assert_ready!(next.poll())), b"all of it");
}
