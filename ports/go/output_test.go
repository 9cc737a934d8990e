// What arrives: every byte, in order, within its bounds.

package lastbyte_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"time"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// If this were red, an exit could overtake the last bytes.
func TestC01OfAThousandEchoesNoneIsLost(t *testing.T) {
	var all sync.WaitGroup
	for worker := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range 250 {
				want := fmt.Sprintf("marker %d %d\n", worker, n)
				out, err := lastbyte.Command("echo", strings.TrimSuffix(want, "\n")).Output()
				if string(out) != want || err != nil {
					t.Errorf("got %q, %v", out, err)
				}
			}
		}()
	}
	all.Wait()
}

// If this were red, a status could hide output, or an end come before a byte.
func TestC01TheExitIsLastAndFollowsEveryEnd(t *testing.T) {
	got, terminal := collect(t, sh("echo out; echo oops >&2; exit 3"))
	if got[lastbyte.Stdout] != "out\n" || got[lastbyte.Stderr] != "oops\n" {
		t.Fatalf("got %q", got)
	}
	if terminal.Status != (lastbyte.Exited{Code: 3}) || !terminal.Complete() {
		t.Fatalf("got %+v", terminal)
	}
}

// If this were red, large binary output would be cut, doubled or reordered.
func TestC03ALargeBinaryOutputIsWhole(t *testing.T) {
	const size = 256 << 20
	sum := sha256.New()
	in := io.TeeReader(io.LimitReader(rand.New(rand.NewSource(7)), size), sum)
	out := sha256.New()
	cmd := lastbyte.Command("cat")
	cmd.Stdin, cmd.Stdout = in, out
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	terminal, err := cmd.WaitTerminal(context.Background())
	if err != nil || report(t, terminal, lastbyte.Stdout).Delivered != size {
		t.Fatalf("%+v, %v", terminal, err)
	}
	if !bytes.Equal(out.Sum(nil), sum.Sum(nil)) {
		t.Fatal("other bytes came out than went in")
	}
}

// If this were red, two busy streams would block or mix.
func TestC03BothStreamsArriveWhole(t *testing.T) {
	script := "i=0; while [ $i -lt 20000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
	var stdout, stderr, wantOut, wantErr bytes.Buffer
	for i := range 20000 {
		fmt.Fprintln(&wantOut, "out", i)
		fmt.Fprintln(&wantErr, "err", i)
	}
	cmd := sh(script)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stdout.Bytes(), wantOut.Bytes()) || !bytes.Equal(stderr.Bytes(), wantErr.Bytes()) {
		t.Fatal("lines are lost or out of order")
	}
}

// If this were red, one pipe for both outputs would lose the order of the writes.
func TestC03CombinedOutputHasTheOrderOfTheWrites(t *testing.T) {
	out, err := sh("i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); echo $i >&2; i=$((i+1)); done").CombinedOutput()
	var want bytes.Buffer
	for i := range 500 {
		fmt.Fprintln(&want, i)
	}
	if !bytes.Equal(out, want.Bytes()) || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, bytes would be taken for text or lines.
func TestC03ZerosInvalidTextAndAMissingNewlinePassAsTheyAre(t *testing.T) {
	out, err := sh(`printf 'a\000b\377\303\050\r\nend'`).Output()
	if string(out) != "a\x00b\xff\xc3\x28\r\nend" || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, writes of one byte would come in another order.
func TestC03WritesOfOneByteComeInOrder(t *testing.T) {
	out, err := sh("i=0; while [ $i -lt 300 ]; do printf $((i%10)); i=$((i+1)); done").Output()
	if string(out) != strings.Repeat("0123456789", 30) || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, a writer that fails would block its command, or its failure be silent.
func TestC15AWriterThatFailsHoldsNothingUpAndIsTold(t *testing.T) {
	full := errors.New("full")
	cmd := sh("head -c 3000000 /dev/zero; echo oops >&2")
	var stderr bytes.Buffer
	cmd.Stdout = writerFunc(func([]byte) (int, error) { return 0, full })
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != full || stderr.String() != "oops\n" {
		t.Fatalf("got %v, %q", err, stderr.String())
	}
}

// If this were red, a slow consumer would lose bytes or have them pile up.
func TestC12ABufferIsBoundedAndLosesNothing(t *testing.T) {
	cmd := with(sh("head -c 300000 /dev/zero"), func(p *lastbyte.Policy) { p.BufferBytesMax = 1000 })
	got, terminal := collect(t, cmd)
	if len(got[lastbyte.Stdout]) != 300_000 || !terminal.Complete() {
		t.Fatalf("%d bytes, %+v", len(got[lastbyte.Stdout]), terminal)
	}
	gaps := uint64(0)
	cmd = with(sh("head -c 300000 /dev/zero"), func(p *lastbyte.Policy) {
		p.BufferBytesMax, p.Full.Kind = 1000, machine.Gap
	})
	for event, err := range cmd.Events() {
		switch e := event.(type) {
		case lastbyte.Chunk:
			// The rest is read while this consumer stands still.
			if _, err := cmd.WaitExited(context.Background()); err != nil {
				t.Fatal(err)
			}
		case lastbyte.Gap:
			gaps += e.Bytes
		case lastbyte.Exit:
			r := report(t, e.Terminal, lastbyte.Stdout)
			if r.Delivered+r.Dropped != 300_000 || r.Dropped != gaps || gaps == 0 {
				t.Fatalf("%d in gaps, %+v", gaps, r)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// If this were red, a consumer that has stopped would be waited for without end.
func TestC12AConsumerThatStallsIsKilledFor(t *testing.T) {
	cmd := with(sh("yes"), func(p *lastbyte.Policy) {
		p.BufferBytesMax, p.Full = 1000, machine.FullPolicy{Kind: machine.KillAfter, After: 50 * time.Millisecond}
	})
	for event, err := range cmd.Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch e := event.(type) {
		case lastbyte.Chunk:
			if _, err := cmd.WaitExited(context.Background()); err != nil {
				t.Fatal(err)
			}
		case lastbyte.Exit:
			if !e.Terminal.Cause.Stalled {
				t.Fatalf("got %+v", e.Terminal.Cause)
			}
		}
	}
}

// If this were red, output beyond a limit would be kept, or cut in silence.
func TestC08ALimitIsTold(t *testing.T) {
	cmd := with(sh("printf 0123456789"), func(p *lastbyte.Policy) {
		p.Limit = &machine.Limit{Bytes: 3, Over: machine.KeepTail, Tail: 2}
	})
	got, terminal := collect(t, cmd)
	r := report(t, terminal, lastbyte.Stdout)
	if got[lastbyte.Stdout] != "01289" || r.Dropped != 5 || r.End.Kind != machine.OutputLimit {
		t.Fatalf("got %q, %+v", got, r)
	}
}
