// The transitions of waiters.

package machine

func (Wait) refusal(*Machine) Why { return legal }

func (in Wait) apply(m *Machine, fx *effects) {
	if in.Until == UntilExited {
		m.waitingExited++
		if m.exitedReached() {
			m.resolveExited(fx)
		}
		return
	}
	m.waitingTerminal++
	if m.terminalReached() {
		m.resolveTerminal(fx)
	}
}

func (in CancelWait) refusal(m *Machine) Why {
	if *m.waiting(in.Until) == 0 {
		return NobodyWaits
	}
	return legal
}

func (in CancelWait) apply(m *Machine, _ *effects) { *m.waiting(in.Until)-- }

func (m *Machine) waiting(until Until) *uint32 {
	if until == UntilExited {
		return &m.waitingExited
	}
	return &m.waitingTerminal
}

func (m *Machine) exitedReached() bool { return m.phase != starting && m.phase != running }

func (m *Machine) terminalReached() bool {
	return m.phase == refused || m.phase == done || m.phase == ended && m.released
}

func (m *Machine) resolveExited(fx *effects) {
	fx.exited += m.waitingExited
	m.waitingExited = 0
}

func (m *Machine) resolveTerminal(fx *effects) {
	fx.terminal += m.waitingTerminal
	m.waitingTerminal = 0
}

// Reached is whether whoever waits for this is told at once.
func (m *Machine) Reached(until Until) bool {
	if until == UntilExited {
		return m.exitedReached()
	}
	return m.terminalReached()
}
