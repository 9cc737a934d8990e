// Closes, at any moment.

package lastbyte_test

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"testing"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
)

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

// If this were red, whoever closes from inside a Write would wait for himself, or a wait be over while
// a writer is still at work.
func TestC11AWriterMayClose(t *testing.T) {
	finished := false
	cmd := sh("echo hi; exec sleep 1000")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) {
		_, err := cmd.Close()
		for range 1000 {
			runtime.Gosched()
		}
		finished = true
		return len(p), err
	})
	var exit *lastbyte.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.Terminal.Status != (lastbyte.Signaled{Signal: 9}) {
		t.Fatalf("got %v", err)
	}
	if !finished {
		t.Fatal("the wait was over before the writer was")
	}
}
