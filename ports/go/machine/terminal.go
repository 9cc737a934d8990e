// What the last event says: status, causes, and a report of each stream.

package machine

import "fmt"

// Status is how the root ended: Exited, Signaled, Unknown, Lost or Forced.
type Status interface {
	fmt.Stringer
	status()
}

type (
	// Exited : the root ended by itself.
	Exited struct{ Code int }
	// Signaled : a signal ended the root.
	Signaled struct {
		Signal int
		Core   bool
	}
	// Unknown : the wait for the root failed with this errno.
	Unknown struct{ Errno int }
	// Lost : whoever knew the root is gone.
	Lost struct{}
	// Forced : a close or shutdown ran out before the root was reaped.
	Forced struct{}
)

func (Exited) status()   {}
func (Signaled) status() {}
func (Unknown) status()  {}
func (Lost) status()     {}
func (Forced) status()   {}

func (s Exited) String() string { return fmt.Sprint("exited ", s.Code) }
func (s Signaled) String() string {
	if s.Core {
		return fmt.Sprintf("signaled %d core", s.Signal)
	}
	return fmt.Sprint("signaled ", s.Signal)
}
func (s Unknown) String() string { return fmt.Sprint("unknown ", s.Errno) }
func (Lost) String() string      { return "lost" }
func (Forced) String() string    { return "forced" }

// Cut says what cut a stream before its end.
type Cut uint8

// What cuts a stream.
const (
	notCut      Cut = iota
	CutAfter        // the bound of DrainAfter
	CutIdle         // the gap of DrainIdle
	CutMax          // the cap of DrainIdle
	CutClose        // a close
	CutShutdown     // a shutdown
)

// String is the cut in the words of the protocol.
func (c Cut) String() string {
	return [...]string{"none", "after", "idle", "max", "close", "shutdown"}[c]
}

// EndKind is how a stream ended.
type EndKind uint8

// How a stream ends.
const (
	EOF         EndKind = iota
	WasCut              // see End.Cut
	ReadFailed          // see End.Errno
	Discarded           // nobody wanted it, and bytes were thrown away
	OutputLimit         // bytes beyond the limit were dropped
)

// End is how a stream ended. Its zero value is EOF.
type End struct {
	Kind  EndKind
	Cut   Cut
	Errno int
}

// String is the end in the words of the protocol.
func (e End) String() string {
	switch e.Kind {
	case WasCut:
		return "cut " + e.Cut.String()
	case ReadFailed:
		return fmt.Sprint("read_error ", e.Errno)
	case Discarded:
		return "discarded"
	case OutputLimit:
		return "limit"
	case EOF:
	}
	return "eof"
}

// Cause is what we did before the reap, beside the status.
type Cause struct {
	TimedOut, Cancelled, OutputLimit, Stalled bool
	Killed                                    *Killed // nil: not by us
}

// Killed is our kill.
type Killed struct {
	Signal    int  // the first signal
	Escalated bool // SIGKILL followed
}

// Report is what became of one stream.
type Report struct {
	Stream             Stream
	Delivered, Dropped uint64
	End                End
	Held               bool // something still held it open when it was cut
}

// Complete is whether the stream ended with EOF and nothing of it was dropped.
func (r Report) Complete() bool { return r.End.Kind == EOF && r.Dropped == 0 }

// Terminal is what the last event says.
type Terminal struct {
	Status  Status
	Cause   Cause
	Streams []Report
}

// Complete is whether every stream is whole. It does not depend on the status.
func (t Terminal) Complete() bool {
	for _, r := range t.Streams {
		if !r.Complete() {
			return false
		}
	}
	return true
}
