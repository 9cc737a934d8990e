//! Buffers and clocks: when a pump pauses and goes on, and what ends a stream that is held.

use std::time::Duration;

use lastbyte::machine::{
    BufferPolicy, Cut, DrainPolicy, End, Event, Full, Input, Policy, PumpAction, Status, Timer,
    TimerAction,
};

use crate::watched::{STDOUT, Watched, bytes, chunk, cut, drains, end, gap, reap, standing};

fn buffer(bytes_max: u64, chunks_max: u32) -> Policy {
    let buffer = BufferPolicy { bytes_max, chunks_max, full: Full::Pause };
    Policy { buffer, ..Policy::default() }
}

/// If this were red, a slow reader would cost unbounded memory, or a system call for each byte.
#[test]
fn c12_a_pump_pauses_at_the_bound_in_bytes_and_goes_on_at_half() {
    let mut at = Watched::running(buffer(8, 100));
    for text in ["abc", "de", "fg"] {
        assert_eq!(at.step(chunk(STDOUT, text)).actions.pump(STDOUT), None);
    }
    assert_eq!(at.machine.room(STDOUT), 1);
    assert_eq!(at.step(chunk(STDOUT, "h")).actions.pump(STDOUT), Some(PumpAction::Pause));
    assert_eq!(at.machine.room(STDOUT), 0);
    let five_left = at.step(Input::Drain);
    assert_eq!((five_left.actions.pump(STDOUT), at.machine.buffered(STDOUT)), (None, 5));
    let three_left = at.step(Input::Drain);
    assert_eq!(three_left.actions.pump(STDOUT), Some(PumpAction::Resume));
    assert_eq!(at.machine.room(STDOUT), 5);
}

/// If this were red, a command that writes single bytes would cost a thousandfold in memory.
#[test]
fn c12_a_pump_pauses_at_the_bound_in_chunks_and_goes_on_at_half() {
    let mut at = Watched::running(buffer(1000, 4));
    for text in ["a", "b", "c"] {
        assert_eq!(at.step(chunk(STDOUT, text)).actions.pump(STDOUT), None);
    }
    assert_eq!(at.step(chunk(STDOUT, "d")).actions.pump(STDOUT), Some(PumpAction::Pause));
    assert_eq!(at.step(Input::Drain).actions.pump(STDOUT), None);
    assert_eq!(at.step(Input::Drain).actions.pump(STDOUT), Some(PumpAction::Resume));
}

/// If this were red, `cmd & exit` would lose the output of `cmd` itself under a bound of zero.
#[test]
fn c07_a_bound_of_zero_cuts_nothing_that_the_root_wrote() {
    for drain in [
        DrainPolicy::After(Duration::ZERO),
        DrainPolicy::Idle { gap: Duration::ZERO, max: Duration::ZERO },
    ] {
        let name = if let DrainPolicy::After(_) = drain { Cut::After } else { Cut::Max };
        let mut at = Watched::running(drains(drain));
        at.steps([standing(5), chunk(STDOUT, "abc")]);
        assert!(at.machine.is_open(STDOUT), "two bytes of the root's stand in the pipe");
        at.steps([chunk(STDOUT, "de")]);
        assert!(at.machine.is_open(STDOUT), "what comes now may be its end");
        at.steps([Input::Empty(STDOUT)]);
        let (events, terminal) = at.rest();
        assert_eq!(events, [bytes("abc"), bytes("de"), cut(name)]);
        assert!(terminal.streams[STDOUT].is_some_and(|report| report.held));
    }
}

/// If this were red, an ordinary command would be reported as cut under a bound of zero.
#[test]
fn c07_under_a_bound_of_zero_an_ordinary_command_ends_with_its_eof() {
    let mut at = Watched::running(drains(DrainPolicy::After(Duration::ZERO)));
    at.steps([standing(3), chunk(STDOUT, "abc"), Input::Eof(STDOUT)]);
    let (events, terminal) = at.rest();
    assert_eq!(events, [bytes("abc"), end(End::Eof)]);
    assert!(terminal.is_complete());
}

/// If this were red, a pipe larger than the buffer would be cut while its reader is slow.
#[test]
fn c07_a_bound_that_runs_out_while_the_pump_is_paused_waits_for_the_root_s_bytes() {
    let drain = DrainPolicy::After(Duration::ZERO);
    let mut at = Watched::running(Policy { drain, ..buffer(2, 100) });
    at.steps([standing(4), chunk(STDOUT, "ab"), Input::Drain, chunk(STDOUT, "cd")]);
    at.steps([Input::Drain, Input::Empty(STDOUT)]);
    assert_eq!(at.rest().0, [cut(Cut::After)]);
}

const IDLE: DrainPolicy =
    DrainPolicy::Idle { gap: Duration::from_millis(200), max: Duration::from_secs(5) };

/// If this were red, a grandchild that writes now and then would be cut in mid-sentence.
#[test]
fn c06_data_arms_the_idle_bound_anew_and_readability_wins() {
    let mut at = Watched::running(drains(IDLE));
    let reaped = at.step(reap());
    assert_eq!(reaped.actions.timer(Timer::Idle(STDOUT)), Some(TimerAction::Arm));
    assert_eq!(reaped.actions.timer(Timer::Deadline(STDOUT)), Some(TimerAction::Arm));
    let data = at.step(chunk(STDOUT, "a"));
    assert_eq!(data.actions.timer(Timer::Idle(STDOUT)), Some(TimerAction::Arm));
    assert_eq!(data.actions.timer(Timer::Deadline(STDOUT)), None);
    // Both are due at once: what a read finds decides.
    at.steps([Input::Timeout(Timer::Idle(STDOUT))]);
    let data = at.step(chunk(STDOUT, "b"));
    assert_eq!(data.actions.timer(Timer::Idle(STDOUT)), Some(TimerAction::Arm));
    at.steps([Input::Timeout(Timer::Idle(STDOUT)), Input::Empty(STDOUT)]);
    assert_eq!(at.rest().0, [bytes("a"), bytes("b"), cut(Cut::Idle)]);
}

/// If this were red, a grandchild that never stops writing would keep its caller for ever.
#[test]
fn c06_idle_bound_has_a_cap() {
    let mut at = Watched::running(drains(IDLE));
    at.steps([reap(), chunk(STDOUT, "a"), Input::Timeout(Timer::Deadline(STDOUT))]);
    at.steps([chunk(STDOUT, "b")]);
    assert_eq!(at.rest().0, [bytes("a"), bytes("b"), cut(Cut::Max)]);
}

/// If this were red, output would be cut because its reader was slow, not because it was late.
#[test]
fn c06_the_clock_stands_still_while_the_pump_is_paused() {
    let mut at = Watched::running(Policy { drain: IDLE, ..buffer(2, 100) });
    at.steps([reap()]);
    let full = at.step(chunk(STDOUT, "ab"));
    let clocks = [Timer::Idle(STDOUT), Timer::Deadline(STDOUT)];
    assert_eq!(
        clocks.map(|timer| full.actions.timer(timer)),
        [Some(TimerAction::ArmHeld), Some(TimerAction::Hold)]
    );
    for timer in clocks {
        assert!(at.try_step(Input::Timeout(timer)).is_err(), "{timer:?} does not run");
    }
    let taken = at.step(Input::Drain);
    for timer in clocks {
        assert_eq!(taken.actions.timer(timer), Some(TimerAction::Resume));
        assert!(at.machine.is_running(timer));
    }
}

/// If this were red, a pump that is paused at the reap would be cut for its reader's slowness.
#[test]
fn c06_a_pump_that_is_paused_at_the_reap_has_its_clock_held() {
    let mut at = Watched::running(Policy { drain: IDLE, ..buffer(2, 100) });
    at.steps([chunk(STDOUT, "ab")]);
    let reaped = at.step(reap());
    for timer in [Timer::Idle(STDOUT), Timer::Deadline(STDOUT)] {
        assert_eq!(reaped.actions.timer(timer), Some(TimerAction::ArmHeld));
    }
}

/// If this were red, a command that ends would be waited for after its last byte.
#[test]
fn c05_the_terminal_is_there_in_the_step_of_the_last_end() {
    let mut at = Watched::running(Policy::default());
    at.steps([reap(), Input::Eof(STDOUT)]);
    assert_eq!(at.next(), Some(end(End::Eof)));
    assert!(matches!(at.next(), Some(Event::Exit(terminal)) if terminal.is_complete()));
    assert!(at.machine.is_done());
}

/// If this were red, a reader who stops would be killed for the time in which nothing was there.
#[test]
fn c12_a_stall_counts_only_while_output_is_buffered_and_not_moving() {
    let full = Full::KillAfter(Duration::from_secs(1));
    let buffer = BufferPolicy { bytes_max: 4, chunks_max: 4, full };
    let mut at = Watched::running(Policy { buffer, ..Policy::default() });
    let stall = |step: lastbyte::machine::Step<_>| step.actions.timer(Timer::Stall);
    assert_eq!(stall(at.step(chunk(STDOUT, "a"))), Some(TimerAction::Arm));
    assert_eq!(stall(at.step(chunk(STDOUT, "b"))), None, "nothing has moved");
    assert_eq!(stall(at.step(Input::Drain)), Some(TimerAction::Arm), "it moves");
    assert_eq!(stall(at.step(Input::Drain)), Some(TimerAction::Disarm), "all is taken");
    at.steps([chunk(STDOUT, "c"), Input::Timeout(Timer::Stall), Input::Eof(STDOUT), reap()]);
    let (_, terminal) = at.rest();
    assert!(terminal.cause.stalled);
    assert_ne!(terminal.status, Status::Forced);
}

/// If this were red, the monitor would cry wolf where a pump that is paused learns of the end: then
/// nothing is left to resume.
#[test]
fn c15_a_stream_that_ended_while_paused_can_be_discarded() {
    let mut at = Watched::running(buffer(2, 100));
    at.steps([chunk(STDOUT, "ab"), Input::Eof(STDOUT), Input::Discard(STDOUT), reap()]);
    assert_eq!(at.rest().0, [gap(2), end(End::Discarded)]);
}

/// If this were red, whoever closes twice, or drops what he has closed, would put off the bound of
/// his first close, and with it everybody's wait.
#[test]
fn c11_a_second_close_does_not_move_the_bound_of_the_first() {
    let mut at = Watched::running(Policy::default());
    let first = at.step(Input::Close);
    assert_eq!(first.actions.timer(Timer::Close), Some(TimerAction::Arm));
    let second = at.step(Input::Close);
    assert_eq!(second.actions.timer(Timer::Close), None);
    at.steps([Input::Timeout(Timer::Close)]);
    assert_eq!(at.machine.status(), Some(Status::Forced));
}
