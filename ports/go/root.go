// The root: its end, what stood in its pipes then, and its zombie.

package lastbyte

import (
	"os"
	"syscall"
	"unsafe"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// waitid(2), which the package syscall has no call for.
const (
	pPID    = 1
	wNOHANG = 0x1
	wEXITED = 0x4
	wNOWAIT = 0x01000000

	cldExited = 1
	cldDumped = 3

	fionread = 0x541b
)

// siginfo is the kernel's siginfo_t of a child: its fields begin where a pointer may stand.
type siginfo struct {
	signo, errno, code int32
	child              struct {
		_      [0]uintptr
		pid    int32
		uid    uint32
		status int32
		_      int32
	}
	_ [128]byte
}

// waitRoot looks at the root and leaves its zombie where it is: while it is there, neither its pid nor its
// group can be another's. False: it has not ended.
func waitRoot(pid int, flags uintptr) (Status, bool) {
	var info siginfo
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPID, uintptr(pid),
			uintptr(unsafe.Pointer(&info)), wEXITED|wNOWAIT|flags, 0, 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return Unknown{Errno: int(errno)}, true
		case info.child.pid == 0:
			return nil, false
		case info.code == cldExited:
			return Exited{Code: int(info.child.status)}, true
		}
		return Signaled{Signal: int(info.child.status), Core: info.code == cldDumped}, true
	}
}

// watch waits for the root's end: on its pidfd where the kernel has them, else in a thread.
func (e *execution) watch(pidfd int) {
	seen := false
	if pidfd >= 0 && syscall.SetNonblock(pidfd, true) == nil {
		file := os.NewFile(uintptr(pidfd), "pidfd")
		if raw, err := file.SyscallConn(); err == nil {
			seen = raw.Read(func(uintptr) bool { return e.lookAtRoot(wNOHANG) }) == nil
		}
		_ = file.Close()
	} else if pidfd >= 0 {
		_ = syscall.Close(pidfd)
	}
	if !seen {
		waitRoot(e.pid, 0)
		e.lookAtRoot(wNOHANG)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watched = false
	e.note()
}

// lookAtRoot makes the reap if the root has ended.
func (e *execution) lookAtRoot(flags uintptr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	status, ended := waitRoot(e.pid, flags)
	if !ended {
		return false
	}
	e.ended = true
	if _, unknown := status.(Unknown); unknown {
		e.collected = true // by somebody else
	}
	standing := map[Stream]uint64{}
	for stream, p := range e.pumps {
		if !p.finished {
			standing[stream] = p.standing()
		}
	}
	if _, err := e.step(machine.Reap{Status: status, Standing: standing}); err != nil {
		e.note() // it was given up before
		return true
	}
	for _, p := range e.pumps {
		p.lookOn()
	}
	return true
}

// standing is how much stands unread.
func (p *pump) standing() uint64 {
	if p.stream == PTY {
		return ptyHolds
	}
	var n int32
	if err := ioctl(p.fd, fionread, unsafe.Pointer(&n)); err != nil || n < 0 {
		return 0
	}
	return uint64(n)
}

// collect takes the zombie away: nobody signals it any more. The lock is held.
func (e *execution) collect() {
	e.collected = true
	for {
		if _, err := syscall.Wait4(e.pid, nil, 0, nil); err != syscall.EINTR {
			return
		}
	}
}
