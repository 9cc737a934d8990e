//! Cancel safety: each public future dropped at each of its pending points, and a fresh one then
//! finds everything.

use std::task::Poll;

use lastbyte::{Event, Execution, Handle, Policy, Signal, Status, Target, Terminal};
use tokio_test::{assert_ready, task::spawn};

use crate::{
    fake::{Fake, OUT, ZERO},
    polled::settle,
};

/// A life in steps; between each two of them a future can be dropped.
const LIFE: [fn(&Fake); 6] = [
    |fake| fake.write(b"one "),
    |fake| fake.write(b"two "),
    |fake| fake.exit(ZERO),
    |fake| fake.write(b"three"),
    |fake| fake.close_pipe(),
    |_| {},
];
const ALL: &[u8] = b"one two three";

fn started() -> (Fake, Execution, Handle) {
    let fake = Fake::default();
    let execution = fake.start(Policy::default());
    let handle = execution.handle();
    (fake, execution, handle)
}

fn sound(handle: &Handle) {
    let verdict = handle.verdict().expect("debug builds are monitored");
    assert_eq!(verdict.violation, None);
}

/// The events of a life in which every `next` that is pending is dropped, after so many polls,
/// some before and some after they are woken.
async fn taken(polls: usize) -> Vec<Event> {
    let (fake, mut execution, handle) = started();
    let mut events = Vec::new();
    for step in LIFE {
        let mut gives_up = spawn(execution.next());
        for _ in 0..polls {
            if let Poll::Ready(event) = gives_up.poll() {
                events.extend(event);
                break;
            }
        }
        step(&fake);
        settle().await;
        drop(gives_up);
        while let Poll::Ready(Some(event)) = spawn(execution.next()).poll() {
            events.push(event);
        }
    }
    sound(&handle);
    events
}

/// If this were red, a `next` that lost a race in `select!` would have taken an event with it.
#[tokio::test(start_paused = true)]
async fn c01_next_dropped_whenever_it_is_pending_loses_no_event() {
    for polls in 1..4 {
        let events = taken(polls).await;
        let bytes: Vec<u8> = events
            .iter()
            .filter_map(|event| match event {
                Event::Chunk { chunk, .. } => Some(chunk.to_vec()),
                Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => None,
            })
            .flatten()
            .collect();
        assert_eq!(bytes, ALL, "polled {polls} times");
        assert!(matches!(events[..], [.., Event::End { stream: OUT, .. }, Event::Exit(_)]));
    }
}

/// The terminal of a life through whose first steps a wait was polled and then dropped.
async fn waited(steps_before_the_drop: usize) -> Terminal {
    let (fake, mut execution, handle) = started();
    let mut wait = Some(spawn(execution.wait()));
    for (number, step) in LIFE.iter().enumerate() {
        if number == steps_before_the_drop {
            wait = None;
        }
        if let Some(wait) = &mut wait
            && wait.poll().is_ready()
        {
            break;
        }
        step(&fake);
        settle().await;
    }
    drop(wait);
    let terminal = assert_ready!(spawn(execution.wait()).poll());
    assert_eq!(assert_ready!(spawn(handle.wait()).poll()), terminal);
    sound(&handle);
    terminal
}

/// If this were red, a consumer's wait with a time limit could not be taken up again.
#[tokio::test(start_paused = true)]
async fn c04_a_consumer_s_wait_dropped_at_any_point_is_taken_up_by_the_next() {
    let whole = waited(usize::MAX).await;
    assert_eq!(whole.status, ZERO);
    for steps in 0..=LIFE.len() {
        let terminal = waited(steps).await;
        assert_eq!(terminal.status, whole.status);
        for report in terminal.reports() {
            assert_eq!(report.delivered, 0, "it was all thrown away, dropped wait or not");
        }
    }
}

/// If this were red, a caller who gives up would disturb the consumer or the other callers.
#[tokio::test(start_paused = true)]
async fn c04_a_handle_s_waits_dropped_at_any_point_affect_nobody() {
    for dropped_at in 0..=LIFE.len() {
        let (fake, execution, handle) = started();
        let mut stays = (spawn(handle.wait()), spawn(handle.exited()));
        let mut goes = Some((spawn(handle.wait()), spawn(handle.exited())));
        let mut output = spawn(execution.output());
        let mut collected = None;
        for (number, step) in LIFE.iter().enumerate() {
            if number == dropped_at {
                goes = None;
            }
            if let Some((wait, exited)) = &mut goes {
                let _pending = (number < 5).then(|| wait.poll());
                let _pending = (number < 3).then(|| exited.poll());
            }
            let _pending = (number < 3).then(|| (stays.0.poll(), stays.1.poll()));
            step(&fake);
            settle().await;
            if collected.is_none()
                && let Poll::Ready(output) = output.poll()
            {
                collected = Some(output);
            }
        }
        drop(goes);
        let output = collected.expect("the life is over");
        assert_eq!(output.stdout, ALL);
        assert!(stays.0.is_woken() && stays.1.is_woken());
        assert_eq!(assert_ready!(stays.0.poll()), output.terminal);
        assert_eq!(assert_ready!(stays.1.poll()), ZERO);
        sound(&handle);
    }
}

/// If this were red, an `output` with a time limit would leave its command running.
#[tokio::test(start_paused = true)]
async fn c11_output_dropped_at_any_pending_point_closes_the_execution() {
    for steps in 0..5 {
        let (fake, execution, handle) = started();
        let mut output = spawn(execution.output());
        for step in &LIFE[..steps.min(4)] {
            assert!(output.poll().is_pending());
            step(&fake);
            settle().await;
        }
        drop(output);
        settle().await;
        assert_eq!(fake.signals(), [(Signal::KILL, Target::Group)], "after {steps} steps");
        let killed = Status::Signaled { signal: Signal::KILL, core: false };
        fake.change(|script| {
            script.status.get_or_insert(killed);
        });
        settle().await;
        let terminal = assert_ready!(spawn(handle.wait()).poll());
        assert_eq!(terminal.status, if steps < 3 { killed } else { ZERO });
        assert!(fake.script().dropped, "nothing of it is left");
        sound(&handle);
    }
}

/// If this were red, giving up on a close would leave the command running.
#[tokio::test(start_paused = true)]
async fn c11_a_close_dropped_at_any_point_goes_on_without_it() {
    for polls in 0..3 {
        let (fake, execution, handle) = started();
        settle().await;
        let mut close = spawn(execution.close());
        for _ in 0..polls {
            assert!(close.poll().is_pending());
            settle().await;
        }
        drop(close);
        settle().await;
        let signals = fake.signals();
        assert!(!signals.is_empty(), "polled {polls} times");
        assert!(signals.iter().all(|&sent| sent == (Signal::KILL, Target::Group)));
        fake.exit(Status::Signaled { signal: Signal::KILL, core: false });
        settle().await;
        assert!(assert_ready!(spawn(handle.wait()).poll()).cause.cancelled);
        assert!(fake.script().dropped);
        sound(&handle);
    }
}
