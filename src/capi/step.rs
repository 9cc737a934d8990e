//! What follows from one input of a bare machine.

use std::ffi::{CStr, c_char};

use super::{
    input::{lastbyte_chunk, lastbyte_timer},
    machine::Token,
    stream::number_of,
    terminal::{lastbyte_end, lastbyte_terminal},
};
use crate::machine::{Event, PumpAction, Reply, Step, StreamId, Streams, Timer, TimerAction, Why};

/// What the consumer gets.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_event_kind {
    /// Nothing.
    None = 0,
    /// Bytes of a stream, in their order.
    Chunk = 1,
    /// Bytes that were read and dropped stood here.
    Gap = 2,
    /// Nothing of this stream follows.
    End = 3,
    /// The terminal: nothing follows.
    Exit = 4,
}

/// What became of a signal, kill, close or shutdown.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_reply {
    /// Done, or under way.
    Done = 1,
    /// The root has no pid yet; it is done when it has.
    Latched = 2,
    /// The root has been reaped: there is nobody to signal.
    AlreadyExited = 3,
}

/// What the driver does with a pump.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_pump_action {
    /// Nothing new.
    None = 0,
    /// Stop reading for now: the consumer is slow.
    Pause = 1,
    /// Read again.
    Resume = 2,
    /// Stop reading for good and let go of the source.
    Abandon = 3,
}

/// What the driver does with a timer.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_timer_action {
    /// Start it with its full length, also if it runs.
    Arm = 1,
    /// Set it to its full length, standing still.
    ArmHeld = 2,
    /// Let it stand still with what is left.
    Hold = 3,
    /// Let it go on.
    Resume = 4,
    /// Forget it.
    Disarm = 5,
}

/// Why an input is illegal.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum lastbyte_why {
    /// The root has not started.
    NotStarted = 1,
    /// The root has started already, or was refused.
    AlreadyStarted = 2,
    /// The start was refused: there is no execution.
    Refused = 3,
    /// The root has been reaped already.
    AlreadyReaped = 4,
    /// The terminal has been delivered: nothing follows it.
    AlreadyDone = 5,
    /// The execution has no such stream.
    NoSuchStream = 6,
    /// The stream has ended or was abandoned.
    StreamEnded = 7,
    /// Its pump is paused.
    PumpPaused = 8,
    /// The chunk is larger than the room left in the buffer.
    NoRoom = 9,
    /// A chunk has at least one byte.
    EmptyChunk = 10,
    /// Only the machine says that an end was forced.
    StatusIsOurs = 11,
    /// Nobody of that kind waits.
    NobodyWaits = 12,
    /// The timer is not armed, or it stands still.
    TimerNotRunning = 13,
    /// There is no consumer.
    NoConsumer = 14,
}

/// What the consumer of a bare machine gets.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct lastbyte_machine_event {
    /// A `lastbyte_event_kind`.
    pub kind: u32,
    /// For chunk, gap and end: a `lastbyte_stream`.
    pub stream: u32,
    /// For a chunk.
    pub chunk: lastbyte_chunk,
    /// For a gap: bytes dropped, at least 1.
    pub gap_bytes: u64,
    /// For an end.
    pub end: lastbyte_end,
    /// For an exit.
    pub terminal: lastbyte_terminal,
}

/// One timer, and what to do with it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct lastbyte_timer_order {
    /// Which.
    pub timer: lastbyte_timer,
    /// A `lastbyte_timer_action`.
    pub action: u32,
}

/// What follows from one input. Carry it out in this order: signals, pumps, timers.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct lastbyte_step {
    /// Signals to send, the lowest number first and SIGKILL last: bit n-1 is signal n.
    pub signals: u64,
    /// A `lastbyte_pump_action` for stdout, the combined pipe or the pty, then for stderr.
    pub pumps: [u32; 2],
    /// How many timer orders follow.
    pub timers_count: u32,
    /// The timer orders.
    pub timers: [lastbyte_timer_order; 9],
    /// How many who wait for the reap are resolved.
    pub resolved_exited: u32,
    /// How many who wait for the terminal are resolved.
    pub resolved_terminal: u32,
    /// A `lastbyte_reply`.
    pub reply: u32,
    /// Whether a drain would find an event now.
    pub ready: bool,
    /// For a drain: what the consumer gets.
    pub event: lastbyte_machine_event,
}

/// The contract rule that forbids what was illegal, for example `C1`; NULL for a number that is no
/// `lastbyte_why`.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_why_rule(why: u32) -> *const c_char {
    row(why).map_or(std::ptr::null(), |row| row.rule.as_ptr())
}

/// The name of a `lastbyte_why`, for example `stream_ended`; NULL for a number that is none.
#[expect(unsafe_code, reason = "exported by name")]
#[unsafe(no_mangle)]
pub extern "C" fn lastbyte_why_name(why: u32) -> *const c_char {
    row(why).map_or(std::ptr::null(), |row| row.name.as_ptr())
}

struct Row {
    number: lastbyte_why,
    #[cfg_attr(not(test), expect(dead_code, reason = "the test compares it"))]
    why: Why,
    name: &'static CStr,
    rule: &'static CStr,
}

macro_rules! whys {
    ($($why:ident: $name:literal, $rule:literal;)+) => {
        const WHYS: &[Row] = &[$(Row {
            number: lastbyte_why::$why,
            why: Why::$why,
            name: $name,
            rule: $rule,
        }),+];

        /// The number of each; a new one does not compile without.
        pub(super) fn number_of_why(why: Why) -> u32 {
            (match why { $(Why::$why => lastbyte_why::$why),+ }) as u32
        }
    };
}

whys! {
    NotStarted: c"not_started", c"C14";
    AlreadyStarted: c"already_started", c"C14";
    Refused: c"refused", c"C14";
    AlreadyReaped: c"already_reaped", c"C2";
    AlreadyDone: c"already_done", c"C2";
    NoSuchStream: c"no_such_stream", c"C15";
    StreamEnded: c"stream_ended", c"C1";
    PumpPaused: c"pump_paused", c"C12";
    NoRoom: c"no_room", c"C12";
    EmptyChunk: c"empty_chunk", c"C9";
    StatusIsOurs: c"status_is_ours", c"C9";
    NobodyWaits: c"nobody_waits", c"C4";
    TimerNotRunning: c"timer_not_running", c"C6";
    NoConsumer: c"no_consumer", c"C11";
}

fn row(number: u32) -> Option<&'static Row> {
    WHYS.iter().find(|row| row.number as u32 == number)
}

fn pump_number(action: Option<PumpAction>) -> u32 {
    (match action {
        None => lastbyte_pump_action::None,
        Some(PumpAction::Pause) => lastbyte_pump_action::Pause,
        Some(PumpAction::Resume) => lastbyte_pump_action::Resume,
        Some(PumpAction::Abandon) => lastbyte_pump_action::Abandon,
    }) as u32
}

fn timer_number(action: TimerAction) -> u32 {
    (match action {
        TimerAction::Arm => lastbyte_timer_action::Arm,
        TimerAction::ArmHeld => lastbyte_timer_action::ArmHeld,
        TimerAction::Hold => lastbyte_timer_action::Hold,
        TimerAction::Resume => lastbyte_timer_action::Resume,
        TimerAction::Disarm => lastbyte_timer_action::Disarm,
    }) as u32
}

impl lastbyte_step {
    pub(super) fn of(step: Step<Token>, streams: Streams) -> Self {
        let mut timers = [lastbyte_timer_order::default(); 9];
        let mut count = 0;
        let asked = Timer::all(streams)
            .filter_map(|timer| step.actions.timer(timer).map(|action| (timer, action)));
        for (place, (timer, action)) in timers.iter_mut().zip(asked) {
            *place = lastbyte_timer_order {
                timer: lastbyte_timer::of(timer),
                action: timer_number(action),
            };
            count += 1;
        }
        let signals = step.actions.signals();
        lastbyte_step {
            signals: signals.iter().fold(0, |bits, signal| bits | 1 << (signal.number() - 1)),
            pumps: [StreamId::Stdout, StreamId::Stderr]
                .map(|stream| pump_number(step.actions.pump(stream))),
            timers_count: count,
            timers,
            resolved_exited: step.resolved.exited,
            resolved_terminal: step.resolved.terminal,
            reply: (match step.reply {
                Reply::Done => lastbyte_reply::Done,
                Reply::Latched => lastbyte_reply::Latched,
                Reply::AlreadyExited => lastbyte_reply::AlreadyExited,
            }) as u32,
            ready: step.ready,
            event: lastbyte_machine_event::of(step.event),
        }
    }
}

impl lastbyte_machine_event {
    fn of(event: Option<Event<Token>>) -> Self {
        let none = lastbyte_machine_event {
            kind: lastbyte_event_kind::None as u32,
            stream: 0,
            chunk: lastbyte_chunk::default(),
            gap_bytes: 0,
            end: lastbyte_end::default(),
            terminal: lastbyte_terminal::default(),
        };
        match event {
            None => none,
            Some(Event::Chunk { stream, chunk }) => lastbyte_machine_event {
                kind: lastbyte_event_kind::Chunk as u32,
                stream: number_of(stream),
                chunk: chunk.chunk(),
                ..none
            },
            Some(Event::Gap { stream, bytes }) => lastbyte_machine_event {
                kind: lastbyte_event_kind::Gap as u32,
                stream: number_of(stream),
                gap_bytes: bytes,
                ..none
            },
            Some(Event::End { stream, end }) => lastbyte_machine_event {
                kind: lastbyte_event_kind::End as u32,
                stream: number_of(stream),
                end: lastbyte_end::of(end),
                ..none
            },
            Some(Event::Exit(terminal)) => lastbyte_machine_event {
                kind: lastbyte_event_kind::Exit as u32,
                terminal: lastbyte_terminal::of(&terminal),
                ..none
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this were red, C would be told a rule that another language is not.
    #[test]
    fn each_refusal_has_the_rule_of_the_machine() {
        assert_eq!(WHYS.len(), 14);
        for found in WHYS {
            assert_eq!(number_of_why(found.why), found.number as u32);
            assert_eq!(found.rule.to_str(), Ok(found.why.rule()));
            let words = format!("{:?}", found.why);
            let name = found.name.to_str().expect("text").replace('_', "");
            assert_eq!(name, words.to_lowercase());
        }
        assert!(lastbyte_why_rule(0).is_null() && lastbyte_why_name(15).is_null());
    }
}
