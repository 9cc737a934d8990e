// Package machine is one execution as a pure state machine, written from docs/specification.md.
//
// Everything that can happen is an [Input]; [Machine.Step] takes one and says what follows from it.
// The package has no clock, no I/O, no goroutine and no lock: whoever owns a Machine makes one step
// at a time and carries out its actions.
package machine

import "time"

type phase uint8

const (
	starting phase = iota
	refused
	running
	reaped // the root has ended, and a stream is still open
	ended  // the terminal stands, and waits for its consumer
	done   // the terminal is delivered, or nobody is left to take it
)

// latched is what was asked for before there was a pid.
type latched struct {
	signals               signalSet
	kill, shutdown, close bool
}

// Machine is the state of one execution. Make one with [New].
type Machine struct {
	policy Policy

	phase    phase
	latched  latched
	status   Status // since the reap, or since a forced end
	released bool   // ended, and the terminal is told to waiters without its being drained

	gone  bool // the consumer
	cause Cause

	lanes   []lane
	backlog backlog
	timers  timerStates

	waitingExited, waitingTerminal uint32
}

// New is a machine for an execution with these streams. It refuses a policy that cannot be carried out.
func New(streams []Stream, policy Policy) (*Machine, error) {
	if err := policy.check(); err != nil {
		return nil, err
	}
	if len(streams) > streamsMax {
		return nil, ErrStreams
	}
	m := &Machine{policy: policy, lanes: make([]lane, len(streams))}
	for i, stream := range streams {
		m.lanes[i].stream = stream
	}
	return m, nil
}

// Step makes one transition. An input that is illegal here gives an [Illegal] and changes nothing.
func (m *Machine) Step(input Input) (Step, error) {
	if why := input.refusal(m); why != legal {
		return Step{}, &Illegal{Why: why}
	}
	var fx effects
	input.apply(m, &fx)
	m.settle(&fx)
	return m.step(&fx), nil
}

// settle is what every step ends with.
func (m *Machine) settle(fx *effects) {
	if m.phase == reaped && !m.anyOpen() { // C5: in the same step
		m.phase = ended
	}
	if m.phase == ended && m.gone {
		m.finish(fx)
	}
	m.watchStall(fx)
	fx.ready = m.ready()
}

// finish ends the execution: nothing follows.
func (m *Machine) finish(fx *effects) {
	m.phase = done
	m.disarm(fx, timerClose)
	m.disarm(fx, timerShutdown)
	m.resolveExited(fx)
	m.resolveTerminal(fx)
}

// watchStall lets the stall clock run while something is queued and does not move.
func (m *Machine) watchStall(fx *effects) {
	if m.policy.Full.Kind != KillAfter {
		return
	}
	if m.phase != running || m.cause.Killed != nil || m.backlog.empty() {
		m.disarm(fx, timerStall)
		return
	}
	if m.timers[timerStall] != timerRuns || fx.event != nil {
		m.arm(fx, timerStall)
	}
}

// ready is whether the consumer would get an event now.
func (m *Machine) ready() bool {
	if m.gone || m.phase == refused || m.phase == done {
		return false
	}
	if m.phase == ended || !m.backlog.empty() {
		return true
	}
	for i := range m.lanes {
		if m.lanes[i].gapIsNext() || m.lanes[i].endIsNext() {
			return true
		}
	}
	return false
}

func (m *Machine) anyOpen() bool {
	for i := range m.lanes {
		if m.lanes[i].open() {
			return true
		}
	}
	return false
}

// lane finds a stream; -1 where there is none.
func (m *Machine) lane(stream Stream) int {
	for i := range m.lanes {
		if m.lanes[i].stream == stream {
			return i
		}
	}
	return -1
}

// Terminal is the outcome, once it is told: after the exit was drained, or where waiters are told.
func (m *Machine) Terminal() (Terminal, bool) {
	if !m.terminalReached() || m.phase == refused {
		return Terminal{}, false
	}
	return m.terminal(), true
}

// Status is the root's, since the reap or a forced end; nil before.
func (m *Machine) Status() Status { return m.status }

func (m *Machine) terminal() Terminal {
	reports := make([]Report, len(m.lanes))
	for i := range m.lanes {
		reports[i] = m.lanes[i].report()
	}
	cause := m.cause
	if cause.Killed != nil {
		killed := *cause.Killed
		cause.Killed = &killed
	}
	return Terminal{Status: m.status, Cause: cause, Streams: reports}
}

// Room is how many bytes the next chunk of a stream may have: 0 where its pump may not read. It says
// nothing of whether there is a pump: before the start, and after a refused one, there is none.
func (m *Machine) Room(stream Stream) (bytes uint64, unbounded bool) {
	i := m.lane(stream)
	if i < 0 {
		return 0, false
	}
	return m.room(&m.lanes[i])
}

func (m *Machine) room(l *lane) (bytes uint64, unbounded bool) {
	if l.source != flowing {
		return 0, false
	}
	if l.intake != deliver || m.policy.Full.Kind == Gap {
		return 0, true
	}
	return m.policy.BufferBytesMax - min(l.queuedBytes, m.policy.BufferBytesMax), false
}

// length is how long a timer runs by the policy.
func (m *Machine) length(timer int) time.Duration {
	switch timer {
	case timerTimeout:
		return *m.policy.Timeout
	case timerGrace:
		return m.policy.KillGrace
	case timerStall:
		return m.policy.Full.After
	case timerClose:
		return m.policy.CloseMax
	case timerShutdown:
		return m.policy.ShutdownMax
	}
	if isIdle(timer) {
		return m.policy.Drain.Gap
	}
	return m.policy.Drain.Max
}
