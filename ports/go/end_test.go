// How executions end: statuses, kills, waits, shutdowns.

package lastbyte_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
	"github.com/lastbyte/lastbyte/ports/go/machine"
)

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
