// The root on a kernel that has no pidfds.

package lastbyte

import (
	"context"
	"syscall"
	"testing"
)

// If this were red, a kernel without pidfds would never tell of an end, or leave a zombie.
func TestC05WithoutAPidfdTheEndIsKnownAllTheSame(t *testing.T) {
	cmd := Command("sh", "-c", "echo hi; exit 3")
	path, _, errno := cmd.lookup()
	if errno != 0 {
		t.Fatal(errno)
	}
	exec, err := newExecution([]Stream{Stdout}, DefaultPolicy(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ends, pid, pidfd, err := cmd.fork(path, []Stream{Stdout})
	if err != nil {
		t.Fatal(err)
	}
	if pidfd >= 0 {
		_ = syscall.Close(pidfd)
	}
	cmd.begin(exec, ends, pid, -1)
	var last Event
	for event, ok := exec.next(); ok; event, ok = exec.next() {
		last = event
	}
	<-exec.settled
	exit, ok := last.(Exit)
	if !ok || exit.Terminal.Status != (Exited{Code: 3}) || !exit.Terminal.Complete() {
		t.Fatalf("got %+v", last)
	}
	if status, err := exec.waitExited(context.Background()); status != (Exited{Code: 3}) || err != nil {
		t.Fatalf("got %v, %v", status, err)
	}
	if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Fatalf("the zombie is still there: %v", err)
	}
}
