// What is left open after the root has ended: held, cut, reported.

package lastbyte_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// If this were red, a background grandchild would hang the caller, or be taken for a clean end.
func TestC06AHeldPipeEndsByItsPolicyAndIsReported(t *testing.T) {
	idle := func(gap, max time.Duration) func(*lastbyte.Policy) {
		return func(p *lastbyte.Policy) {
			p.Drain = machine.DrainPolicy{Kind: machine.DrainIdle, Gap: gap, Max: max}
		}
	}
	for name, c := range map[string]struct {
		policy func(*lastbyte.Policy)
		cut    machine.Cut
	}{
		"after zero":  {drainAfter(0), machine.CutAfter},
		"after":       {drainAfter(50 * time.Millisecond), machine.CutAfter},
		"idle":        {idle(50*time.Millisecond, time.Hour), machine.CutIdle},
		"max of zero": {idle(0, 0), machine.CutMax},
		"default":     {func(*lastbyte.Policy) {}, machine.CutIdle},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := with(sh("echo hi; sleep 1000 & echo $!; exit 4"), c.policy)
			got, terminal := collect(t, cmd)
			end(t, strings.TrimPrefix(got[lastbyte.Stdout], "hi\n"))
			r := report(t, terminal, lastbyte.Stdout)
			if r.End != (lastbyte.End{Kind: machine.WasCut, Cut: c.cut}) || !r.Held || terminal.Complete() {
				t.Fatalf("got %+v", r)
			}
			if terminal.Status != (lastbyte.Exited{Code: 4}) {
				t.Fatalf("got %v", terminal.Status)
			}
		})
	}
}

// If this were red, whoever chose to wait for ever would be cut.
func TestC06UntilEOFWaitsForTheLastHolder(t *testing.T) {
	cmd := with(sh("echo hi; (sleep 0.4; echo late) & exit 0"), func(p *lastbyte.Policy) {
		p.Drain.Kind = machine.DrainUntilEOF
	})
	if out, err := cmd.Output(); string(out) != "hi\nlate\n" || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, a held pipe would be a success without a word.
func TestC08RunSaysThatAHeldPipeWasCut(t *testing.T) {
	out, err := with(sh("sleep 1000 & echo $!"), drainAfter(0)).Output()
	end(t, string(out))
	var incomplete *lastbyte.IncompleteError
	if !errors.As(err, &incomplete) {
		t.Fatalf("got %v", err)
	}
}

// If this were red, a descendant that is never silent would hold the exit for ever.
func TestC06AChattyDescendantIsCutAtTheCap(t *testing.T) {
	cmd := with(sh("yes & echo $! >&2; exit 0"), func(p *lastbyte.Policy) {
		p.Drain = machine.DrainPolicy{Kind: machine.DrainIdle, Gap: 100 * time.Millisecond, Max: 200 * time.Millisecond}
	})
	got, terminal := collect(t, cmd)
	end(t, got[lastbyte.Stderr])
	if r := report(t, terminal, lastbyte.Stdout); r.End.Cut != machine.CutMax || !r.Held {
		t.Fatalf("got %+v", r)
	}
}

// If this were red, a bound of zero would cut what the root itself wrote.
func TestC07ABoundOfZeroCutsNoByteOfTheRoot(t *testing.T) {
	for range 20 {
		got, terminal := collect(t, with(sh("sleep 1000 & echo $! >&2; head -c 100000 /dev/zero"), drainAfter(0)))
		end(t, got[lastbyte.Stderr])
		if n := len(got[lastbyte.Stdout]); n != 100_000 {
			t.Fatalf("%d of 100,000 bytes came: %+v", n, terminal)
		}
	}
}
