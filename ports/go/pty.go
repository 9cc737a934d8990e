// A terminal: one stream, for commands that behave otherwise on a pipe.

package lastbyte

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// ioctl_tty(2), which the package syscall has no names for.
const (
	tiocSWINSZ = 0x5414
	tiocGPTN   = 0x80045430
	tiocSPTLCK = 0x40045431
)

// ptyHolds is more than stands between a writer and the master side: 8 KiB of flip buffers and a line
// buffer. What FIONREAD says there lags behind what was written.
const ptyHolds = 64 << 10

// Size is that of a terminal, in characters.
type Size struct{ Rows, Cols uint16 }

// openPTY opens a pair.
func openPTY(size Size) (master, slave int, err error) {
	master, err = syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, -1, err
	}
	var number, locked int32
	slave = -1
	if err = ioctl(master, tiocSPTLCK, unsafe.Pointer(&locked)); err == nil {
		err = ioctl(master, tiocGPTN, unsafe.Pointer(&number))
	}
	if err == nil {
		err = resize(master, size)
	}
	if err == nil {
		err = syscall.SetNonblock(master, true)
	}
	if err == nil {
		path := "/dev/pts/" + strconv.Itoa(int(number))
		slave, err = syscall.Open(path, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		_ = syscall.Close(master)
		return -1, -1, err
	}
	return master, slave, nil
}

func resize(master int, size Size) error {
	winsize := [4]uint16{size.Rows, size.Cols}
	return ioctl(master, tiocSWINSZ, unsafe.Pointer(&winsize))
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}

// terminal connects the child's three descriptors to a terminal.
func (c *Cmd) terminal(e *ends) error {
	master, slave, err := openPTY(*c.PTY)
	if err != nil {
		return err
	}
	e.child = [3]int{slave, slave, slave}
	e.close = append(e.close, slave)
	e.pumps[PTY] = master
	if c.Stdin == nil && c.stdin == nil {
		return nil
	}
	if c.stdin == nil {
		c.stdin = &StdinPipe{}
	}
	c.stdin.pty = true
	// The same open file: it does not wait, and is the poller's as well.
	dup, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(master), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return errno
	}
	e.stdin = int(dup)
	return nil
}

// Resize tells the command's terminal its size, and whoever is in its foreground that it has changed.
func (c *Cmd) Resize(size Size) error {
	exec := c.started()
	if c.PTY == nil || exec == nil {
		return invalid(InvalidState, "resize the terminal: the command has none; set PTY and start it")
	}
	exec.mu.Lock()
	defer exec.mu.Unlock()
	p := exec.pumps[PTY]
	if p == nil || p.finished {
		return os.ErrClosed
	}
	return resize(p.fd, size)
}
