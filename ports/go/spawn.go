// The start: lookup, pipes, fork and exec; and at which stage it was refused.

package lastbyte

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// starts has one start at a time: until our copies of a child's pipe ends are closed, a sibling that
// is forked has them too, and would look like a descendant that holds them (C18).
var starts sync.Mutex

// ends are the descriptors of a start.
type ends struct {
	child [3]int         // what the child gets
	close []int          // ours to close when it has them
	pumps map[Stream]int // what we read
	stdin int            // what we write; -1 for none
}

// spawn starts the root of an execution. Where it is refused no descriptor is left.
func (c *Cmd) spawn(e *execution, streams []Stream) error {
	if err := c.checkNUL(); err != nil {
		return err
	}
	path, stage, errno := c.lookup()
	if errno != 0 {
		return refusedStart(stage, errno, c.Path, c.Dir)
	}
	ends, pid, pidfd, err := c.fork(path, streams)
	if err != nil {
		return err
	}
	c.begin(e, ends, pid, pidfd)
	return nil
}

// begin says that the root runs, and sets to work whoever reads and waits.
func (c *Cmd) begin(e *execution, ends *ends, pid, pidfd int) {
	e.mu.Lock()
	e.pid = pid
	for stream, fd := range ends.pumps {
		e.pumps[stream] = newPump(e, stream, fd)
	}
	e.pumping, e.watched = len(e.pumps), true
	if ends.stdin >= 0 {
		c.stdin.begin(ends.stdin, c.Stdin)
		e.stdin = c.stdin
	}
	_, _ = e.step(machine.Started{}) // legal: this is the only start
	for _, p := range e.pumps {
		go p.run()
	}
	go e.watch(pidfd)
	e.mu.Unlock()
}

func (c *Cmd) checkNUL() error {
	for i, text := range append([]string{c.Path, c.Dir}, append(c.Args, c.Env...)...) {
		if strings.Contains(text, "\x00") {
			return invalid(InvalidArgument, "run "+strconv.Quote(c.Path)+": string "+strconv.Itoa(i)+
				" of its path, folder, arguments and environment has a NUL byte; take it out")
		}
	}
	return nil
}

// lookup finds the program on our PATH, whose relative folders are not searched.
func (c *Cmd) lookup() (string, Stage, syscall.Errno) {
	if strings.Contains(c.Path, "/") {
		return c.Path, "", 0
	}
	stage, worst := StageLookup, syscall.ENOENT
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if !filepath.IsAbs(folder) || c.Path == "" {
			continue
		}
		path := filepath.Join(folder, c.Path)
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 != 0 {
			return path, "", 0
		}
		stage, worst = StagePermission, syscall.EACCES
	}
	return "", stage, worst
}

// fork makes the pipes and the child, and closes what is the child's.
func (c *Cmd) fork(path string, streams []Stream) (e *ends, pid, pidfd int, err error) {
	starts.Lock()
	defer starts.Unlock()
	e = &ends{pumps: map[Stream]int{}, stdin: -1}
	defer func() { e.closeChilds(err != nil) }()
	if errno := c.connect(e, streams); errno != nil {
		return e, 0, -1, refusedStart(StagePipes, syscall.Errno(errnoOf(errno)), c.Path, c.Dir)
	}
	env := c.Env
	if env == nil {
		env = os.Environ()
	}
	pidfd = -1
	pid, err = syscall.ForkExec(path, c.Args, &syscall.ProcAttr{
		Dir: c.Dir, Env: env,
		Files: []uintptr{uintptr(e.child[0]), uintptr(e.child[1]), uintptr(e.child[2])},
		// The leader of a session leads a group as well. The child's descriptor 0 is its terminal.
		Sys: &syscall.SysProcAttr{
			Setpgid: c.PTY == nil, Setsid: c.PTY != nil, Setctty: c.PTY != nil, PidFD: &pidfd,
		},
	})
	if err != nil {
		stage, errno := c.stageOf(syscall.Errno(errnoOf(err)), path)
		return e, 0, -1, refusedStart(stage, errno, c.Path, c.Dir)
	}
	return e, pid, pidfd, nil
}

// closeChilds closes what the child has now, and where there is no child our own ends too.
func (e *ends) closeChilds(ours bool) {
	for _, fd := range e.close {
		_ = syscall.Close(fd)
	}
	if !ours {
		return
	}
	for _, fd := range e.pumps {
		_ = syscall.Close(fd)
	}
	if e.stdin >= 0 {
		_ = syscall.Close(e.stdin)
	}
}

// connect gives the child its three descriptors.
func (c *Cmd) connect(e *ends, streams []Stream) error {
	if c.PTY != nil {
		return c.terminal(e)
	}
	file, isFile := c.Stdin.(*os.File)
	switch {
	case isFile:
		e.child[0] = int(file.Fd())
	case c.Stdin != nil || c.stdin != nil:
		if c.stdin == nil {
			c.stdin = &StdinPipe{}
		}
		read, write, err := pipe()
		if err != nil {
			return err
		}
		e.child[0], e.stdin = read, write
		e.close = append(e.close, read)
		if err := syscall.SetNonblock(write, true); err != nil {
			return err
		}
	default:
		if err := e.null(0); err != nil {
			return err
		}
	}
	for i, w := range []io.Writer{c.Stdout, c.Stderr} {
		if file, ok := w.(*os.File); ok {
			e.child[1+i] = int(file.Fd())
		} else if err := e.output(streams, i); err != nil {
			return err
		}
	}
	return nil
}

// output connects stdout (0) or stderr (1) to its pipe, or to nothing.
func (e *ends) output(streams []Stream, i int) error {
	for _, stream := range streams {
		switch {
		case stream == Combined && i == 1:
			e.child[2] = e.child[1]
			return nil
		case stream == Combined, stream == Stdout && i == 0, stream == Stderr && i == 1:
			read, write, err := pipe()
			if err != nil {
				return err
			}
			e.pumps[stream], e.child[1+i] = read, write
			e.close = append(e.close, write)
			return syscall.SetNonblock(read, true)
		}
	}
	return e.null(1 + i)
}

func (e *ends) null(i int) error {
	fd, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	e.child[i] = fd
	e.close = append(e.close, fd)
	return nil
}

// pipe has both ends blocking and closed at exec, atomically.
func pipe() (read, write int, err error) {
	var fds [2]int
	err = syscall.Pipe2(fds[:], syscall.O_CLOEXEC)
	return fds[0], fds[1], err
}

// stageOf says where a start failed, of which the kernel tells the errno alone.
func (c *Cmd) stageOf(errno syscall.Errno, path string) (Stage, syscall.Errno) {
	if c.Dir != "" {
		info, err := os.Stat(c.Dir)
		switch {
		case err != nil:
			return StageChdir, errno
		case !info.IsDir():
			return StageChdir, errno
		case syscall.Access(c.Dir, 1) != nil:
			return StageChdir, errno
		}
	}
	switch errno {
	case syscall.EAGAIN, syscall.ENOMEM, syscall.ENOSPC:
		return StageFork, errno
	case syscall.EMFILE, syscall.ENFILE:
		return StagePipes, errno
	case syscall.EACCES, syscall.EPERM:
		return StagePermission, errno
	case syscall.ENOENT:
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.Dir, path)
		}
		// A file that exists and is not found is a script whose interpreter is missing.
		if _, err := os.Stat(path); err != nil {
			return StageLookup, errno
		}
	}
	return StageExec, errno
}
