//! A history as text: one line for each step, and the terminal's report written out.

use std::fmt::Write;

use lastbyte::{
    machine::{
        Action, Cause, Chunk, End, Event, Input, Killed, Machine, Policy, PumpAction, Reply,
        Resolved, Status, Step, StreamId, Streams, Terminal, Timer, TimerAction, Until,
    },
    monitor::Monitor,
};

/// The bytes of one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) &'static [u8]);

impl Chunk for Text {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn split_off(&mut self, at: u64) -> Self {
        let (kept, rest) = self.0.split_at(usize::try_from(at).expect("a place in memory"));
        self.0 = kept;
        Text(rest)
    }
}

/// A history to be told, with what it shows.
pub(crate) struct Trace {
    pub(crate) title: &'static str,
    pub(crate) shows: &'static str,
    pub(crate) streams: Streams,
    pub(crate) policy: Policy,
    pub(crate) inputs: Vec<Input<Text>>,
}

/// The width of the column of inputs.
const INPUTS: usize = 34;

impl Trace {
    /// The whole trace. Every step has passed the monitor, and so has the end.
    pub(crate) fn told(self) -> String {
        let Trace { title, shows, streams, policy, inputs } = self;
        let mut text = format!("{title}\n\n{shows}\n\nstreams: {}\n", shown_streams(streams));
        for choice in choices(policy) {
            line(&mut text, &format!("policy: {choice}"));
        }
        text.push('\n');
        let mut machine = Machine::new(streams, policy).expect("the policy makes sense");
        let mut monitor = Monitor::new(streams, policy);
        for input in inputs {
            let asked = shown_input(&input, streams);
            let step = match machine.step(input.clone()) {
                Ok(step) => step,
                Err(illegal) => {
                    line(&mut text, &format!("{asked:INPUTS$} -> illegal: {illegal}"));
                    continue;
                }
            };
            if let Err(violation) = monitor.observe(&input, &step) {
                panic!("{title}: {violation}\n{text}{asked}");
            }
            let follows = consequences(&step, streams, &policy).join("; ");
            line(
                &mut text,
                format!("{asked:INPUTS$} -> {follows}").trim_end_matches([' ', '>', '-']),
            );
            if let Some(Event::Exit(terminal)) = step.event {
                report(&mut text, &terminal);
            }
        }
        end(&mut text, &machine, &monitor);
        text
    }
}

/// What can be known when nothing more can happen.
fn end(text: &mut String, machine: &Machine<Text>, monitor: &Monitor<Text>) {
    assert!(machine.is_done(), "a trace goes on to its end\n{text}");
    if let Err(violation) = monitor.finish() {
        panic!("{violation}\n{text}");
    }
    match machine.terminal() {
        // A consumer has been told it already, in its place.
        Some(terminal) if !text.contains("    status: ") => {
            line(text, "what every wait returns:");
            report(text, &terminal);
        }
        Some(_) => {}
        None => line(text, "no terminal: there was no execution"),
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes it");
}

fn shown_streams(streams: Streams) -> String {
    match streams.ids() {
        [] => "none".into(),
        ids => ids.iter().map(|id| id.name()).collect::<Vec<_>>().join(", "),
    }
}

/// The choices that differ from the default.
fn choices(policy: Policy) -> Vec<String> {
    let usual = Policy::default();
    let Policy { drain, descendants, kill, buffer, limit, timeout, teardown } = policy;
    let chosen = [
        (drain != usual.drain).then(|| format!("drain {drain:?}")),
        (descendants != usual.descendants).then(|| format!("descendants {descendants:?}")),
        (kill != usual.kill).then(|| format!("kill {kill:?}")),
        (buffer != usual.buffer).then(|| format!("buffer {buffer:?}")),
        limit.map(|limit| format!("limit {limit:?}")),
        timeout.map(|timeout| format!("timeout {timeout:?}")),
        (teardown != usual.teardown).then(|| format!("teardown {teardown:?}")),
    ];
    let chosen: Vec<String> = chosen.into_iter().flatten().collect();
    if chosen.is_empty() { vec!["default".into()] } else { chosen }
}

fn shown_input(input: &Input<Text>, streams: Streams) -> String {
    match input {
        Input::Started => "started".into(),
        Input::Refused => "refused".into(),
        Input::Chunk(id, text) => format!("{id} reads {}", quoted(text)),
        Input::Eof(id) => format!("{id} reads its end"),
        Input::ReadError(id, errno) => format!("{id} fails, errno {}", errno.0),
        Input::Empty(id) => format!("{id} has nothing to read"),
        Input::Reap { status, standing } => {
            let unread = streams.ids().iter().filter(|&&id| standing[id] > 0);
            let unread: String =
                unread.map(|&id| format!(", {id} holds {}", standing[id])).collect();
            format!("reap {}{unread}", shown_status(*status))
        }
        Input::Drain => "drain".into(),
        Input::Wait(until) => format!("wait for {}", shown_until(*until)),
        Input::CancelWait(until) => format!("cancel a wait for {}", shown_until(*until)),
        Input::Signal(signal) => format!("signal {signal}"),
        Input::Kill => "kill".into(),
        Input::Discard(id) => format!("discard {id}"),
        Input::Detach => "detach".into(),
        Input::Close => "close".into(),
        Input::Shutdown => "shutdown".into(),
        Input::Timeout(timer) => format!("time is up: {}", shown_timer(*timer)),
    }
}

fn quoted(text: &Text) -> String {
    format!("\"{}\"", text.0.escape_ascii())
}

fn shown_until(until: Until) -> &'static str {
    match until {
        Until::Exited => "exited",
        Until::Terminal => "terminal",
    }
}

fn shown_status(status: Status) -> String {
    match status {
        Status::Exited { code } => format!("exited({code})"),
        Status::Signaled { signal, core } => {
            format!("signaled({signal}{})", if core { ", core" } else { "" })
        }
        Status::Unknown(errno) => format!("unknown(errno {})", errno.0),
        Status::Lost => "lost".into(),
        Status::Forced => "forced".into(),
    }
}

fn shown_timer(timer: Timer) -> String {
    match timer {
        Timer::Timeout => "timeout".into(),
        Timer::Grace => "grace".into(),
        Timer::Stall => "stall".into(),
        Timer::Close => "close".into(),
        Timer::Shutdown => "shutdown".into(),
        Timer::Idle(id) => format!("idle({id})"),
        Timer::Deadline(id) => format!("deadline({id})"),
    }
}

/// All that follows from a step, in words.
fn consequences(step: &Step<Text>, streams: Streams, policy: &Policy) -> Vec<String> {
    let mut follows = Vec::new();
    follows.extend(step.event.as_ref().map(shown_event));
    follows.extend(step.actions.list(streams).map(|action| shown_action(action, policy)));
    let Resolved { exited, terminal } = step.resolved;
    for (until, resolved) in [(Until::Exited, exited), (Until::Terminal, terminal)] {
        if resolved > 0 {
            follows.push(format!("resolves {resolved} waiting for {}", shown_until(until)));
        }
    }
    match step.reply {
        Reply::Done => {}
        Reply::Latched => follows.push("reply: latched".into()),
        Reply::AlreadyExited => follows.push("reply: already exited".into()),
    }
    if step.ready {
        follows.push("an event is ready".into());
    }
    follows
}

fn shown_event(event: &Event<Text>) -> String {
    match event {
        Event::Chunk { stream, chunk } => format!("{stream} {}", quoted(chunk)),
        Event::Gap { stream, bytes } => format!("{stream} gap of {bytes}"),
        Event::End { stream, end } => format!("{stream} ends: {}", shown_end(*end)),
        Event::Exit(_) => "exit".into(),
    }
}

fn shown_end(end: End) -> String {
    match end {
        End::Cut(cut) => format!("cut ({})", cut.name()),
        End::ReadError(errno) => format!("read_error (errno {})", errno.0),
        End::Eof | End::Discarded | End::Limit => end.name().into(),
    }
}

fn shown_action(action: Action, policy: &Policy) -> String {
    match action {
        Action::Signal(signal) => format!("send {signal}"),
        Action::Pump(id, PumpAction::Pause) => format!("pause {id}"),
        Action::Pump(id, PumpAction::Resume) => format!("resume {id}"),
        Action::Pump(id, PumpAction::Abandon) => format!("abandon {id}"),
        Action::Timer(timer, what) => {
            let delay = policy.delay(timer);
            let timer = shown_timer(timer);
            match what {
                TimerAction::Arm => format!("arm {timer} {delay:?}"),
                TimerAction::ArmHeld => format!("arm {timer} {delay:?}, standing still"),
                TimerAction::Hold => format!("hold {timer}"),
                TimerAction::Resume => format!("let {timer} go on"),
                TimerAction::Disarm => format!("disarm {timer}"),
            }
        }
    }
}

fn report(text: &mut String, terminal: &Terminal) {
    line(text, &format!("    status: {}", shown_status(terminal.status)));
    line(text, &format!("    cause: {}", shown_cause(terminal.cause)));
    for &id in [StreamId::Stdout, StreamId::Stderr].iter() {
        if let Some(report) = terminal.streams[id] {
            let held = if report.held { ", still held" } else { "" };
            line(
                text,
                &format!(
                    "    {}: {}, {} delivered, {} dropped{held}",
                    report.stream,
                    shown_end(report.end),
                    report.delivered,
                    report.dropped
                ),
            );
        }
    }
    let complete = if terminal.is_complete() { "yes" } else { "no" };
    line(text, &format!("    complete: {complete}"));
}

fn shown_cause(cause: Cause) -> String {
    let Cause { timed_out, cancelled, output_limit, stalled, killed_by_us } = cause;
    let mut causes: Vec<String> = [
        (timed_out, "timed out"),
        (cancelled, "cancelled"),
        (output_limit, "output limit"),
        (stalled, "stalled"),
    ]
    .into_iter()
    .filter(|&(holds, _)| holds)
    .map(|(_, name)| name.into())
    .collect();
    if let Some(Killed { signal, escalated }) = killed_by_us {
        let escalated = if escalated { ", then SIGKILL" } else { "" };
        causes.push(format!("killed by us with {signal}{escalated}"));
    }
    if causes.is_empty() { "none of ours".into() } else { causes.join("; ") }
}
