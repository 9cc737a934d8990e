// Bytes to a command, and their end.

package lastbyte_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"os"
	"strings"
	"syscall"
	"testing"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
)

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
	// It closes its stdin when the write has begun.
	cmd := sh("head -c 1 >/dev/null; exec <&-; echo hi")
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
	// It has ended, though the command lives on.
	cmd = sh("exec <&-; exec sleep 1000")
	if stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, first := stdin.Write(make([]byte, 1<<20))
	_, second := stdin.Write([]byte("x"))
	if _, err := cmd.Close(); err != nil || !errors.Is(first, syscall.EPIPE) || !errors.Is(second, os.ErrClosed) {
		t.Fatalf("got %v, %v, %v", first, second, err)
	}
	// A reader without end does not keep it.
	cmd = sh("echo hi")
	cmd.Stdin = rand.New(rand.NewSource(1))
	if out, err := cmd.Output(); string(out) != "hi\n" || err != nil {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, a descendant that holds the stdin would keep whoever writes to it.
func TestC17AHeldStdinDoesNotKeepItsWriter(t *testing.T) {
	// It goes on when the write has begun.
	cmd := with(sh("head -c 1 >/dev/null; exec 3<&0; sleep 1000 & echo $!"), drainAfter(0))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n, err := stdin.Write(make([]byte, 1<<20))
	end(t, func() string { _ = cmd.Wait(); return out.String() }())
	if accepted, written := stdin.Counts(); err == nil || accepted != 1<<20 || written != uint64(n) {
		t.Fatalf("%v: %d accepted, %d written", err, accepted, written)
	}
}
