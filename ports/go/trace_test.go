// What the emitter writes; `lastbyte trace check` holds it to the contract in CI.

package lastbyte_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// traced runs commands of every kind, and gives the trace of all.
func traced(t *testing.T) *bytes.Buffer {
	t.Helper()
	trace := &bytes.Buffer{}
	run := func(script string, change func(*lastbyte.Policy)) {
		cmd := with(sh(script), change)
		cmd.Trace = trace
		collect(t, cmd)
	}
	run("echo hi; echo oops >&2; exit 3", func(*lastbyte.Policy) {})
	held := with(sh("sleep 1000 & echo $!"), drainAfter(0))
	held.Trace = trace
	out, _ := held.Output() // which says that it was cut
	end(t, string(out))
	stubborn := func(p *lastbyte.Policy) {
		timeout := 50 * time.Millisecond
		p.Timeout, p.KillGrace, p.Drain.Gap = &timeout, timeout, 0
	}
	run("trap '' TERM; echo hi; while :; do sleep 0.02; done", stubborn)
	run("trap '' TERM; echo hi; while :; do sleep 0.02; done", func(p *lastbyte.Policy) { stubborn(p); p.KillLeader = true })
	run("head -c 100000 /dev/urandom", func(p *lastbyte.Policy) { p.BufferBytesMax = 1000 })
	run("head -c 1000 /dev/zero; kill -9 $$", func(p *lastbyte.Policy) {
		p.Limit = &machine.Limit{Bytes: 10, Over: machine.KeepTail, Tail: 5}
	})
	refused := lastbyte.Command("no-such-program")
	refused.Trace = trace
	if refused.Run() == nil {
		t.Fatal("it starts")
	}
	closed := sh("yes")
	closed.Trace = trace
	for event := range closed.Events() {
		if _, ok := event.(lastbyte.Chunk); ok {
			break
		}
	}
	waited := sh("echo hi; echo oops >&2")
	waited.Trace = trace
	if _, err := waited.CombinedOutput(); err != nil {
		t.Fatal(err)
	}
	terminal := onTerminal("echo hi; echo oops >&2")
	terminal.Trace = trace
	if err := terminal.Run(); err != nil {
		t.Fatal(err)
	}
	return trace
}

// If this were red, a trace would not say what happened.
func TestATraceSaysWhatHappened(t *testing.T) {
	trace := traced(t)
	if kept := os.Getenv("LASTBYTE_TRACE"); kept != "" {
		if err := os.WriteFile(kept, trace.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	counts, names := map[string]int{}, map[string]bool{}
	decoder := json.NewDecoder(trace)
	for decoder.More() {
		var line struct{ Execution, Event string }
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		counts[line.Event]++
		names[line.Execution] = true
	}
	for event, want := range map[string]int{"spawn": 9, "reap": 9, "exit": 8, "refused": 1, "close": 1, "closed": 1} {
		if counts[event] != want {
			t.Errorf("%d lines %q, want %d", counts[event], event, want)
		}
	}
	if len(names) != 10 {
		t.Errorf("%d executions, want 10", len(names))
	}
}
