// What the tests on real processes share.

package lastbyte_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
	"github.com/lastbyte/lastbyte/ports/go/machine"
)

func sh(script string) *lastbyte.Cmd { return lastbyte.Command("sh", "-c", script) }

func with(cmd *lastbyte.Cmd, change func(*lastbyte.Policy)) *lastbyte.Cmd {
	policy := lastbyte.DefaultPolicy()
	change(&policy)
	cmd.Policy = &policy
	return cmd
}

func drainAfter(d time.Duration) func(*lastbyte.Policy) {
	return func(p *lastbyte.Policy) { p.Drain = machine.DrainPolicy{Kind: machine.DrainAfter, Max: d} }
}

// collect takes all events, and gives the bytes of each stream and the terminal.
func collect(t *testing.T, cmd *lastbyte.Cmd) (map[lastbyte.Stream]string, lastbyte.Terminal) {
	t.Helper()
	got := map[lastbyte.Stream]string{}
	var terminal *lastbyte.Terminal
	ended := map[lastbyte.Stream]bool{}
	for event, err := range cmd.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if terminal != nil {
			t.Fatalf("%v follows the exit", event)
		}
		switch e := event.(type) {
		case lastbyte.Chunk:
			if ended[e.Stream] {
				t.Fatalf("bytes follow the end of %v", e.Stream)
			}
			got[e.Stream] += string(e.Bytes)
		case lastbyte.Ended:
			ended[e.Stream] = true
		case lastbyte.Exit:
			for _, report := range e.Terminal.Streams {
				if !ended[report.Stream] {
					t.Fatalf("the exit came before the end of %v", report.Stream)
				}
			}
			terminal = &e.Terminal
		}
	}
	if terminal == nil {
		t.Fatal("the events end without an exit")
	}
	return got, *terminal
}

func report(t *testing.T, terminal lastbyte.Terminal, stream lastbyte.Stream) lastbyte.Report {
	t.Helper()
	for _, r := range terminal.Streams {
		if r.Stream == stream {
			return r
		}
	}
	t.Fatalf("no report of %v", stream)
	return lastbyte.Report{}
}

// end ends what a test left behind on purpose; said begins with its pid.
func end(t *testing.T, said string) {
	t.Helper()
	var pid int
	if _, err := fmt.Sscan(said, &pid); err != nil || pid < 2 {
		t.Fatalf("no pid in %q", said)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
