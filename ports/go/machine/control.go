// The transitions of callers: signal, kill, discard, detach, close, shutdown.

package machine

func (m *Machine) refusalAfterRefused() Why {
	if m.phase == refused {
		return StartRefused
	}
	return legal
}

func (Signal) refusal(m *Machine) Why { return m.refusalAfterRefused() }
func (Kill) refusal(m *Machine) Why   { return m.refusalAfterRefused() }
func (Detach) refusal(*Machine) Why   { return legal }
func (Close) refusal(*Machine) Why    { return legal }
func (Shutdown) refusal(*Machine) Why { return legal }

func (in Discard) refusal(m *Machine) Why {
	switch {
	case m.lane(in.Stream) < 0:
		return NoSuchStream
	case m.phase == refused:
		return StartRefused
	case m.phase == done:
		return AlreadyDone
	}
	return legal
}

func (in Signal) apply(m *Machine, fx *effects) {
	switch m.phase {
	case starting:
		m.latched.signals.add(in.Number)
		fx.reply = Latched
	case running:
		fx.signals.add(in.Number)
	case refused, reaped, ended, done:
		fx.reply = AlreadyExited // C16
	}
}

func (Kill) apply(m *Machine, fx *effects) {
	switch m.phase {
	case starting:
		m.latched.kill = true
		fx.reply = Latched
	case running:
		m.beginKill(fx, func(c *Cause) { c.Cancelled = true })
	case refused, reaped, ended, done:
		fx.reply = AlreadyExited // C16
	}
}

// beginKill sends the first signal, once, and lets the grace run.
func (m *Machine) beginKill(fx *effects, cause func(*Cause)) {
	if m.phase != running || m.cause.Killed != nil {
		return
	}
	cause(&m.cause)
	signal := m.policy.KillSignal
	if m.policy.KillGrace == 0 {
		signal = sigkill
	}
	m.cause.Killed = &Killed{Signal: signal}
	fx.signals.add(signal)
	m.disarm(fx, timerTimeout)
	if signal != sigkill {
		m.arm(fx, timerGrace)
	}
}

// killHard sends SIGKILL, now.
func (m *Machine) killHard(fx *effects) {
	switch {
	case m.cause.Killed == nil:
		m.cause.Cancelled = true
		m.cause.Killed = &Killed{Signal: sigkill}
	case m.cause.Killed.Signal != sigkill:
		m.cause.Killed.Escalated = true
	}
	fx.signals.add(sigkill)
	m.disarm(fx, timerTimeout)
	m.disarm(fx, timerGrace)
	m.disarm(fx, timerStall)
}

// killGroup ends what the root left behind; the root's own pid may be another's by now.
func (m *Machine) killGroup(fx *effects) {
	if !m.policy.KillLeader {
		fx.signals.add(sigkill)
	}
}

func (in Discard) apply(m *Machine, fx *effects) { m.discard(fx, m.lane(in.Stream)) }

func (m *Machine) discard(fx *effects, i int) {
	m.throwAway(fx, i, End{Kind: Discarded})
	if m.lanes[i].open() && m.phase == reaped {
		m.endLane(fx, i, End{Kind: Discarded}, false)
	}
}

// throwAway takes out all that is kept of a stream, and takes in no more of it.
func (m *Machine) throwAway(fx *effects, i int, end End) {
	l := &m.lanes[i]
	if l.source == sourceFinished {
		return
	}
	bytes, gaps := m.backlog.takeOut(i)
	bytes += l.tailBytes
	l.tail, l.tailBytes = nil, 0
	l.queuedBytes, l.queuedChunks = 0, 0
	l.gap += gaps
	l.drop(bytes)
	l.intake = discard
	if l.source == sourceEnded && l.end.Kind == EOF && bytes > 0 {
		l.end = end
	}
	m.resumePump(fx, i)
}

func (Detach) apply(m *Machine, fx *effects) {
	m.gone = true
	for i := range m.lanes {
		m.discard(fx, i)
	}
}

func (Close) apply(m *Machine, fx *effects) {
	switch m.phase {
	case starting:
		m.latched.close = true
		fx.reply = Latched
		Detach{}.apply(m, fx)
		return
	case refused, done:
		fx.reply = AlreadyExited
		m.gone = true
		return
	case running:
		m.killHard(fx)
		if m.timers[timerClose] == timerOff {
			m.arm(fx, timerClose)
		}
	case reaped, ended:
		fx.reply = AlreadyExited
		m.killGroup(fx)
	}
	m.gone = true
	m.cutAll(fx, CutClose)
}

// cutAll throws every stream away, and ends those that are open.
func (m *Machine) cutAll(fx *effects, cut Cut) {
	end := End{Kind: WasCut, Cut: cut}
	known := m.phase == reaped || m.phase == ended
	for i := range m.lanes {
		m.throwAway(fx, i, end)
		if m.lanes[i].open() {
			m.endLane(fx, i, end, known && !m.lanes[i].owes)
		}
	}
}

func (Shutdown) apply(m *Machine, fx *effects) {
	switch m.phase {
	case starting:
		m.latched.shutdown = true
		fx.reply = Latched
		return
	case running:
		m.beginKill(fx, func(c *Cause) { c.Cancelled = true })
	case refused, done:
		fx.reply = AlreadyExited
		return
	case ended:
		fx.reply = AlreadyExited
		if m.released {
			return
		}
	case reaped:
		fx.reply = AlreadyExited
		m.killGroup(fx)
		for i := range m.lanes {
			if m.lanes[i].open() {
				m.lanes[i].due = CutShutdown
			}
		}
	}
	if m.timers[timerShutdown] == timerOff {
		m.arm(fx, timerShutdown)
	}
}
