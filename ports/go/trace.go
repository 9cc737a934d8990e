// The trace of an execution, as docs/traces.md has it: what `lastbyte trace check` reads.

package lastbyte

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

var executions atomic.Uint64

// fields are one line; encoding/json writes them in the order of their names, bytes as base64.
type fields map[string]any

// recorder writes the lines of one execution, under its lock, so that they have the order of its steps.
type recorder struct {
	out     io.Writer
	name    string
	streams []Stream
	policy  Policy
	reaped  bool
	over    bool
	closing bool
}

func newRecorder(out io.Writer, streams []Stream, policy Policy) *recorder {
	name := fmt.Sprintf("go-%d-%d", os.Getpid(), executions.Add(1))
	return &recorder{out: out, name: name, streams: streams, policy: policy}
}

func (r *recorder) line(event string, f fields) {
	if f == nil {
		f = fields{}
	}
	f["execution"], f["event"] = r.name, event
	line, err := json.Marshal(f)
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	if err != nil {
		r.out = io.Discard // the execution goes on; a trace with a hole would not be one
	}
}

// step writes what came, and then what followed.
func (r *recorder) step(in input, step machine.Step, m *machine.Machine) {
	r.input(in)
	for _, action := range step.Actions {
		switch a := action.(type) {
		case machine.SendSignal:
			target := "group"
			if r.policy.KillLeader && !r.reaped {
				target = "leader"
			}
			r.line("signal", fields{"signal": a.Number, "target": target})
		case machine.OrderPump:
			if a.Order == machine.AbandonPump {
				r.line("let_go", fields{"stream": a.Stream.String()})
			}
		}
	}
	r.event(step.Event)
	status := m.Status()
	if status == nil {
		return
	}
	for range step.ResolvedExited {
		r.line("resolved", fields{"until": "exited", "status": statusFields(status)})
	}
	for range step.ResolvedTerminal {
		r.line("resolved", fields{"until": "terminal", "status": statusFields(status)})
	}
	if r.closing && m.Reached(machine.UntilTerminal) {
		r.closing = false
		r.line("closed", nil)
	}
}

func (r *recorder) input(in input) {
	switch in := in.(type) {
	case machine.Started:
		outputs := []string{}
		for _, stream := range r.streams {
			outputs = append(outputs, stream.String())
		}
		f := fields{"outputs": outputs}
		if r.policy.Limit == nil && r.policy.Full.Kind != machine.Gap {
			f["buffer_bytes_max"] = r.policy.BufferBytesMax
		}
		r.line("spawn", f)
	case machine.Refused:
		r.line("refused", nil)
	case machine.Chunk:
		r.line("read", fields{"stream": in.Stream.String(), "base64": in.Bytes})
	case machine.ReadEOF:
		r.line("read_eof", fields{"stream": in.Stream.String()})
	case machine.ReadError:
		r.line("read_error", fields{"stream": in.Stream.String(), "errno": in.Errno})
	case machine.Reap:
		r.reaped = true
		f := fields{"status": statusFields(in.Status)}
		standing := fields{}
		for stream, n := range in.Standing {
			standing[stream.String()] = n
		}
		if !slices.Contains(r.streams, PTY) { // there only a bound of it is known
			f["standing"] = standing
		}
		r.line("reap", f)
	case machine.Wait:
		r.line("wait", fields{"until": untilName(in.Until)})
	case machine.CancelWait:
		r.line("cancel_wait", fields{"until": untilName(in.Until)})
	case machine.Kill:
		r.line("kill", nil)
	case machine.Close:
		if !r.over {
			r.closing = true
			r.line("close", nil)
		}
	case machine.Shutdown:
		r.line("shutdown", nil)
	case machine.Detach:
		r.line("detach", nil)
	case machine.Discard:
		r.line("discard", fields{"stream": in.Stream.String()})
	case machine.Empty, machine.Drain, machine.Signal, machine.Timeout: // seen by what follows
	}
}

func (r *recorder) event(event Event) {
	switch e := event.(type) {
	case Chunk:
		r.line("chunk", fields{"stream": e.Stream.String(), "base64": e.Bytes})
	case Gap:
		r.line("gap", fields{"stream": e.Stream.String(), "bytes": e.Bytes})
	case Ended:
		f := endFields(e.End)
		f["stream"] = e.Stream.String()
		r.line("end", f)
	case Exit:
		r.over = true
		r.line("exit", exitFields(e.Terminal))
	}
}

func untilName(until machine.Until) string {
	if until == machine.UntilExited {
		return "exited"
	}
	return "terminal"
}

func statusFields(status Status) fields {
	switch s := status.(type) {
	case Exited:
		return fields{"code": s.Code}
	case Signaled:
		return fields{"signal": s.Signal, "core": s.Core}
	case Unknown:
		return fields{"unknown": s.Errno}
	case Lost:
		return fields{"lost": true}
	}
	return fields{"forced": true}
}

func endFields(end End) fields {
	switch end.Kind {
	case machine.WasCut:
		return fields{"end": "cut", "why": end.Cut.String()}
	case machine.ReadFailed:
		return fields{"end": "read_error", "errno": end.Errno}
	case machine.Discarded:
		return fields{"end": "discarded"}
	case machine.OutputLimit:
		return fields{"end": "limit"}
	case machine.EOF:
	}
	return fields{"end": "eof"}
}

func exitFields(t Terminal) fields {
	streams, cut := fields{}, []fields{}
	for _, r := range t.Streams {
		f := endFields(r.End)
		if why, ok := f["why"]; ok {
			cut = append(cut, fields{"stream": r.Stream.String(), "why": why})
		}
		f["delivered"], f["dropped"], f["held"] = r.Delivered, r.Dropped, r.Held
		streams[r.Stream.String()] = f
	}
	f := fields{
		"status": statusFields(t.Status), "cut": cut, "streams": streams,
		"timed_out": t.Cause.TimedOut, "cancelled": t.Cause.Cancelled,
		"output_limit": t.Cause.OutputLimit, "stalled": t.Cause.Stalled,
	}
	if killed := t.Cause.Killed; killed != nil {
		f["killed_by_us"] = fields{"signal": killed.Signal, "escalated": killed.Escalated}
	}
	return f
}
