// StdinPipe: bytes to a command, in order, and then the end, once (C17).

package lastbyte

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// StdinPipe writes to the stdin of a command. A command that does not read ends it with EPIPE, and fails
// by that neither itself nor its Wait.
type StdinPipe struct {
	mu                sync.Mutex
	file              *os.File
	over              bool
	pty               bool
	midLine           bool // of a terminal: the last byte written ended no line
	accepted, written uint64
	err               error // of the reader that is copied
}

// StdinPipe connects a pipe to the command's stdin, before its start. Close it, or the command may
// wait for more.
func (c *Cmd) StdinPipe() (*StdinPipe, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used || c.Stdin != nil || c.stdin != nil {
		return nil, invalid(InvalidState, "make a stdin pipe: the command was started, or has a stdin already")
	}
	c.stdin = &StdinPipe{}
	return c.stdin, nil
}

// begin connects the pipe, and copies a reader to it if there is one.
func (s *StdinPipe) begin(fd int, reader io.Reader) {
	s.mu.Lock()
	s.file = os.NewFile(uintptr(fd), "stdin")
	if s.over { // closed before the start
		_ = s.file.Close()
	}
	s.mu.Unlock()
	if reader != nil {
		go s.copy(reader)
	}
}

func (s *StdinPipe) copy(reader io.Reader) {
	block := make([]byte, 32<<10)
	for {
		n, err := reader.Read(block)
		if n > 0 {
			if _, err := s.Write(block[:n]); err != nil {
				return // it has ended; what the reader has left is not read
			}
		}
		if err != nil {
			s.mu.Lock()
			if !errors.Is(err, io.EOF) {
				s.err = fmt.Errorf("lastbyte: failed to read what the command's stdin is to be: %w", err)
			}
			s.mu.Unlock()
			_ = s.Close()
			return
		}
	}
}

// Write writes all of p, or says how much it wrote and why no more.
func (s *StdinPipe) Write(p []byte) (int, error) {
	s.mu.Lock()
	file, over := s.file, s.over
	if !over && file != nil {
		s.accepted += uint64(len(p))
	}
	s.mu.Unlock()
	if over {
		return 0, os.ErrClosed
	}
	if file == nil {
		return 0, invalid(InvalidState, "write to stdin: the command was not started")
	}
	n, err := file.Write(p)
	s.mu.Lock()
	s.written += uint64(n)
	if n > 0 {
		s.midLine = p[n-1] != '\n'
	}
	s.mu.Unlock()
	if errors.Is(err, syscall.EPIPE) || s.pty && errors.Is(err, syscall.EIO) {
		_ = s.Close()
	}
	return n, err
}

// Close ends the command's stdin: on a terminal by typing its end-of-file character. Again, it does
// nothing.
func (s *StdinPipe) Close() error {
	s.mu.Lock()
	file, over := s.file, s.over
	s.over = true
	s.mu.Unlock()
	if over || file == nil {
		return nil
	}
	if s.pty {
		s.typeEnd(file)
	}
	return file.Close()
}

// typeEnd ends a terminal's input. In the midst of a line, the first end-of-file character ends that.
func (s *StdinPipe) typeEnd(file *os.File) {
	s.mu.Lock()
	ends := "\x04"
	if s.midLine {
		ends = "\x04\x04"
	}
	s.mu.Unlock()
	if raw, err := file.SyscallConn(); err == nil {
		// Tried once: neither a command that does not read is waited for, nor a Write that waits for it.
		_ = raw.Control(func(fd uintptr) { _, _ = syscall.Write(int(fd), []byte(ends)) })
	}
}

// Counts are the bytes that were accepted, and of these those that went into the pipe.
func (s *StdinPipe) Counts() (accepted, written uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted, s.written
}

func (s *StdinPipe) failure() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
