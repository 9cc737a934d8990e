//! Pump, reap and drain: the four orderings that every exec stack has got wrong, by name, and
//! those next to them.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use lastbyte_loom::machine::{End, Event, Input, Policy, Streams, Terminal};

use crate::{
    harness::{
        Acts, Byte, STATUS, STDERR, STDOUT, block_on, bytes, chunk, exhaust, join, reap, running,
        spawn, steps,
    },
    subject::{Honest, Subject},
};

fn assert_complete(terminal: &Terminal) {
    assert_eq!(terminal.status, STATUS);
    assert!(terminal.is_complete());
}

/// If this were red, a command's last line could come after its exit, where nobody reads it.
#[test]
fn c01_stdout_only_every_chunk_comes_before_the_exit() {
    exhaust(2381, stdout_only::<Honest>);
}

pub(crate) fn stdout_only<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    let pump = steps(&core, [chunk(STDOUT, 1), Input::Eof(STDOUT)]);
    let reaper = steps(&core, [reap()]);
    let (events, terminal) = core.consume();
    assert_eq!(
        events,
        [
            Event::Chunk { stream: STDOUT, chunk: Byte(1) },
            Event::End { stream: STDOUT, end: End::Eof }
        ]
    );
    assert_complete(&terminal);
    join(pump);
    join(reaper);
    core.assert_over();
}

/// If this were red, a wait could return while output of one of two pipes is still to come.
#[test]
fn c04_mixed_stdout_and_stderr_every_chunk_comes_before_the_wait() {
    exhaust(56_473, stdout_and_stderr::<Honest>);
}

pub(crate) fn stdout_and_stderr<K: Subject>() {
    let core = running::<K>(Streams::Separate, Policy::default());
    let stdout = steps(&core, [chunk(STDOUT, 1), Input::Eof(STDOUT)]);
    let stderr = steps(&core, [chunk(STDERR, 2), Input::Eof(STDERR)]);
    core.legal(reap());
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), [1]);
    assert_eq!(bytes(&events, STDERR), [2]);
    assert_eq!(block_on(core.wait()), Some(terminal));
    join(stdout);
    join(stderr);
    core.assert_over();
}

/// If this were red, an exit that is known early would be told before the output that a pump has
/// yet to read.
#[test]
fn c01_process_exit_before_pump_completion_the_terminal_waits() {
    exhaust(1965, exit_before_pump::<Honest>);
}

pub(crate) fn exit_before_pump<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    core.legal(reap());
    let pump = steps(&core, [chunk(STDOUT, 1), Input::Eof(STDOUT)]);
    let waiter = spawn(&core, |core| block_on(core.wait()));
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), [1]);
    assert_complete(&terminal);
    assert_eq!(join(waiter), Some(terminal));
    join(pump);
    core.assert_over();
}

/// If this were red, a command whose output has ended would be waited for longer than it runs.
#[test]
fn c05_pump_completion_before_process_exit_the_terminal_fires_at_once() {
    exhaust(1062, pump_before_exit::<Honest>);
}

pub(crate) fn pump_before_exit<K: Subject>() {
    let core = running::<K>(Streams::Stdout, Policy::default());
    for input in [chunk(STDOUT, 1), Input::Eof(STDOUT)] {
        core.legal(input);
    }
    let reaper = steps(&core, [reap()]);
    let waiter = spawn(&core, |core| block_on(core.wait()));
    assert_eq!(core.next(), Some(Event::Chunk { stream: STDOUT, chunk: Byte(1) }));
    assert_eq!(core.next(), Some(Event::End { stream: STDOUT, end: End::Eof }));
    // Blocks until the reap, and is then woken once, to find the terminal.
    let exit = core.next();
    let Some(Event::Exit(terminal)) = exit else { panic!("{exit:?}") };
    assert_complete(&terminal);
    assert_eq!(join(waiter), Some(terminal));
    join(reaper);
    core.assert_over();
}

/// If this were red, the last of reap and end would leave a consumer asleep who has only the
/// terminal to come.
#[test]
fn c05_the_last_end_against_the_reap_brings_the_terminal_to_a_sleeping_consumer() {
    exhaust(68_938, last_end_against_reap::<Honest>);
}

pub(crate) fn last_end_against_reap<K: Subject>() {
    let core = running::<K>(Streams::Separate, Policy::default());
    let ends = [STDOUT, STDERR].map(|stream| steps(&core, [Input::Eof(stream)]));
    let reaper = steps(&core, [reap()]);
    let (events, terminal) = core.consume();
    assert_eq!(events.len(), 2);
    assert_complete(&terminal);
    for thread in ends.into_iter().chain([reaper]) {
        join(thread);
    }
    core.assert_over();
}

/// The orders of `n` and `m` chunks with their ends, and one reap.
const fn orders(n: usize, m: usize) -> usize {
    factorial(n + m + 3) / (factorial(n + 1) * factorial(m + 1))
}

const fn factorial(n: usize) -> usize {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

thread_local! {
    /// The orders that the model below was run in; a model of loom's stays on its thread.
    static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// If this were red, a step would be more than one step for others, or loom would pass over orders:
/// it finds exactly as many as whole steps have, by the closed form that the explorer agrees with.
#[test]
fn c01_two_pumps_and_a_reap_mix_in_as_many_orders_as_whole_steps_have() {
    SEEN.take();
    // Loom runs some orders more than once: it does not see that they came to the same.
    exhaust(2922, two_pumps_and_reap::<Honest>);
    let found = SEEN.take();
    println!("of these {} orders", found.len());
    assert_eq!(found.len(), orders(1, 1), "{found:?}");
}

pub(crate) fn two_pumps_and_reap<K: Subject>() {
    let core = running::<K>(Streams::Separate, Policy::default());
    // A lock of std's is no operation of loom's: what is noted belongs to the step before.
    let order = Arc::new(Mutex::new(String::new()));
    let noting = |name: char, inputs: Vec<Input<Byte>>| {
        let order = Arc::clone(&order);
        spawn(&core, move |core| {
            for input in inputs {
                core.legal(input);
                order.lock().expect("not poisoned").push(name);
            }
        })
    };
    let threads = [
        noting('o', vec![chunk(STDOUT, 1), Input::Eof(STDOUT)]),
        noting('e', vec![chunk(STDERR, 2), Input::Eof(STDERR)]),
        noting('r', vec![reap()]),
    ];
    for thread in threads {
        join(thread);
    }
    let (events, terminal) = core.consume();
    assert_eq!(bytes(&events, STDOUT), [1]);
    assert_eq!(bytes(&events, STDERR), [2]);
    assert_complete(&terminal);
    core.assert_over();
    let order = order.lock().expect("not poisoned").clone();
    SEEN.with_borrow_mut(|seen| seen.insert(order));
}
