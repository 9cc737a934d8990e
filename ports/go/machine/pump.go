// The transitions of the start and of the pumps.

package machine

func (Started) refusal(m *Machine) Why { return refusalOfStart(m) }
func (Refused) refusal(m *Machine) Why { return refusalOfStart(m) }

func refusalOfStart(m *Machine) Why {
	if m.phase != starting {
		return AlreadyStarted
	}
	return legal
}

func (Started) apply(m *Machine, fx *effects) {
	m.phase = running
	if m.policy.Timeout != nil {
		m.arm(fx, timerTimeout)
	}
	asked := m.latched
	m.latched = latched{}
	fx.signals |= asked.signals
	if asked.kill {
		Kill{}.apply(m, fx)
	}
	if asked.shutdown {
		Shutdown{}.apply(m, fx)
	}
	if asked.close {
		Close{}.apply(m, fx)
	}
}

func (Refused) apply(m *Machine, fx *effects) {
	m.phase = refused
	m.resolveExited(fx)
	m.resolveTerminal(fx)
}

// refusalOfRead holds for all that a pump may report.
func (m *Machine) refusalOfRead(stream Stream) Why {
	switch m.phase {
	case starting:
		return NotStarted
	case refused:
		return StartRefused
	case done:
		return AlreadyDone
	case running, reaped, ended:
	}
	i := m.lane(stream)
	if i < 0 {
		return NoSuchStream
	}
	if !m.lanes[i].open() {
		return StreamEnded
	}
	return legal
}

func (in ReadEOF) refusal(m *Machine) Why   { return m.refusalOfRead(in.Stream) }
func (in ReadError) refusal(m *Machine) Why { return m.refusalOfRead(in.Stream) }
func (in Empty) refusal(m *Machine) Why     { return m.refusalOfRead(in.Stream) }

func (in Chunk) refusal(m *Machine) Why {
	if why := m.refusalOfRead(in.Stream); why != legal {
		return why
	}
	l := &m.lanes[m.lane(in.Stream)]
	if len(in.Bytes) == 0 {
		return EmptyChunk
	}
	if l.source == paused {
		return PumpPaused
	}
	if room, unbounded := m.room(l); !unbounded && uint64(len(in.Bytes)) > room {
		return NoRoom
	}
	return legal
}

func (in Chunk) apply(m *Machine, fx *effects) {
	i := m.lane(in.Stream)
	l := &m.lanes[i]
	switch {
	case l.intake == deliver && m.passesLimit(l, in.Bytes):
		m.passLimit(fx, i, in.Bytes)
	case l.intake == deliver:
		m.keep(fx, i, in.Bytes)
	case l.intake == overLimit && m.policy.Limit.Over == KeepTail:
		l.keepTail(in.Bytes, m.policy.Limit.Tail)
	default:
		l.drop(uint64(len(in.Bytes)))
	}
	m.afterRead(fx, i, uint64(len(in.Bytes)))
}

// left is what a stream may still have before it meets its limit.
func (m *Machine) left(l *lane) uint64 {
	return m.policy.Limit.Bytes - min(l.delivered+l.queuedBytes, m.policy.Limit.Bytes)
}

func (m *Machine) passesLimit(l *lane, chunk []byte) bool {
	return m.policy.Limit != nil && uint64(len(chunk)) > m.left(l)
}

// passLimit takes the chunk that goes beyond the limit.
func (m *Machine) passLimit(fx *effects, i int, chunk []byte) {
	l := &m.lanes[i]
	left := m.left(l)
	l.intake = overLimit
	if left > 0 {
		m.keep(fx, i, chunk[:left:left]) // whoever gets it must not reach into the rest
	}
	rest := chunk[left:]
	switch m.policy.Limit.Over {
	case Truncate:
		l.drop(uint64(len(rest)))
	case KeepTail:
		l.keepTail(rest, m.policy.Limit.Tail)
	case OverKill:
		l.drop(uint64(len(rest)))
		m.beginKill(fx, func(c *Cause) { c.OutputLimit = true })
	}
}

// keep queues a chunk, and pauses the pump at the bound.
func (m *Machine) keep(fx *effects, i int, chunk []byte) {
	l := &m.lanes[i]
	size := uint64(len(chunk))
	fits := l.queuedBytes+size <= m.policy.BufferBytesMax && l.queuedChunks < m.policy.BufferChunksMax
	if !fits && m.policy.Full.Kind == Gap {
		l.drop(size)
		return
	}
	m.enqueueGap(i)
	m.enqueue(i, chunk)
	full := l.queuedBytes >= m.policy.BufferBytesMax || l.queuedChunks >= m.policy.BufferChunksMax
	if full && l.intake == deliver && m.policy.Full.Kind != Gap {
		l.source = paused
		fx.pumps[i] = PausePump
		m.hold(fx, idleOf(i))
		m.hold(fx, deadlineOf(i))
	}
}

func (m *Machine) enqueue(i int, chunk []byte) {
	l := &m.lanes[i]
	m.backlog.push(item{lane: i, bytes: chunk})
	l.queuedBytes += uint64(len(chunk))
	l.queuedChunks++
}

func (m *Machine) enqueueGap(i int) {
	if l := &m.lanes[i]; l.gap > 0 {
		m.backlog.push(item{lane: i, gap: l.gap})
		l.gap = 0
	}
}

// afterRead counts what the root is owed, and starts the idle clock anew.
func (m *Machine) afterRead(fx *effects, i int, n uint64) {
	l := &m.lanes[i]
	if l.owed > 0 {
		l.owed -= min(n, l.owed)
	} else {
		l.owes = false // the byte was a descendant's
	}
	if l.due == CutIdle {
		l.due = notCut
		m.armDrain(fx, i, idleOf(i))
	} else if m.timers[idleOf(i)] != timerOff {
		m.armDrain(fx, i, idleOf(i))
	}
	m.cutIfDue(fx, i)
}

func (m *Machine) cutIfDue(fx *effects, i int) {
	if l := &m.lanes[i]; l.due != notCut && !l.owes {
		m.endLane(fx, i, End{Kind: WasCut, Cut: l.due}, true)
	}
}

func (in ReadEOF) apply(m *Machine, fx *effects) {
	i := m.lane(in.Stream)
	l := &m.lanes[i]
	end := End{Kind: EOF}
	if l.intake == overLimit && l.dropped > 0 {
		end.Kind = OutputLimit
	} else if l.intake == discard && l.dropped > 0 {
		end.Kind = Discarded
	}
	m.endLane(fx, i, end, false)
}

func (in ReadError) apply(m *Machine, fx *effects) {
	m.endLane(fx, m.lane(in.Stream), End{Kind: ReadFailed, Errno: in.Errno}, false)
}

func (in Empty) apply(m *Machine, fx *effects) {
	i := m.lane(in.Stream)
	m.lanes[i].owes, m.lanes[i].owed = false, 0
	m.cutIfDue(fx, i)
}

// endLane ends a stream. What its tail kept becomes deliverable.
func (m *Machine) endLane(fx *effects, i int, end End, held bool) {
	l := &m.lanes[i]
	if end.Kind == WasCut || end.Kind == Discarded {
		fx.pumps[i] = AbandonPump
	}
	l.source, l.end, l.held = sourceEnded, end, held
	l.owes, l.owed, l.due = false, 0, notCut
	if len(l.tail) > 0 {
		m.enqueueGap(i)
		for _, chunk := range l.tail {
			m.enqueue(i, chunk)
		}
		l.tail, l.tailBytes = nil, 0
	}
	m.disarm(fx, idleOf(i))
	m.disarm(fx, deadlineOf(i))
}
