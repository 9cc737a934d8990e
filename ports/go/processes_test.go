// The front end on real processes: no byte lost, no hang, no guess.

package lastbyte_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"sync"
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

// If this were red, ordinary commands under a bound of zero would be told that something holds their
// pipes while others start.
func TestC18NoSiblingHoldsAPipe(t *testing.T) {
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 50 {
				cmd := with(lastbyte.Command("echo", "hi"), drainAfter(0))
				if out, err := cmd.Output(); string(out) != "hi\n" || err != nil {
					t.Errorf("got %q, %v", out, err)
				}
			}
		}()
	}
	all.Wait()
}

// If this were red, a child would have descriptors, blocked signals or a SIGPIPE that are ours.
func TestC18TheChildIsClean(t *testing.T) {
	// A sibling whose pipes must not be seen.
	sibling := lastbyte.Command("cat")
	if _, err := sibling.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	sibling.Stdout = io.Discard
	if err := sibling.Start(); err != nil {
		t.Fatal(err)
	}
	defer sibling.Close()
	out, err := sh("ls /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status; exec 2>&1; yes | head -n 1").Output()
	// ls has its three and the folder, and what we have from whoever started us.
	want := fmt.Sprint(4+inheritable(t)) + "\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\ny\n"
	if string(out) != want || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
	out, err = lastbyte.Command("grep", "flags", "/proc/self/fdinfo/1").Output()
	if string(out) != "flags:\t01\n" || err != nil {
		t.Fatalf("stdout is not a blocking pipe: %q, %v", out, err)
	}
}

// If this were red, a child that ignores SIGTERM would live, or what it says to that be lost.
func TestC16TermIsAnsweredOrFollowedByKill(t *testing.T) {
	quick := func(p *lastbyte.Policy) {
		timeout := 100 * time.Millisecond
		p.Timeout, p.KillGrace = &timeout, 100*time.Millisecond
	}
	got, terminal := collect(t, with(sh("trap '' TERM; echo hi; while :; do sleep 0.02; done"), quick))
	if got[lastbyte.Stdout] != "hi\n" || terminal.Status != (lastbyte.Signaled{Signal: 9}) {
		t.Fatalf("got %q, %v", got, terminal.Status)
	}
	if k := terminal.Cause.Killed; !terminal.Cause.TimedOut || k == nil || *k != (machine.Killed{Signal: 15, Escalated: true}) {
		t.Fatalf("got %+v", terminal.Cause)
	}
	patient := func(p *lastbyte.Policy) { quick(p); p.KillGrace = time.Hour }
	script := "trap 'echo bye; exit 7' TERM; echo hi; while :; do sleep 0.02; done"
	got, terminal = collect(t, with(sh(script), patient))
	if got[lastbyte.Stdout] != "hi\nbye\n" || terminal.Status != (lastbyte.Exited{Code: 7}) {
		t.Fatalf("got %q, %v", got, terminal.Status)
	}
}

// If this were red, a death by signal would be an exit code, or the other way round.
func TestC09DeathByASignalIsNoCode(t *testing.T) {
	for script, want := range map[string]lastbyte.Status{
		"kill -KILL $$": lastbyte.Signaled{Signal: 9},
		"kill -TERM $$": lastbyte.Signaled{Signal: 15},
		"exit 137":      lastbyte.Exited{Code: 137},
		"exit 255":      lastbyte.Exited{Code: 255},
	} {
		var exit *lastbyte.ExitError
		if err := sh(script).Run(); !errors.As(err, &exit) || exit.Terminal.Status != want {
			t.Errorf("%s: got %v", script, err)
		}
	}
}

// If this were red, a cancelled context would leave its command, or not be the reason.
func TestC10ACancelledContextKillsAndIsTheReason(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	reached := make(chan struct{})
	cmd := lastbyte.CommandContext(ctx, "sh", "-c", "echo hi; exec sleep 1000")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) { close(reached); return len(p), nil })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	cancel()
	err := cmd.Wait()
	var exit *lastbyte.ExitError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &exit) || !exit.Terminal.Cause.Cancelled {
		t.Fatalf("got %v", err)
	}
	cmd = lastbyte.CommandContext(ctx, "echo")
	if err := cmd.Run(); !errors.Is(err, context.Canceled) {
		t.Fatalf("a command started under a cancelled context: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// If this were red, stdin would lose bytes or its end.
func TestC17StdinComesInOrderAndEnds(t *testing.T) {
	cmd := sh("cat; echo end")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(stdin, "one ")
	_, _ = io.WriteString(stdin, "two ")
	if err := errors.Join(stdin.Close(), stdin.Close(), cmd.Wait()); err != nil || out.String() != "one two end\n" {
		t.Fatalf("got %q, %v", out.String(), err)
	}
	cmd = lastbyte.Command("wc", "-c")
	cmd.Stdin = strings.NewReader(strings.Repeat("x", 1_000_000))
	if out, err := cmd.Output(); strings.TrimSpace(string(out)) != "1000000" || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
	if out, err := lastbyte.Command("cat").Output(); len(out) != 0 || err != nil {
		t.Fatalf("no stdin is not empty: %q, %v", out, err)
	}
}

// If this were red, a command that does not read would fail, or hold up its end.
func TestC17ABrokenPipeOfStdinFailsNothing(t *testing.T) {
	cmd := sh("exec <&-; echo hi")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, writeErr := stdin.Write(make([]byte, 1<<20))
	if err := cmd.Wait(); err != nil || out.String() != "hi\n" {
		t.Fatalf("got %q, %v", out.String(), err)
	}
	accepted, written := stdin.Counts()
	if writeErr == nil || accepted != 1<<20 || written >= accepted {
		t.Fatalf("%v: %d accepted, %d written", writeErr, accepted, written)
	}
	if _, err := stdin.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("got %v", err)
	}
	// A reader without end does not keep it.
	cmd = sh("echo hi")
	cmd.Stdin = rand.New(rand.NewSource(1))
	if out, err := cmd.Output(); string(out) != "hi\n" || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, a kill that meets the exit would lose output or reach a reused pid.
func TestC16AKillThatRacesTheExitLosesNothing(t *testing.T) {
	for n := range 300 {
		cmd := sh("echo hi")
		var out string
		for event, err := range cmd.Events() {
			if err != nil {
				t.Fatal(err)
			}
			switch e := event.(type) {
			case lastbyte.Chunk:
				out += string(e.Bytes)
				for range n % 50 {
					runtime.Gosched()
				}
				if reply, err := cmd.Kill(); err != nil || reply == lastbyte.Latched {
					t.Fatalf("got %v, %v", reply, err)
				}
			case lastbyte.Exit:
				_, killed := e.Terminal.Status.(lastbyte.Signaled)
				if out != "hi\n" || killed && e.Terminal.Cause.Killed == nil {
					t.Fatalf("got %q, %+v", out, e.Terminal)
				}
			}
		}
		if reply, err := cmd.Kill(); reply != lastbyte.AlreadyExited || err != nil {
			t.Fatalf("a kill after the exit: %v, %v", reply, err)
		}
	}
}

// If this were red, a caller could be told of an end before it, or two callers of two ends.
func TestC04WaitsEarlyLateAndManyHaveOneOutcome(t *testing.T) {
	cmd := sh("echo hi; exit 5")
	release, wrote := make(chan struct{}), make(chan struct{})
	delivered := false
	cmd.Stdout = writerFunc(func(p []byte) (int, error) {
		close(wrote)
		<-release
		delivered = true
		return len(p), nil
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	for range 8 {
		go func() {
			err := cmd.Wait()
			if !delivered {
				err = errors.New("the wait was over before the byte was delivered")
			}
			errs <- err
		}()
	}
	<-wrote
	// The exit is known while the output is not taken.
	status, err := cmd.WaitExited(context.Background())
	if status != (lastbyte.Exited{Code: 5}) || err != nil {
		t.Fatalf("got %v, %v", status, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := cmd.WaitTerminal(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	close(release)
	want := cmd.Wait().Error()
	for range 8 {
		if err := <-errs; err == nil || err.Error() != want {
			t.Fatalf("got %v, want %v", err, want)
		}
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

// If this were red, a start that fails would look like a command, or leave something.
func TestC14ARefusedStartSaysItsStageAndLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	script := folder + "/script"
	if err := os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	in := func(dir, name string) *lastbyte.Cmd {
		cmd := lastbyte.Command(name)
		cmd.Dir = dir
		return cmd
	}
	before := descriptors(t)
	for _, c := range []struct {
		cmd   *lastbyte.Cmd
		stage lastbyte.Stage
		errno syscall.Errno
		exit  int
	}{
		{in("", "no-such-program"), lastbyte.StageLookup, syscall.ENOENT, 127},
		{in("", "/no/such/program"), lastbyte.StageLookup, syscall.ENOENT, 127},
		{in("", "/etc/passwd"), lastbyte.StagePermission, syscall.EACCES, 126},
		{in("/no/such/folder", "sh"), lastbyte.StageChdir, syscall.ENOENT, 126},
		{in("/etc/passwd", "sh"), lastbyte.StageChdir, syscall.ENOTDIR, 126},
		{in("", script), lastbyte.StageExec, syscall.ENOENT, 127},
	} {
		var stdout bytes.Buffer
		c.cmd.Stdout = &stdout
		var refused *lastbyte.Error
		err := c.cmd.Start()
		if !errors.As(err, &refused) {
			t.Fatalf("%s: got %v", c.cmd.Path, err)
		}
		if refused.Stage != c.stage || refused.Errno != c.errno || refused.ExitCode() != c.exit || !errors.Is(err, c.errno) {
			t.Errorf("%s: got %s, %v, %d: %v", c.cmd.Path, refused.Stage, refused.Errno, refused.ExitCode(), err)
		}
	}
	if !errors.Is(in("", "no-such-program").Run(), fs.ErrNotExist) {
		t.Error("a program that is not there is not fs.ErrNotExist")
	}
	for _, cmd := range []*lastbyte.Cmd{lastbyte.Command("echo", "a\x00b"), with(sh(""), func(p *lastbyte.Policy) { p.BufferBytesMax = 0 })} {
		var refused *lastbyte.Error
		if err := cmd.Run(); !errors.As(err, &refused) || refused.Kind != lastbyte.InvalidArgument {
			t.Errorf("got %v", err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// If this were red, a lack of descriptors would be a hang, a leak or a panic.
func TestC14ALackOfDescriptorsIsATypedRefusal(t *testing.T) {
	if err := sh("").Run(); err != nil { // whatever is opened once is open
		t.Fatal(err)
	}
	before := descriptors(t)
	for spare := range 8 {
		full := occupy(t, spare)
		cmd := sh("echo hi")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr, cmd.Stdin = &out, writerFunc(func(p []byte) (int, error) { return len(p), nil }), strings.NewReader("x")
		err := cmd.Run()
		full()
		var refused *lastbyte.Error
		if errors.As(err, &refused) {
			if refused.Stage != lastbyte.StagePipes || refused.Errno != syscall.EMFILE || refused.Kind != lastbyte.OverQuota {
				t.Errorf("%d spare: got %v", spare, err)
			}
		} else if spare < 5 || err != nil || out.String() != "hi\n" {
			t.Errorf("%d spare: got %q, %v", spare, out.String(), err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// occupy uses up all descriptors but some, and gives what frees them.
func occupy(t *testing.T, spare int) func() {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	few := old
	few.Cur = 64
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	var fds []int
	for {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		fds = append(fds, fd)
	}
	for range spare {
		_ = syscall.Close(fds[len(fds)-1])
		fds = fds[:len(fds)-1]
	}
	return func() {
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// inheritable counts our descriptors beyond the third that are not closed at exec.
func inheritable(t *testing.T) (n int) {
	t.Helper()
	for fd := 3; fd < 1024; fd++ {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno == 0 && flags&syscall.FD_CLOEXEC == 0 {
			n++
		}
	}
	return n
}

// children are our processes, zombies included.
func children(t *testing.T) string {
	t.Helper()
	var all string
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		list, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		all += string(list)
	}
	return all
}

// If this were red, a close at some moment would leave a process, a descriptor or a goroutine.
func TestC11ACloseAtAnyMomentLeavesNothing(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	if err := sh("").Run(); err != nil {
		t.Fatal(err)
	}
	fds, goroutines := descriptors(t), runtime.NumGoroutine()
	scripts := []string{"echo hi", "echo hi; sleep 1000", "yes", "sleep 1000 & sleep 1000", "trap '' TERM; yes", "exit 3"}
	for range 300 {
		cmd := sh(scripts[r.Intn(len(scripts))])
		if r.Intn(2) == 0 {
			cmd.Stdout = writerFunc(func(p []byte) (int, error) { return len(p), nil })
			cmd.Stdin = strings.NewReader(strings.Repeat("x", 1<<17))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for range r.Intn(2000) {
				runtime.Gosched()
			}
			_, err := cmd.Close()
			if err != nil || cmd.Pid() != 0 {
				t.Fatalf("after a close: pid %d, %v", cmd.Pid(), err)
			}
			_ = cmd.Wait()
			continue
		}
		left, later := r.Intn(4), r.Intn(2000)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			for range later {
				runtime.Gosched()
			}
			for { // before the start there is nothing to close
				if _, err := cmd.Close(); err == nil {
					return
				}
				runtime.Gosched()
			}
		}()
		for _, err := range cmd.Events() {
			if err != nil {
				t.Fatal(err)
			}
			if left--; left < 0 {
				break // which closes as well
			}
		}
		<-closed
	}
	if list := children(t); list != "" {
		t.Errorf("children are left: %s", list)
	}
	// Goroutines that have nothing to do any more may still be on their last line. If one is left for
	// good, this has no end.
	for runtime.NumGoroutine() > goroutines || descriptors(t) > fds {
		runtime.Gosched()
	}
}

// lives is whether a process is there and is no zombie.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// If this were red, a close would leave what the root had started.
func TestC11ACloseEndsTheWholeGroup(t *testing.T) {
	cmd := sh("sleep 1000 & echo $!; wait")
	var pid int
	for event, err := range cmd.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if chunk, ok := event.(lastbyte.Chunk); ok {
			if _, err := fmt.Sscan(string(chunk.Bytes), &pid); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	// SIGKILL is sent, and the kernel takes its time. If it is not, this has no end.
	for lives(pid) {
		runtime.Gosched()
	}
}

// If this were red, whoever closes from inside a Write would wait for himself.
func TestC11AWriterMayClose(t *testing.T) {
	cmd := sh("echo hi; exec sleep 1000")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) {
		_, err := cmd.Close()
		return len(p), err
	})
	var exit *lastbyte.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.Terminal.Status != (lastbyte.Signaled{Signal: 9}) {
		t.Fatalf("got %v", err)
	}
}

// If this were red, a runtime that goes down would have to wait for its commands.
func TestC13AShutdownEndsWithinItsBound(t *testing.T) {
	cmd := with(sh("trap '' TERM; echo hi; while :; do sleep 0.02; done"), func(p *lastbyte.Policy) {
		p.KillGrace, p.ShutdownMax = time.Hour, 50*time.Millisecond
	})
	for event, err := range cmd.Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch e := event.(type) {
		case lastbyte.Chunk:
			if _, err := cmd.Shutdown(); err != nil {
				t.Fatal(err)
			}
			// Told, though nobody has taken the exit yet.
			if terminal, err := cmd.WaitExited(context.Background()); terminal != (lastbyte.Forced{}) || err != nil {
				t.Fatalf("got %v, %v", terminal, err)
			}
		case lastbyte.Exit:
			if e.Terminal.Status != (lastbyte.Forced{}) {
				t.Fatalf("got %v", e.Terminal.Status)
			}
		}
	}
}

// If this were red, a caller could use a command in a way that hangs or panics.
func TestACommandIsUsedOnceAndInOrder(t *testing.T) {
	var misuse *lastbyte.Error
	cmd := sh("echo hi")
	if _, err := cmd.Kill(); !errors.As(err, &misuse) || misuse.Kind != lastbyte.InvalidState {
		t.Fatalf("a kill before the start: %v", err)
	}
	if err := cmd.Wait(); !errors.As(err, &misuse) {
		t.Fatalf("a wait before the start: %v", err)
	}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); !errors.As(err, &misuse) || misuse.Kind != lastbyte.InvalidState {
		t.Fatalf("a second start: %v", err)
	}
	if err := cmd.Discard(lastbyte.Stderr); !errors.As(err, &misuse) || misuse.Kind != lastbyte.InvalidArgument {
		t.Fatalf("a discard of what is not piped: %v", err)
	}
	if _, err := cmd.Signal(65); !errors.As(err, &misuse) || misuse.Kind != lastbyte.InvalidArgument {
		t.Fatalf("signal 65: %v", err)
	}
}
