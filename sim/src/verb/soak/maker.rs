//! How the plan of each case is drawn.

use std::time::Duration;

use lastbyte::{BufferPolicy, Descendants, DrainPolicy, OutputLimit, Over, Signal, machine::Full};
use lastbyte_sim::dice::Dice;

use super::{
    cases::Case,
    plan::{Act, Bytes, Cause, Ends, Plan, Reader, Start},
    script::{Escape, Piece, Script, To, Wires},
};

/// Longer than anything is waited for: who sleeps so long is to be killed.
const FOR_EVER: &str = "exec sleep 600";

const MS: Duration = Duration::from_millis(1);

/// Makes plans of cases.
pub(super) struct Maker<'a> {
    number: u64,
    case: Case,
    dice: &'a mut Dice,
}

impl<'a> Maker<'a> {
    pub(super) fn new(number: u64, case: Case, dice: &'a mut Dice) -> Self {
        Maker { number, case, dice }
    }

    fn plain(&self, script: Script, code: i32) -> Plan {
        Plan::plain(self.number, self.case, script, code)
    }

    /// A text that no other execution writes.
    fn text(&mut self) -> Piece {
        let len = [1, 2, 7, 30, 120][self.dice.below(5)];
        let word = format!("n{}.{}.", self.number, self.dice.number());
        Piece::Text(word.repeat(len))
    }

    fn code(&mut self) -> i32 {
        [0, 0, 0, 1, 3, 42, 137][self.dice.below(7)]
    }

    /// From `low` up to `high`, each power of two as often.
    fn size(&mut self, low: u64, high: u64) -> u64 {
        let doublings = (high / low).ilog2() as usize;
        let base = low << self.dice.below(doublings.max(1));
        (base + u64::from(self.dice.number()) % base).min(high)
    }

    fn one_of<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        of[self.dice.below(N)]
    }

    fn written(&mut self, wires: Wires, to: &[To]) -> Script {
        let mut script = Script::new(wires);
        for &to in to {
            let text = self.text();
            script.write(to, text);
        }
        script
    }

    pub(super) fn writes(&mut self, wires: Wires, to: &[To]) -> Plan {
        let (mut script, code) = (self.written(wires, to), self.code());
        script.run(&format!("exit {code}"));
        self.plain(script, code)
    }

    pub(super) fn binary(&mut self, low: u64, high: u64, to: &[To]) -> Plan {
        let (mut script, code) = (Script::new(Wires::Separate), self.code());
        for &to in to {
            let bytes = self.size(low, high);
            script.write(to, Piece::Binary(bytes));
        }
        script.run(&format!("exit {code}"));
        self.plain(script, code)
    }

    pub(super) fn one_page(&mut self) -> Plan {
        let bytes = self.size(1, 64 * 1024);
        let mut plan = self.plain(Script::new(Wires::Separate), 0);
        plan.start = Start::OnePage(bytes);
        plan.written[0].push(Piece::Binary(bytes));
        plan
    }

    fn escape(&mut self) -> Escape {
        self.one_of([Escape::Stays, Escape::Setsid, Escape::DoubleFork])
    }

    fn drain(&mut self) -> DrainPolicy {
        self.one_of([
            DrainPolicy::UntilEof,
            DrainPolicy::After(Duration::ZERO),
            DrainPolicy::After(20 * MS),
            DrainPolicy::Idle { gap: 10 * MS, max: 50 * MS },
            DrainPolicy::default(),
        ])
    }

    /// A descendant that outlives the root holds its streams, and may write to them.
    pub(super) fn held(&mut self) -> Plan {
        let (escape, drain, code) = (self.escape(), self.drain(), self.code());
        let late = self.text();
        let Piece::Text(word) = &late else { unreachable!("a text was asked for") };
        let writes = self.dice.below(2) == 0;
        let mut script = Script::new(Wires::Separate);
        if !writes {
            script.leave("sleep 0.2", escape);
        }
        for to in [To::Stdout, To::Stderr] {
            let text = self.text();
            script.write(to, text);
        }
        if writes {
            // Started when the root has written: before, its sleep would be all that puts them in order.
            script.leave(&format!("sleep 0.05; printf %s {word}"), escape);
        }
        script.run(&format!("exit {code}"));
        let mut plan = self.plain(script, code);
        plan.policy.drain = drain;
        plan.due.late = writes.then_some(late);
        if drain != DrainPolicy::UntilEof {
            plan.due.bytes = Bytes::Root;
        }
        plan
    }

    pub(super) fn held_and_killed(&mut self) -> Plan {
        let escape = self.escape();
        let mut script = Script::new(Wires::Separate);
        script.leave("sleep 0.2", escape);
        let text = self.text();
        script.write(To::Stdout, text).run("exit 0");
        let mut plan = self.plain(script, 0);
        plan.policy.descendants = Descendants::Kill;
        if escape == Escape::Setsid {
            plan.due.bytes = Bytes::Root;
            plan.policy.drain = self.drain();
            // The one that has left the group lives on, and is silent.
        }
        plan
    }

    /// A root that ends when it is killed.
    fn endless(&mut self) -> Plan {
        let mut script = self.written(Wires::Separate, &[To::Stderr, To::Stdout]);
        script.run(FOR_EVER);
        let mut plan = self.plain(script, 0);
        plan.due.ends = Ends::Signal(Signal::TERM);
        plan
    }

    pub(super) fn killed(&mut self) -> Plan {
        let mut plan = self.endless();
        plan.act = Act::Kill;
        // A kill may come between two writes.
        plan.due.bytes = Bytes::Beginning;
        plan.due.cause = Cause::Killed { escalated: false };
        if self.dice.below(4) == 0 {
            plan.policy.kill.grace = Duration::ZERO;
            plan.due.ends = Ends::Signal(Signal::KILL);
        }
        plan
    }

    /// What is written in answer to SIGTERM is delivered.
    pub(super) fn answers(&mut self) -> Plan {
        let (ready, bye) = (self.text(), self.text());
        let Piece::Text(word) = &bye else { unreachable!("a text was asked for") };
        let mut script = Script::new(Wires::Separate);
        // A shell tells on stderr that its sleeper was terminated.
        script.run(&format!("exec 2>/dev/null\ntrap 'printf %s {word}; exit 7' TERM"));
        script.write(To::Stdout, ready).run("while :; do sleep 0.01; done");
        script.written[0].push(bye);
        let mut plan = self.plain(script, 7);
        plan.act = Act::Kill;
        plan.policy.kill.grace = Duration::from_secs(60);
        // The last of its sleepers may have missed the signal, and holds the pipe for a moment.
        plan.due.bytes = Bytes::Root;
        plan.due.cause = Cause::Killed { escalated: false };
        plan
    }

    pub(super) fn ignores_term(&mut self) -> Plan {
        let mut script = Script::new(Wires::Separate);
        let text = self.text();
        script.run("trap '' TERM").write(To::Stdout, text).run(FOR_EVER);
        let mut plan = self.plain(script, 0);
        plan.act = Act::Kill;
        plan.policy.kill.grace = 10 * MS;
        plan.due.ends = Ends::Signal(Signal::KILL);
        plan.due.cause = Cause::Killed { escalated: true };
        plan
    }

    /// It ends by a signal that is not ours. SIGHUP is none of them: under nohup(1) it is ignored,
    /// and a shell cannot change that; a soak handles the others, so that they are not.
    pub(super) fn dies(&mut self) -> Plan {
        let (name, signal) =
            self.one_of([("KILL", Signal::KILL), ("TERM", Signal::TERM), ("INT", Signal::INT)]);
        let mut script = self.written(Wires::Separate, &[To::Stdout, To::Stderr]);
        script.run(&format!("kill -{name} $$")).run(FOR_EVER);
        let mut plan = self.plain(script, 0);
        plan.due.ends = Ends::Signal(signal);
        plan
    }

    /// SIGKILL strikes it while it writes.
    pub(super) fn struck(&mut self) -> Plan {
        let mut plan = self.binary(64 * 1024, 1024 * 1024, &[To::Stdout, To::Stdout]);
        plan.act = Act::Signal(Signal::KILL);
        let Ends::Code(code) = plan.due.ends else { unreachable!("it exits with a code") };
        plan.due.ends = Ends::CodeOrKilled(code);
        plan.due.bytes = Bytes::Beginning;
        plan.due.cause = Cause::Whichever;
        plan
    }

    pub(super) fn stopped(&mut self) -> Plan {
        let mut script = Script::new(Wires::Separate);
        let (one, two) = (self.text(), self.text());
        script.write(To::Stdout, one).run("sleep 0.02").write(To::Stdout, two).run("exit 0");
        let mut plan = self.plain(script, 0);
        plan.act = Act::StopAndContinue;
        plan.due.cause = Cause::Whichever;
        plan
    }

    pub(super) fn stops_itself(&mut self) -> Plan {
        let mut script = Script::new(Wires::Separate);
        let (one, two) = (self.text(), self.text());
        script.write(To::Stdout, one).run("kill -STOP $$").write(To::Stdout, two).run("exit 0");
        let mut plan = self.plain(script, 0);
        plan.act = Act::KeepContinuing;
        plan.due.cause = Cause::Whichever;
        plan
    }

    fn small_buffer(&mut self, full: Full) -> BufferPolicy {
        BufferPolicy { bytes_max: self.one_of([1, 512, 4096, 16 * 1024]), chunks_max: 64, full }
    }

    pub(super) fn slow_reader(&mut self) -> Plan {
        let mut plan = self.binary(4096, 64 * 1024, &[To::Stdout, To::Stderr]);
        plan.policy.buffer = self.small_buffer(Full::Pause);
        plan.policy.buffer.bytes_max = plan.policy.buffer.bytes_max.max(4096);
        plan.reader = Reader::Slow(MS);
        plan
    }

    pub(super) fn gaps(&mut self) -> Plan {
        let mut plan = self.binary(4096, 256 * 1024, &[To::Stdout, To::Stderr]);
        plan.policy.buffer = self.small_buffer(Full::Gap);
        plan.reader = Reader::Stops(self.one_of([MS, 5 * MS, 20 * MS]));
        plan.due.bytes = Bytes::AllButGaps;
        plan
    }

    /// Nobody takes its output for so long that it is killed.
    pub(super) fn stalls(&mut self) -> Plan {
        let mut script = Script::new(Wires::Separate);
        script.write(To::Stdout, Piece::Binary(1024 * 1024)).run(FOR_EVER);
        let mut plan = self.plain(script, 0);
        plan.policy.buffer = self.small_buffer(Full::KillAfter(20 * MS));
        plan.reader = Reader::AfterExit;
        plan.due.ends = Ends::Signal(Signal::TERM);
        plan.due.bytes = Bytes::Beginning;
        plan.due.cause = Cause::Stalled;
        plan
    }

    pub(super) fn limited(&mut self) -> Plan {
        let mut plan = self.binary(1024, 256 * 1024, &[To::Stdout, To::Stderr]);
        let bytes_max = self.size(1, 64 * 1024);
        let over = self.one_of([Over::Truncate, Over::KeepTail { bytes_max: 1024 }]);
        plan.policy.limit = Some(OutputLimit { bytes_max, over });
        plan.due.bytes = Bytes::AllButGaps;
        plan
    }

    pub(super) fn times_out(&mut self) -> Plan {
        let mut plan = self.endless();
        plan.policy.timeout = Some(self.one_of([MS, 5 * MS, 30 * MS]));
        plan.due.bytes = Bytes::Beginning;
        plan.due.cause = Cause::TimedOut;
        plan
    }

    /// A reader who goes in the midst of it.
    pub(super) fn torn(&mut self, reader: fn(Duration) -> Reader) -> Plan {
        let mut plan = match self.dice.below(4) {
            0 => self.writes(Wires::Separate, &[To::Stdout, To::Stderr]),
            1 => self.binary(1024, 256 * 1024, &[To::Stdout, To::Stderr]),
            2 => self.held(),
            _ => self.endless(),
        };
        plan.reader = reader(MS / 4 * (self.dice.number() % 40));
        plan.due.ends = match plan.due.ends {
            Ends::Code(code) => Ends::CodeOrKilled(code),
            // What never ends by itself.
            Ends::Signal(_) | Ends::Refused | Ends::CodeOrKilled(_) | Ends::Killed => Ends::Killed,
        };
        plan.due.bytes = Bytes::Beginning;
        plan.due.cause = Cause::Whichever;
        plan
    }

    /// It lives on without a reader.
    pub(super) fn detached(&mut self) -> Plan {
        let mut plan = self.binary(1024, 256 * 1024, &[To::Stdout, To::Stderr]);
        plan.reader = Reader::Detaches(MS / 4 * (self.dice.number() % 20));
        plan.due.bytes = Bytes::Beginning;
        plan
    }

    pub(super) fn waited(&mut self) -> Plan {
        let mut plan = self.binary(1, 256 * 1024, &[To::Stdout, To::Stderr]);
        plan.reader = Reader::Waits;
        plan.due.bytes = Bytes::Beginning;
        plan
    }

    /// What comes in goes out, before and behind a word.
    pub(super) fn stdin(&mut self) -> Plan {
        let fed = self.size(1, 256 * 1024);
        let mut script = Script::new(Wires::Separate);
        let (before, behind) = (self.text(), self.text());
        script.write(To::Stdout, before).run("cat");
        script.written[0].push(Piece::Binary(fed));
        script.write(To::Stdout, behind).run("exit 0");
        let mut plan = self.plain(script, 0);
        plan.feed = Some(fed);
        plan
    }

    /// A child that reads less than it is given.
    pub(super) fn broken_stdin(&mut self) -> Plan {
        let mut plan = self.writes(Wires::Separate, &[To::Stdout, To::Stderr]);
        plan.feed = Some(self.size(1024, 256 * 1024));
        plan
    }

    pub(super) fn refused(&mut self) -> Plan {
        let mut plan = self.plain(Script::new(Wires::Separate), 0);
        plan.start = Start::Missing;
        plan.due.ends = Ends::Refused;
        plan
    }

    pub(super) fn blocking(&mut self) -> Plan {
        let mut plan = match self.dice.below(3) {
            0 => self.writes(Wires::Separate, &[To::Stdout, To::Stderr]),
            1 => self.binary(1, 64 * 1024, &[To::Stdout, To::Stderr]),
            _ => self.killed(),
        };
        plan.reader = Reader::Blocking;
        plan
    }
}
