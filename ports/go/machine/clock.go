// Timers: their states, how orders to them combine, and what follows when one runs out.

package machine

type timerState uint8

const (
	timerOff timerState = iota
	timerRuns
	timerHeld
)

// timerStates has the timers of the execution, then two of each stream, in the order of actions.
type timerStates [timersMax]timerState

const (
	timerTimeout = iota
	timerGrace
	timerStall
	timerClose
	timerShutdown
	firstLaneTimer

	streamsMax = 2
	timersMax  = firstLaneTimer + 2*streamsMax
)

func idleOf(lane int) int     { return firstLaneTimer + 2*lane }
func deadlineOf(lane int) int { return firstLaneTimer + 2*lane + 1 }
func isIdle(timer int) bool   { return (timer-firstLaneTimer)%2 == 0 }

// timer is the public name of a timer.
func (m *Machine) timer(i int) Timer {
	if i < firstLaneTimer {
		return Timer{Kind: TimerKind(i)}
	}
	kind := DeadlineTimer
	if isIdle(i) {
		kind = IdleTimer
	}
	return Timer{Kind: kind, Stream: m.lanes[(i-firstLaneTimer)/2].stream}
}

// timerIndex finds a timer; -1 where it is of a stream that there is not.
func (m *Machine) timerIndex(t Timer) int {
	if t.Kind < IdleTimer {
		return int(t.Kind)
	}
	lane := m.lane(t.Stream)
	switch {
	case lane < 0:
		return -1
	case t.Kind == IdleTimer:
		return idleOf(lane)
	}
	return deadlineOf(lane)
}

// Several orders to one timer in one step are one: the last that sets it, as later holds change it.

func (m *Machine) arm(fx *effects, timer int) {
	m.timers[timer] = timerRuns
	fx.timers[timer] = ArmTimer
}

func (m *Machine) armHeld(fx *effects, timer int) {
	m.timers[timer] = timerHeld
	fx.timers[timer] = ArmTimerHeld
}

// armDrain arms a drain timer of a stream; it stands still while the pump is paused.
func (m *Machine) armDrain(fx *effects, lane, timer int) {
	if m.lanes[lane].source == paused {
		m.armHeld(fx, timer)
		return
	}
	m.arm(fx, timer)
}

func (m *Machine) disarm(fx *effects, timer int) {
	if m.timers[timer] == timerOff {
		return
	}
	m.timers[timer] = timerOff
	fx.timers[timer] = DisarmTimer
}

func (m *Machine) hold(fx *effects, timer int) {
	if m.timers[timer] != timerRuns {
		return
	}
	m.timers[timer] = timerHeld
	switch fx.timers[timer] {
	case ArmTimer:
		fx.timers[timer] = ArmTimerHeld
	case ResumeTimer:
		fx.timers[timer] = noTimerOrder
	case noTimerOrder, ArmTimerHeld, HoldTimer, DisarmTimer:
		fx.timers[timer] = HoldTimer
	}
}

func (m *Machine) resume(fx *effects, timer int) {
	if m.timers[timer] != timerHeld {
		return
	}
	m.timers[timer] = timerRuns
	switch fx.timers[timer] {
	case ArmTimerHeld:
		fx.timers[timer] = ArmTimer
	case HoldTimer:
		fx.timers[timer] = noTimerOrder
	case noTimerOrder, ArmTimer, ResumeTimer, DisarmTimer:
		fx.timers[timer] = ResumeTimer
	}
}

func (in Timeout) refusal(m *Machine) Why {
	i := m.timerIndex(in.Timer)
	if i < 0 {
		return NoSuchStream
	}
	if m.timers[i] != timerRuns {
		return TimerNotRunning
	}
	return legal
}

func (in Timeout) apply(m *Machine, fx *effects) {
	m.timers[m.timerIndex(in.Timer)] = timerOff
	switch in.Timer.Kind {
	case TimeoutTimer:
		m.beginKill(fx, func(c *Cause) { c.TimedOut = true })
	case GraceTimer:
		m.killHard(fx)
	case StallTimer:
		m.beginKill(fx, func(c *Cause) { c.Stalled = true })
	case CloseTimer:
		m.phase, m.status, m.released = ended, Forced{}, true
	case ShutdownTimer:
		m.forceShutdown(fx)
	case IdleTimer:
		if l := &m.lanes[m.lane(in.Timer.Stream)]; l.due == notCut {
			l.due = CutIdle
		}
	case DeadlineTimer:
		l := &m.lanes[m.lane(in.Timer.Stream)]
		l.due = CutMax
		if m.policy.Drain.Kind == DrainAfter {
			l.due = CutAfter
		}
	}
}

// forceShutdown gives the terminal now, with what is known.
func (m *Machine) forceShutdown(fx *effects) {
	if m.phase == running {
		m.killHard(fx)
		m.status = Forced{}
	}
	m.cutAll(fx, CutShutdown)
	m.phase, m.released = ended, true
	m.resolveExited(fx)
	m.resolveTerminal(fx)
}
