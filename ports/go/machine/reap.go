// The transition of the reap.

package machine

func (in Reap) refusal(m *Machine) Why {
	switch m.phase {
	case starting:
		return NotStarted
	case refused:
		return StartRefused
	case reaped, ended:
		return AlreadyReaped
	case done:
		return AlreadyDone
	case running:
	}
	if _, ours := in.Status.(Forced); ours {
		return StatusIsOurs
	}
	return legal
}

func (in Reap) apply(m *Machine, fx *effects) {
	m.phase = reaped
	m.status = in.Status
	m.resolveExited(fx)
	for _, timer := range []int{timerTimeout, timerGrace, timerStall, timerClose} {
		m.disarm(fx, timer)
	}
	if m.policy.KillDescendants && !m.policy.KillLeader {
		fx.signals.add(sigkill)
	}
	for i := range m.lanes {
		l := &m.lanes[i]
		switch {
		case !l.open():
		case l.intake == discard:
			m.endLane(fx, i, End{Kind: Discarded}, false)
		default:
			// C7: what stood is read before any bound may cut.
			l.owes, l.owed = true, in.Standing[l.stream]
			m.bound(fx, i)
		}
	}
}

// bound begins what the drain policy allows an open stream after the reap.
func (m *Machine) bound(fx *effects, i int) {
	l := &m.lanes[i]
	if m.timers[timerShutdown] != timerOff {
		l.due = CutShutdown
		return
	}
	drain := m.policy.Drain
	switch drain.Kind {
	case DrainUntilEOF:
	case DrainAfter:
		if drain.Max == 0 {
			l.due = CutAfter
			return
		}
		m.armDrain(fx, i, deadlineOf(i))
	case DrainIdle:
		if drain.Max == 0 {
			l.due = CutMax
			return
		}
		if drain.Gap == 0 {
			l.due = CutIdle
		} else {
			m.armDrain(fx, i, idleOf(i))
		}
		m.armDrain(fx, i, deadlineOf(i))
	}
}
