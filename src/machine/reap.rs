//! Reap: the root has ended, and each open stream gets its bound.

use super::{
    Chunk, Cut, Descendants, DrainPolicy, End, Machine, PerStream, Phase, Signal, Status, Step,
    StreamId, Target, Timer, TimerAction, Until, Why,
    lane::{Intake, Owed},
};

impl<C: Chunk> Machine<C> {
    #[cold]
    pub(super) fn reap(
        &mut self,
        status: Status,
        standing: PerStream<u64>,
        step: &mut Step<C>,
    ) -> Result<(), Why> {
        match self.phase {
            Phase::Running => {}
            Phase::Starting(_) => return Err(Why::NotStarted),
            Phase::Refused => return Err(Why::Refused),
            Phase::Reaped(_) | Phase::Ended { .. } => return Err(Why::AlreadyReaped),
            Phase::Done(_) => return Err(Why::AlreadyDone),
        }
        if let Status::Forced = status {
            return Err(Why::StatusIsOurs);
        }
        self.phase = Phase::Reaped(status);
        self.resolve(Until::Exited, step);
        for timer in [Timer::Timeout, Timer::Grace, Timer::Stall, Timer::Close] {
            self.set_timer(timer, TimerAction::Disarm, step);
        }
        if let (Descendants::Kill, Target::Group) =
            (self.policy.descendants, self.policy.kill.target)
        {
            step.actions.signal(Signal::KILL);
        }
        for &id in self.streams.ids() {
            self.bound_drain(id, standing[id], step);
        }
        Ok(())
    }

    /// Starts the drain of one stream after the reap (C6, C7).
    fn bound_drain(&mut self, id: StreamId, standing: u64, step: &mut Step<C>) {
        let shutting_down = self.is_shutting_down();
        let lane = &mut self.lanes[id];
        if !lane.is_open() {
            return;
        }
        if let Intake::Discard = lane.intake {
            self.end(id, End::Discarded, false, step);
            return;
        }
        lane.owed = Owed::Bytes(standing);
        if shutting_down {
            lane.due = Some(Cut::Shutdown);
            return;
        }
        match self.policy.drain {
            DrainPolicy::UntilEof => {}
            DrainPolicy::After(after) if after.is_zero() => lane.due = Some(Cut::After),
            DrainPolicy::After(_) => self.arm_drain(Timer::Deadline(id), id, step),
            DrainPolicy::Idle { max, .. } if max.is_zero() => lane.due = Some(Cut::Max),
            DrainPolicy::Idle { gap, .. } => {
                if gap.is_zero() {
                    lane.due = Some(Cut::Idle);
                } else {
                    self.arm_drain(Timer::Idle(id), id, step);
                }
                self.arm_drain(Timer::Deadline(id), id, step);
            }
        }
    }

    /// Arms a timer on a stream; it stands still while the stream is not being read.
    pub(super) fn arm_drain(&mut self, timer: Timer, id: StreamId, step: &mut Step<C>) {
        let arm = if self.lanes[id].is_paused() { TimerAction::ArmHeld } else { TimerAction::Arm };
        self.set_timer(timer, arm, step);
    }
}
