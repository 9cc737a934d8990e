// The words of the protocol, read.

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

var streamSets = map[string][]machine.Stream{
	"none":     {},
	"stdout":   {machine.Stdout},
	"stderr":   {machine.Stderr},
	"separate": {machine.Stdout, machine.Stderr},
	"combined": {machine.Combined},
	"pty":      {machine.PTY},
}

func parseStreams(text string) ([]machine.Stream, error) {
	streams, ok := streamSets[text]
	if !ok {
		return nil, fmt.Errorf("no such streams: %q", text)
	}
	return streams, nil
}

// words takes one value apart, word by word. The first fault is kept, and everything after it is zero.
type words struct {
	text, rest string
	err        error
}

func (w *words) fail() {
	if w.err == nil {
		w.err = fmt.Errorf("not a value of the protocol: %q", w.text)
	}
}

func (w *words) word() string {
	word, rest, _ := strings.Cut(w.rest, " ")
	w.rest = rest
	return word
}

func (w *words) number() uint64 {
	n, err := strconv.ParseUint(w.word(), 10, 63)
	if err != nil {
		w.fail()
	}
	return n
}

func (w *words) int() int { return int(w.number()) }

func (w *words) code() int {
	n, err := strconv.Atoi(w.word())
	if err != nil {
		w.fail()
	}
	return n
}

func (w *words) millis() time.Duration {
	n := w.number()
	if n > uint64(1<<63-1)/uint64(time.Millisecond) {
		w.fail()
	}
	return time.Duration(n) * time.Millisecond
}

func (w *words) stream() machine.Stream {
	word := w.word()
	for _, s := range []machine.Stream{machine.Stdout, machine.Stderr, machine.Combined, machine.PTY} {
		if s.String() == word {
			return s
		}
	}
	w.fail()
	return machine.Stdout
}

// bytes is the rest: each character is one byte.
func (w *words) bytes() []byte {
	bytes := make([]byte, 0, len(w.rest))
	for _, r := range w.rest {
		if r > 0xff {
			w.fail()
		}
		bytes = append(bytes, byte(r))
	}
	w.rest = ""
	return bytes
}

func (w *words) until() machine.Until {
	switch w.word() {
	case "exited":
		return machine.UntilExited
	case "terminal":
		return machine.UntilTerminal
	}
	w.fail()
	return machine.UntilExited
}

func (w *words) status() machine.Status {
	switch w.word() {
	case "exited":
		return machine.Exited{Code: w.code()}
	case "signaled":
		status := machine.Signaled{Signal: w.int()}
		if w.rest == "core" || strings.HasPrefix(w.rest, "core ") {
			w.word()
			status.Core = true
		}
		return status
	case "unknown":
		return machine.Unknown{Errno: w.int()}
	case "lost":
		return machine.Lost{}
	case "forced":
		return machine.Forced{}
	}
	w.fail()
	return nil
}

func (w *words) standing() map[machine.Stream]uint64 {
	standing := map[machine.Stream]uint64{}
	if w.rest == "" {
		return standing
	}
	if w.word() != "standing" {
		w.fail()
	}
	for w.rest != "" && w.err == nil {
		stream := w.stream()
		standing[stream] = w.number()
	}
	return standing
}

var timerNames = [...]string{"timeout", "grace", "stall", "close", "shutdown", "idle", "deadline"}

func (w *words) timer() machine.Timer {
	word := w.word()
	for i, name := range timerNames {
		if name == word {
			timer := machine.Timer{Kind: machine.TimerKind(i)}
			if timer.Kind >= machine.IdleTimer {
				timer.Stream = w.stream()
			}
			return timer
		}
	}
	w.fail()
	return machine.Timer{}
}

func parseInput(text string) (machine.Input, error) {
	w := &words{text: text, rest: text}
	input := w.input()
	if input == nil || w.rest != "" {
		w.fail()
	}
	return input, w.err
}

func (w *words) input() machine.Input {
	switch w.word() {
	case "started":
		return machine.Started{}
	case "refused":
		return machine.Refused{}
	case "chunk":
		return machine.Chunk{Stream: w.stream(), Bytes: w.bytes()}
	case "eof":
		return machine.ReadEOF{Stream: w.stream()}
	case "read_error":
		return machine.ReadError{Stream: w.stream(), Errno: w.int()}
	case "empty":
		return machine.Empty{Stream: w.stream()}
	case "reap":
		return machine.Reap{Status: w.status(), Standing: w.standing()}
	case "drain":
		return machine.Drain{}
	case "wait":
		return machine.Wait{Until: w.until()}
	case "cancel_wait":
		return machine.CancelWait{Until: w.until()}
	case "signal":
		return machine.Signal{Number: w.int()}
	case "kill":
		return machine.Kill{}
	case "discard":
		return machine.Discard{Stream: w.stream()}
	case "detach":
		return machine.Detach{}
	case "close":
		return machine.Close{}
	case "shutdown":
		return machine.Shutdown{}
	case "timeout":
		return machine.Timeout{Timer: w.timer()}
	}
	return nil
}

// parsePolicy is the default with what differs from it.
func parsePolicy(texts []string) (machine.Policy, error) {
	policy := machine.DefaultPolicy()
	for _, text := range texts {
		w := &words{text: text, rest: text}
		w.policy(&policy)
		if w.rest != "" {
			w.fail()
		}
		if w.err != nil {
			return policy, w.err
		}
	}
	return policy, nil
}

func (w *words) policy(p *machine.Policy) {
	switch w.word() {
	case "drain":
		p.Drain = w.drain()
	case "descendants":
		p.KillDescendants = w.either("leave", "kill")
	case "kill_signal":
		p.KillSignal = w.int()
	case "kill_grace":
		p.KillGrace = w.millis()
	case "kill_target":
		p.KillLeader = w.either("group", "leader")
	case "buffer_bytes_max":
		p.BufferBytesMax = w.number()
	case "buffer_chunks_max":
		p.BufferChunksMax = w.int()
	case "buffer_full":
		p.Full = w.full()
	case "limit":
		p.Limit = w.limit()
	case "timeout":
		timeout := w.millis()
		p.Timeout = &timeout
	case "close_max":
		p.CloseMax = w.millis()
	case "shutdown_max":
		p.ShutdownMax = w.millis()
	default:
		w.fail()
	}
}

// either is whether the word is the second of two.
func (w *words) either(first, second string) bool {
	word := w.word()
	if word != first && word != second {
		w.fail()
	}
	return word == second
}

func (w *words) drain() (d machine.DrainPolicy) {
	switch w.word() {
	case "until_eof":
		d.Kind = machine.DrainUntilEOF
	case "after":
		d.Kind, d.Max = machine.DrainAfter, w.millis()
	case "idle":
		d.Kind, d.Gap, d.Max = machine.DrainIdle, w.millis(), w.millis()
	default:
		w.fail()
	}
	return d
}

func (w *words) full() (f machine.FullPolicy) {
	switch w.word() {
	case "pause":
		f.Kind = machine.Pause
	case "gap":
		f.Kind = machine.Gap
	case "kill_after":
		f.Kind, f.After = machine.KillAfter, w.millis()
	default:
		w.fail()
	}
	return f
}

func (w *words) limit() *machine.Limit {
	limit := &machine.Limit{Bytes: w.number()}
	switch w.word() {
	case "truncate":
		limit.Over = machine.Truncate
	case "keep_tail":
		limit.Over, limit.Tail = machine.KeepTail, w.number()
	case "kill":
		limit.Over = machine.OverKill
	default:
		w.fail()
	}
	return limit
}
