// Everything that can happen.

package machine

// Input is everything that can happen to an execution: the types of this file.
type Input interface {
	// refusal says why this input is illegal in the state of m, or legal. It changes nothing.
	refusal(m *Machine) Why
	// apply makes the transition of a legal input.
	apply(m *Machine, fx *effects)
}

// What becomes of the start.
type (
	// Started : the root has a pid.
	Started struct{}
	// Refused : the root could not be started.
	Refused struct{}
)

// What a pump reads.
type (
	// Chunk : a read returned bytes. They are kept, not copied.
	Chunk struct {
		Stream Stream
		Bytes  []byte
	}
	// ReadEOF : a read said end.
	ReadEOF struct{ Stream Stream }
	// ReadError : a read failed.
	ReadError struct {
		Stream Stream
		Errno  int
	}
	// Empty : a read found nothing, and no end.
	Empty struct{ Stream Stream }
)

// Reap : the root's end became known.
type Reap struct {
	Status Status
	// Standing is what stood unread in each source at that moment.
	Standing map[Stream]uint64
}

// What the consumer and its callers ask for.
type (
	// Drain : the consumer takes one event.
	Drain struct{}
	// Wait : somebody waits.
	Wait struct{ Until Until }
	// CancelWait : somebody who waited goes away.
	CancelWait struct{ Until Until }
	// Signal : send this signal, 1 to 64.
	Signal struct{ Number int }
	// Kill : kill by policy.
	Kill struct{}
	// Discard : nobody wants the rest of this stream.
	Discard struct{ Stream Stream }
	// Detach : the consumer has gone, and the execution goes on.
	Detach struct{}
	// Close : tear the execution down; its consumer has gone.
	Close struct{}
	// Shutdown : the runtime is going down, and the outcome is still wanted.
	Shutdown struct{}
)

// Timeout : this timer ran out.
type Timeout struct{ Timer Timer }

// Stream is one output of an execution.
type Stream uint8

// The streams. Combined is one pipe for both outputs; PTY is a terminal device.
const (
	Stdout Stream = iota
	Stderr
	Combined
	PTY
)

// String is the stream's name in the words of the protocol.
func (s Stream) String() string {
	return [...]string{"stdout", "stderr", "combined", "pty"}[s]
}

// Until is what a waiter waits for.
type Until uint8

// UntilExited waits for the reap, UntilTerminal for the terminal's delivery.
const (
	UntilExited Until = iota
	UntilTerminal
)

// TimerKind names a timer.
type TimerKind uint8

// The timers. Idle and Deadline are those of one stream.
const (
	TimeoutTimer TimerKind = iota
	GraceTimer
	StallTimer
	CloseTimer
	ShutdownTimer
	IdleTimer
	DeadlineTimer
)

// Timer is one timer of an execution. Stream means something for IdleTimer and DeadlineTimer only.
type Timer struct {
	Kind   TimerKind
	Stream Stream
}
