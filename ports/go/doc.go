// Package lastbyte runs a command, and gives every byte of its output before its exit.
//
// [Cmd] has the shape of os/exec's: Run, Output, CombinedOutput, Start and Wait, with io.Writers that
// take the output as it comes. [Cmd.Events] gives it as events, in order, of which the exit is the last.
// What is different: a command that leaves something behind on its pipes neither hangs Wait nor loses
// output in silence; its [Terminal] says of each stream how it ended and whether it is whole.
//
// What is decided is decided in the package machine; this one reads, waits, signals and keeps time.
package lastbyte

import "github.com/lastbyte/lastbyte/ports/go/machine"

// The values of the machine, by the names that callers use.
type (
	Terminal = machine.Terminal
	Report   = machine.Report
	Cause    = machine.Cause
	End      = machine.End
	Stream   = machine.Stream
	Policy   = machine.Policy
	Reply    = machine.Reply

	Status   = machine.Status
	Exited   = machine.Exited
	Signaled = machine.Signaled
	Unknown  = machine.Unknown
	Lost     = machine.Lost
	Forced   = machine.Forced

	Event = machine.Event
	Chunk = machine.ChunkEvent
	Gap   = machine.GapEvent
	Ended = machine.EndEvent
	Exit  = machine.ExitEvent
)

// The streams of an execution.
const (
	Stdout   = machine.Stdout
	Stderr   = machine.Stderr
	Combined = machine.Combined
	PTY      = machine.PTY
)

// What becomes of a signal, kill, close or shutdown.
const (
	Done          = machine.Done
	Latched       = machine.Latched
	AlreadyExited = machine.AlreadyExited
)

// DefaultPolicy is what a Cmd has whose Policy is nil.
func DefaultPolicy() Policy { return machine.DefaultPolicy() }
