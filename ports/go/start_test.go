// Starts: what the child gets, and what a refused one leaves.

package lastbyte_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
)

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
