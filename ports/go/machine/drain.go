// The transition of the consumer.

package machine

func (Drain) refusal(m *Machine) Why {
	switch {
	case m.phase == refused:
		return StartRefused
	case m.phase == done:
		return AlreadyDone
	case m.gone:
		return NoConsumer
	}
	return legal
}

func (Drain) apply(m *Machine, fx *effects) {
	for i := range m.lanes {
		l := &m.lanes[i]
		if l.gapIsNext() {
			fx.event = GapEvent{l.stream, l.gap}
			l.gap = 0
			return
		}
		if l.endIsNext() {
			fx.event = EndEvent{l.stream, l.end}
			l.source = sourceFinished
			return
		}
	}
	if !m.backlog.empty() {
		m.take(fx)
		return
	}
	if m.phase == ended { // C1: every stream's end has been taken
		fx.event = ExitEvent{m.terminal()}
		m.finish(fx)
	}
}

// take hands over the oldest that is queued, and lets a paused pump go on at half its bounds.
func (m *Machine) take(fx *effects) {
	it := m.backlog.pop()
	l := &m.lanes[it.lane]
	if it.bytes == nil {
		fx.event = GapEvent{l.stream, it.gap}
		return
	}
	size := uint64(len(it.bytes))
	fx.event = ChunkEvent{l.stream, it.bytes}
	l.delivered += size
	l.queuedBytes -= size
	l.queuedChunks--
	if l.queuedBytes <= m.policy.BufferBytesMax/2 && l.queuedChunks <= m.policy.BufferChunksMax/2 {
		m.resumePump(fx, it.lane)
	}
}

func (m *Machine) resumePump(fx *effects, i int) {
	if m.lanes[i].source != paused {
		return
	}
	m.lanes[i].source = flowing
	fx.pumps[i] = ResumePump
	m.resume(fx, idleOf(i))
	m.resume(fx, deadlineOf(i))
}
