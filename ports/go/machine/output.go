// Everything that can follow from an input, and the order it comes in.

package machine

import (
	"math/bits"
	"time"
)

// Step is what follows from one input.
type Step struct {
	Event   Event    // of a Drain; nil where there was none
	Actions []Action // in the order in which they are to be carried out
	// How many who waited are told.
	ResolvedExited, ResolvedTerminal uint32
	// Terminal is what those who waited for it are told; nil after a refused start.
	Terminal *Terminal
	Reply    Reply
	Ready    bool // the consumer would get an event now
}

// Event is what the consumer is handed: ChunkEvent, GapEvent, EndEvent, and last ExitEvent.
type Event interface{ event() }

type (
	// ChunkEvent has bytes of a stream.
	ChunkEvent struct {
		Stream Stream
		Bytes  []byte
	}
	// GapEvent stands where bytes were dropped.
	GapEvent struct {
		Stream Stream
		Bytes  uint64
	}
	// EndEvent follows the last byte of a stream.
	EndEvent struct {
		Stream Stream
		End    End
	}
	// ExitEvent is the last.
	ExitEvent struct{ Terminal Terminal }
)

func (ChunkEvent) event() {}
func (GapEvent) event()   {}
func (EndEvent) event()   {}
func (ExitEvent) event()  {}

// Reply is what became of a request.
type Reply uint8

// Replies. Latched: it is done as soon as there is a pid. AlreadyExited: there is nobody to signal.
const (
	Done Reply = iota
	Latched
	AlreadyExited
)

// Action is what the driver is asked to do: SendSignal, OrderPump or SetTimer.
type Action interface{ action() }

type (
	// SendSignal to the target of the kill policy; after the reap only to its group.
	SendSignal struct{ Number int }
	// OrderPump pauses, resumes or abandons the pump of a stream.
	OrderPump struct {
		Stream Stream
		Order  PumpOrder
	}
	// SetTimer arms, holds, resumes or disarms a timer.
	SetTimer struct {
		Timer  Timer
		Order  TimerOrder
		Length time.Duration // of ArmTimer and ArmTimerHeld
	}
)

func (SendSignal) action() {}
func (OrderPump) action()  {}
func (SetTimer) action()   {}

// PumpOrder is what a pump is to do.
type PumpOrder uint8

// Orders to a pump.
const (
	noPumpOrder PumpOrder = iota
	PausePump
	ResumePump
	AbandonPump
)

// TimerOrder is what a timer is to do.
type TimerOrder uint8

// Orders to a timer.
const (
	noTimerOrder TimerOrder = iota
	ArmTimer
	ArmTimerHeld // with its full length, standing still
	HoldTimer
	ResumeTimer
	DisarmTimer
)

const sigkill = 9

// signalSet has a bit for each signal, 1 to 64.
type signalSet uint64

func (s *signalSet) add(number int)      { *s |= 1 << (number - 1) }
func (s signalSet) has(number int) bool  { return s&(1<<(number-1)) != 0 }
func (s signalSet) without(n int) uint64 { return uint64(s &^ (1 << (n - 1))) }

// effects gathers what follows while a transition is made.
type effects struct {
	event            Event
	signals          signalSet
	pumps            [streamsMax]PumpOrder
	timers           [timersMax]TimerOrder
	exited, terminal uint32
	reply            Reply
	ready            bool
}

// step puts what was gathered into its order: signals, pumps, timers.
func (m *Machine) step(fx *effects) Step {
	s := Step{
		Event: fx.event, Reply: fx.reply, Ready: fx.ready,
		ResolvedExited: fx.exited, ResolvedTerminal: fx.terminal,
	}
	for rest := fx.signals.without(sigkill); rest != 0; rest &= rest - 1 {
		s.Actions = append(s.Actions, SendSignal{bits.TrailingZeros64(rest) + 1})
	}
	if fx.signals.has(sigkill) {
		s.Actions = append(s.Actions, SendSignal{sigkill})
	}
	for i, order := range fx.pumps {
		if order != noPumpOrder {
			s.Actions = append(s.Actions, OrderPump{m.lanes[i].stream, order})
		}
	}
	for i, order := range fx.timers {
		if order == noTimerOrder {
			continue
		}
		set := SetTimer{Timer: m.timer(i), Order: order}
		if order == ArmTimer || order == ArmTimerHeld {
			set.Length = m.length(i)
		}
		s.Actions = append(s.Actions, set)
	}
	if fx.terminal > 0 && m.phase != refused {
		terminal := m.terminal()
		s.Terminal = &terminal
	}
	return s
}
