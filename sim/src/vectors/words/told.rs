//! Values as words.

use lastbyte::machine::{
    Action, Cause, End, Errno, Event, Illegal, Input, InvalidPolicy, Killed, Machine, Policy,
    PumpAction, Reply, Status, Step, Streams, Terminal, Timer, TimerAction, Until, Why,
};

use super::Text;

/// An input.
pub fn input(input: &Input<Text>, streams: Streams) -> String {
    match input {
        Input::Started => "started".to_owned(),
        Input::Refused => "refused".to_owned(),
        Input::Chunk(id, chunk) => format!("chunk {id} {}", chunk.told()),
        Input::Eof(id) => format!("eof {id}"),
        Input::ReadError(id, Errno(errno)) => format!("read_error {id} {errno}"),
        Input::Empty(id) => format!("empty {id}"),
        Input::Reap { status: how, standing } => {
            let holding = streams.ids().iter().filter(|&&id| standing[id] > 0);
            let standing: String = holding.map(|&id| format!(" {id} {}", standing[id])).collect();
            let word = if standing.is_empty() { "" } else { " standing" };
            format!("reap {}{word}{standing}", status(*how))
        }
        Input::Drain => "drain".to_owned(),
        Input::Wait(what) => format!("wait {}", until(*what)),
        Input::CancelWait(what) => format!("cancel_wait {}", until(*what)),
        Input::Signal(signal) => format!("signal {}", signal.number()),
        Input::Kill => "kill".to_owned(),
        Input::Discard(id) => format!("discard {id}"),
        Input::Detach => "detach".to_owned(),
        Input::Close => "close".to_owned(),
        Input::Shutdown => "shutdown".to_owned(),
        Input::Timeout(which) => format!("timeout {}", timer(*which)),
    }
}

/// A wait.
pub fn until(until: Until) -> &'static str {
    match until {
        Until::Exited => "exited",
        Until::Terminal => "terminal",
    }
}

/// A status.
pub fn status(status: Status) -> String {
    match status {
        Status::Exited { code } => format!("exited {code}"),
        Status::Signaled { signal, core } => {
            format!("signaled {}{}", signal.number(), if core { " core" } else { "" })
        }
        Status::Unknown(Errno(errno)) => format!("unknown {errno}"),
        Status::Lost => "lost".to_owned(),
        Status::Forced => "forced".to_owned(),
    }
}

/// A timer.
pub fn timer(timer: Timer) -> String {
    match timer {
        Timer::Timeout => "timeout".to_owned(),
        Timer::Grace => "grace".to_owned(),
        Timer::Stall => "stall".to_owned(),
        Timer::Close => "close".to_owned(),
        Timer::Shutdown => "shutdown".to_owned(),
        Timer::Idle(id) => format!("idle {id}"),
        Timer::Deadline(id) => format!("deadline {id}"),
    }
}

/// The end of a stream.
pub fn end(end: End) -> String {
    match end {
        End::Cut(cut) => format!("cut {}", cut.name()),
        End::ReadError(Errno(errno)) => format!("read_error {errno}"),
        End::Eof | End::Discarded | End::Limit => end.name().to_owned(),
    }
}

/// An action. The arming of a timer says its length, in milliseconds.
pub fn action(action: Action, policy: &Policy) -> String {
    match action {
        Action::Signal(signal) => format!("signal {}", signal.number()),
        Action::Pump(id, PumpAction::Pause) => format!("pause {id}"),
        Action::Pump(id, PumpAction::Resume) => format!("resume {id}"),
        Action::Pump(id, PumpAction::Abandon) => format!("abandon {id}"),
        Action::Timer(which, what) => {
            let (name, ms) = (timer(which), policy.delay(which).as_millis());
            match what {
                TimerAction::Arm => format!("arm {name} {ms}"),
                TimerAction::ArmHeld => format!("arm_held {name} {ms}"),
                TimerAction::Hold => format!("hold {name}"),
                TimerAction::Resume => format!("resume {name}"),
                TimerAction::Disarm => format!("disarm {name}"),
            }
        }
    }
}

/// Why an input was refused.
pub fn why(why: Why) -> &'static str {
    match why {
        Why::NotStarted => "not_started",
        Why::AlreadyStarted => "already_started",
        Why::Refused => "refused",
        Why::AlreadyReaped => "already_reaped",
        Why::AlreadyDone => "already_done",
        Why::NoSuchStream => "no_such_stream",
        Why::StreamEnded => "stream_ended",
        Why::PumpPaused => "pump_paused",
        Why::NoRoom => "no_room",
        Why::EmptyChunk => "empty_chunk",
        Why::StatusIsOurs => "status_is_ours",
        Why::NobodyWaits => "nobody_waits",
        Why::TimerNotRunning => "timer_not_running",
        Why::NoConsumer => "no_consumer",
    }
}

/// Why a policy cannot be carried out.
pub fn invalid(invalid: InvalidPolicy) -> &'static str {
    match invalid {
        InvalidPolicy::BufferBytes => "buffer_bytes",
        InvalidPolicy::BufferChunks => "buffer_chunks",
        InvalidPolicy::IdleGapOverMax => "idle_gap_over_max",
        // The enum can grow; a vector of a new reason fails until it has a word here.
        _ => "invalid",
    }
}

/// What follows from an input: event, actions, resolved waiters, reply, readiness; or the refusal.
///
/// `machine` is the one that has stepped: whoever waited for the terminal is told it.
pub fn step(stepped: &Result<Step<Text>, Illegal>, machine: &Machine<Text>) -> Vec<String> {
    let step = match stepped {
        Ok(step) => step,
        Err(illegal) => return vec![format!("illegal {}", why(illegal.why))],
    };
    let mut words = Vec::new();
    match &step.event {
        Some(Event::Chunk { stream, chunk }) => {
            words.push(format!("chunk {stream} {}", chunk.told()));
        }
        Some(Event::Gap { stream, bytes }) => words.push(format!("gap {stream} {bytes}")),
        Some(Event::End { stream, end: how }) => words.push(format!("end {stream} {}", end(*how))),
        Some(Event::Exit(terminal)) => {
            words.push(format!("exit {}", status(terminal.status)));
            report(terminal, &mut words);
        }
        None => {}
    }
    let policy = machine.policy();
    words.extend(step.actions.list(machine.streams()).map(|what| action(what, policy)));
    let resolved = step.resolved;
    if resolved.exited > 0 {
        words.push(format!("resolved exited {}", resolved.exited));
    }
    if resolved.terminal > 0 {
        words.push(format!("resolved terminal {}", resolved.terminal));
        if let (Some(terminal), None) = (machine.terminal(), &step.event) {
            words.push(format!("terminal {}", status(terminal.status)));
            report(&terminal, &mut words);
        }
    }
    match step.reply {
        Reply::Done => {}
        Reply::Latched => words.push("reply latched".to_owned()),
        Reply::AlreadyExited => words.push("reply already_exited".to_owned()),
    }
    if step.ready {
        words.push("ready".to_owned());
    }
    words
}

/// What a terminal says beside its status.
fn report(terminal: &Terminal, words: &mut Vec<String>) {
    let Cause { timed_out, cancelled, output_limit, stalled, killed_by_us } = terminal.cause;
    for (holds, name) in [
        (timed_out, "timed_out"),
        (cancelled, "cancelled"),
        (output_limit, "output_limit"),
        (stalled, "stalled"),
    ] {
        if holds {
            words.push(format!("cause {name}"));
        }
    }
    if let Some(Killed { signal, escalated }) = killed_by_us {
        let escalated = if escalated { " escalated" } else { "" };
        words.push(format!("killed_by_us {}{escalated}", signal.number()));
    }
    for report in terminal.reports() {
        let held = if report.held { " held" } else { "" };
        words.push(format!(
            "report {} {} {} {}{held}",
            report.stream,
            report.delivered,
            report.dropped,
            end(report.end)
        ));
    }
}

/// The room of each stream that has some: what its pump may read at most.
pub fn room(machine: &Machine<Text>) -> Vec<String> {
    let ids = machine.streams().ids().iter();
    ids.filter_map(|&id| match machine.room(id) {
        0 => None,
        u64::MAX => Some(format!("{id} any")),
        bytes => Some(format!("{id} {bytes}")),
    })
    .collect()
}
