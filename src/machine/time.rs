//! Time: a timer has run out, and how timers are set.

use super::{
    Because, Chunk, Clock, Cut, DrainPolicy, Full, Machine, Phase, Status, Step, Timer,
    TimerAction, Until, Why,
};

impl<C: Chunk> Machine<C> {
    #[cold]
    pub(super) fn timeout(&mut self, timer: Timer, step: &mut Step<C>) -> Result<(), Why> {
        if let Timer::Idle(id) | Timer::Deadline(id) = timer
            && !self.streams.contains(id)
        {
            return Err(Why::NoSuchStream);
        }
        let clock = &mut self.timers[timer.index()];
        if !matches!(clock, Clock::Running) {
            return Err(Why::TimerNotRunning);
        }
        *clock = Clock::Off;
        match timer {
            Timer::Timeout => self.begin_kill(Because::TimedOut, step),
            Timer::Grace => self.kill_hard(step),
            Timer::Stall => self.begin_kill(Because::Stalled, step),
            Timer::Close => self.phase = Phase::Ended { status: Status::Forced, released: true },
            Timer::Shutdown => self.force_shutdown(step),
            Timer::Idle(id) => {
                self.lanes[id].due.get_or_insert(Cut::Idle);
            }
            Timer::Deadline(id) => {
                self.lanes[id].due = Some(match self.policy.drain {
                    DrainPolicy::Idle { .. } => Cut::Max,
                    DrainPolicy::After(_) | DrainPolicy::UntilEof => Cut::After,
                });
            }
        }
        Ok(())
    }

    /// The bound of a shutdown: nobody is waited for any more. The consumer still finds the ends
    /// and the terminal.
    fn force_shutdown(&mut self, step: &mut Step<C>) {
        let status = match self.phase {
            Phase::Running => {
                self.kill_hard(step);
                self.cut_all(Cut::Shutdown, false, step);
                Status::Forced
            }
            Phase::Reaped(status) | Phase::Ended { status, .. } => {
                self.cut_all(Cut::Shutdown, true, step);
                status
            }
            Phase::Starting(_) | Phase::Refused | Phase::Done(_) => return,
        };
        self.phase = Phase::Ended { status, released: true };
        self.resolve(Until::Exited, step);
        self.resolve(Until::Terminal, step);
    }

    /// Arms and disarms the stall timer: it runs only while output is buffered and not moving.
    #[inline]
    pub(super) fn watch_stall(&mut self, step: &mut Step<C>) {
        match self.policy.buffer.full {
            Full::Pause | Full::Gap => {}
            Full::KillAfter(_) => self.set_stall(step),
        }
    }

    #[cold]
    fn set_stall(&mut self, step: &mut Step<C>) {
        let running = matches!(self.timers[Timer::Stall.index()], Clock::Running);
        let buffered = matches!(self.phase, Phase::Running)
            && self.cause.killed_by_us.is_none()
            && !self.backlog.is_empty();
        if buffered && (!running || step.event.is_some()) {
            self.set_timer(Timer::Stall, TimerAction::Arm, step);
        } else if !buffered {
            self.set_timer(Timer::Stall, TimerAction::Disarm, step);
        }
    }

    pub(super) fn set_timer(&mut self, timer: Timer, action: TimerAction, step: &mut Step<C>) {
        let clock = &mut self.timers[timer.index()];
        let next = match (action, *clock) {
            (TimerAction::Arm, _) => Clock::Running,
            (TimerAction::ArmHeld, _) => Clock::Held,
            (TimerAction::Hold, Clock::Running) => Clock::Held,
            (TimerAction::Resume, Clock::Held) => Clock::Running,
            (TimerAction::Disarm, Clock::Running | Clock::Held) => Clock::Off,
            (TimerAction::Hold | TimerAction::Resume | TimerAction::Disarm, _) => return,
        };
        *clock = next;
        step.actions.set_timer(timer, action);
    }
}
