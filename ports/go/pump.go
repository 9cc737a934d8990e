// A pump: the bytes of one stream, from its pipe into the machine.

package lastbyte

import (
	"bytes"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// blockBytes is the most that one read takes: larger blocks are slower, for want of cache.
const blockBytes = 64 << 10

// blocks are read into. One that is handed over comes back when its writer is done with it.
var blocks = sync.Pool{New: func() any { return new([blockBytes]byte) }}

// giveBack takes back the block of a chunk that nobody has any more.
func giveBack(chunk []byte) {
	if cap(chunk) == blockBytes {
		blocks.Put((*[blockBytes]byte)(chunk[:blockBytes]))
	}
}

// pump reads one pipe. Only the wait for bytes is outside the execution's lock: what is read is in
// the machine before anybody else can make a step.
type pump struct {
	e      *execution
	stream Stream
	file   *os.File
	fd     int // of file; used under the lock, and not once it is finished
	// finished : nothing is read any more, and the goroutine will close the file.
	finished bool
	resumed  chan struct{}

	block []byte // that is read into next; nil where none is at hand
}

func newPump(e *execution, stream Stream, fd int) *pump {
	return &pump{
		e: e, stream: stream, fd: fd,
		file: os.NewFile(uintptr(fd), stream.String()), resumed: make(chan struct{}, 1),
	}
}

// run reads until the stream has ended or is let go.
func (p *pump) run() {
	raw, err := p.file.SyscallConn()
	for err == nil && !p.isFinished() {
		err = raw.Read(p.readable)
		if err == nil && !p.isFinished() {
			<-p.resumed
		}
	}
	if p.stream == PTY {
		// To close a terminal sends SIGHUP, and a root that has let go of it may be about to exit.
		<-p.e.exited
	}
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	if !p.finished { // the poller failed us, and not because it was told to
		p.finished = true
		_, _ = p.e.step(machine.ReadError{Stream: p.stream, Errno: int(syscall.EIO)})
	}
	_ = p.file.Close()
	giveBack(p.block)
	p.block = nil
	p.e.pumping--
	p.e.note()
}

func (p *pump) isFinished() bool {
	p.e.mu.Lock()
	defer p.e.mu.Unlock()
	return p.finished
}

// readable reads what there is. It says whether to stop waiting for more: paused, or finished.
func (p *pump) readable(uintptr) bool {
	for {
		p.e.mu.Lock()
		found := p.look()
		p.e.mu.Unlock()
		switch found {
		case foundNothing:
			return false
		case foundNoRoom:
			return true
		case foundBytes:
		}
	}
}

type found uint8

const (
	foundBytes   found = iota
	foundNothing       // now
	foundNoRoom        // or no more is wanted
)

// look reads once, and tells the machine. The lock is held.
func (p *pump) look() found {
	room, unbounded := p.e.machine.Room(p.stream)
	if p.finished || room == 0 && !unbounded {
		return foundNoRoom
	}
	if p.block == nil {
		p.block = blocks.Get().(*[blockBytes]byte)[:]
	}
	into := p.block
	if !unbounded && uint64(len(into)) > room {
		into = into[:room]
	}
	n, err := read(p.fd, into)
	switch {
	case err == syscall.EAGAIN:
		if !p.e.reaped {
			return foundNothing
		}
		p.tell(machine.Empty{Stream: p.stream})
		if p.finished {
			return foundNoRoom
		}
		return foundNothing
	case err == syscall.EIO && p.stream == PTY: // the last descriptor of the child's side is closed
		p.finish()
		p.tell(machine.ReadEOF{Stream: p.stream})
		return foundNoRoom
	case err != nil:
		p.finish()
		p.tell(machine.ReadError{Stream: p.stream, Errno: errnoOf(err)})
		return foundNoRoom
	case n == 0:
		p.finish()
		p.tell(machine.ReadEOF{Stream: p.stream})
		return foundNoRoom
	}
	p.take(n)
	return foundBytes
}

// lookOn looks until there is nothing. Of bytes that are read here the poller may not tell run again, so it is
// not left to that to find the rest. The lock is held.
func (p *pump) lookOn() {
	if p.look() == foundBytes {
		go p.readable(0)
	}
}

// take hands over what was read: a block that is full enough as it is, of another a copy, so that a
// small chunk does not keep a large block to itself.
func (p *pump) take(n int) {
	chunk := p.block[:n]
	if n >= blockBytes/4 {
		p.block = nil
	} else {
		chunk = bytes.Clone(chunk)
	}
	p.tell(machine.Chunk{Stream: p.stream, Bytes: chunk})
}

// tell reports to the machine. What is illegal came too late, and has changed nothing.
func (p *pump) tell(in input) { _, _ = p.e.step(in) }

// order is what the machine wants of a pump. The lock is held.
func (e *execution) order(a machine.OrderPump) {
	p := e.pumps[a.Stream]
	if p == nil {
		return
	}
	switch a.Order {
	case machine.AbandonPump:
		p.finish()
	case machine.ResumePump:
		p.wake()
	case machine.PausePump: // it finds no room
	}
}

// finish has the goroutine end, wherever it waits. The lock is held, so it must not wait itself.
func (p *pump) finish() {
	p.finished = true
	_ = p.file.SetReadDeadline(time.Unix(1, 0))
	p.wake()
}

func (p *pump) wake() {
	select {
	case p.resumed <- struct{}{}:
	default:
	}
}

func read(fd int, into []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, into)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

func errnoOf(err error) int {
	if errno, ok := err.(syscall.Errno); ok {
		return int(errno)
	}
	return int(syscall.EIO)
}
