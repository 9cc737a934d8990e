// Terminals: one stream of a size, a session of its own, input that is typed.

package lastbyte_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
)

func onTerminal(script string) *lastbyte.Cmd {
	cmd := sh(script)
	cmd.PTY = &lastbyte.Size{Rows: 12, Cols: 34}
	return cmd
}

// If this were red, a command would not find a terminal at each descriptor, or not of its size.
func TestC03ATerminalIsOneStreamOfItsSize(t *testing.T) {
	cmd := onTerminal("stty size; test -t 0 && test -t 1 && test -t 2 && echo oops >&2; exit 4")
	out, err := cmd.Output()
	var exit *lastbyte.ExitError
	if string(out) != "12 34\r\noops\r\n" || !errors.As(err, &exit) || exit.Terminal.Status != (lastbyte.Exited{Code: 4}) {
		t.Fatalf("got %q, %v", out, err)
	}
	if !exit.Terminal.Complete() || len(exit.Stderr) != 0 {
		t.Fatalf("not complete: %+v", exit)
	}
}

// If this were red, a shell on the terminal would have no job control, and a Ctrl-C would reach us.
func TestC18TheChildLeadsASessionWhoseTerminalItIs(t *testing.T) {
	out, err := onTerminal("echo $$ $(ps -o sid= -p $$) $(ps -o tpgid= -p $$); : </dev/tty").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 3 || fields[0] != fields[1] || fields[0] != fields[2] {
		t.Fatalf("got %q, %v", out, err)
	}
}

// If this were red, the end of an output would be lost where a descendant keeps the terminal.
func TestC07TheRootsLastBytesArriveAlsoWhenTheTerminalIsHeld(t *testing.T) {
	want := ""
	for n := 1; n <= 2000; n++ {
		want += fmt.Sprintf("%d\r\n", n)
	}
	for range 20 {
		out, err := with(onTerminal("trap '' HUP; sleep 5 & seq 2000"), drainAfter(0)).Output()
		var cut *lastbyte.IncompleteError
		if string(out) != want || !errors.As(err, &cut) {
			t.Fatalf("got %d of %d bytes, %v", len(out), len(want), err)
		}
		if end := fmt.Sprint(cut.Terminal.Streams[0].End); end != "cut after" {
			t.Fatalf("ended: %v", end)
		}
	}
}

// If this were red, a root that lets go of its terminal before it ends would be hung up on.
func TestC09ARootThatLetsGoOfItsTerminalEndsByItself(t *testing.T) {
	for range 20 {
		if err := onTerminal("exec <&- >&- 2>&-; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done").Run(); err != nil {
			t.Fatal(err)
		}
	}
}

// If this were red, a command that reads would not see the end of what is typed, or lose a line.
func TestC17InputIsTypedAndEnds(t *testing.T) {
	cmd := onTerminal("stty -echo; echo up; cat; echo end")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make([]byte, 4)
	if _, err := io.ReadFull(read, up); err != nil || string(up) != "up\r\n" {
		t.Fatalf("got %q, %v", up, err)
	}
	var rest bytes.Buffer
	copied := make(chan struct{})
	go func() { _, _ = io.Copy(&rest, read); close(copied) }()
	if _, err := io.WriteString(stdin, "one\ntwo"); err != nil {
		t.Fatal(err)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	<-copied
	if rest.String() != "one\r\ntwoend\r\n" {
		t.Fatalf("got %q", rest.String())
	}
	if accepted, written := stdin.Counts(); accepted != 7 || written != 7 {
		t.Fatalf("counts: %d, %d", accepted, written)
	}
}

// If this were red, a program on the terminal would draw to a size that it no longer has.
func TestATerminalIsResized(t *testing.T) {
	cmd := onTerminal("stty -echo; trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.01; done")
	sized := 0
	for event, err := range cmd.Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch e := event.(type) {
		case lastbyte.Chunk:
			switch string(e.Bytes) {
			case "up\r\n":
				if err := cmd.Resize(lastbyte.Size{Rows: 50, Cols: 132}); err != nil {
					t.Fatal(err)
				}
			case "50 132\r\n":
				sized++
			default:
				t.Errorf("got %q", e.Bytes)
			}
		case lastbyte.Exit:
			if !e.Terminal.Complete() || sized != 1 {
				t.Errorf("sized %d times; %+v", sized, e.Terminal)
			}
		}
	}
	if err := cmd.Resize(lastbyte.Size{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if err := sh("true").Resize(lastbyte.Size{}); err == nil {
		t.Error("a command without a terminal was resized")
	}
}

// If this were red, commands on terminals that are closed or refused would use up our descriptors.
func TestC11NoDescriptorOfATerminalIsLeft(t *testing.T) {
	before := descriptors(t)
	for range 10 {
		cmd := onTerminal("sleep 60")
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Close(); err != nil {
			t.Fatal(err)
		}
		refused := lastbyte.Command("/etc/passwd") // after its terminal was opened
		refused.PTY, refused.Stdin = &lastbyte.Size{}, strings.NewReader("typed")
		var start *lastbyte.Error
		if err := refused.Run(); !errors.As(err, &start) || start.Stage != lastbyte.StagePermission {
			t.Fatalf("not refused: %v", err)
		}
	}
	if after := descriptors(t); after != before {
		t.Fatalf("%d descriptors, before %d", after, before)
	}
	apart := onTerminal("true")
	apart.Stdout, apart.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := apart.Run(); err == nil {
		t.Fatal("a terminal with two outputs was started")
	}
}
