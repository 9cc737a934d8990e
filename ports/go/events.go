// The consumers: an iterator of events, and writers that are written to.

package lastbyte

import (
	"io"
	"iter"
)

// Events starts the command and gives what comes of it, in order: chunks, gaps and ends of its streams,
// and last the exit. A start that is refused is the only pair with an error. Leaving the loop early
// closes the command.
func (c *Cmd) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		streams := []Stream{Stdout, Stderr}
		switch {
		case c.PTY != nil:
			streams = []Stream{PTY}
		case c.Combined:
			streams = []Stream{Combined}
		}
		if c.Stdout != nil || c.Stderr != nil {
			yield(nil, invalid(InvalidState, "give events: Stdout or Stderr is set; leave both nil"))
			return
		}
		if err := c.start(streams); err != nil {
			yield(nil, err)
			return
		}
		whole := false
		defer func() {
			if !whole { // also where the loop's body panics
				c.exec.request(closeInput)
			}
			<-c.exec.settled
		}()
		for {
			event, ok := c.exec.next()
			if !ok {
				whole = true
				return
			}
			if _, last := event.(Exit); last {
				whole = true
				<-c.exec.settled
				yield(event, nil)
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// sinks writes a command's output to its writers, one event at a time. As everywhere in Go, a Writer
// must not keep what it is handed: it is read into again.
type sinks struct {
	exec    *execution
	writers map[Stream]io.Writer
	err     error // the first that a writer gave; to be read after done
	done    chan struct{}
}

func (s *sinks) run() {
	defer close(s.done)
	for {
		event, ok := s.exec.next()
		if !ok {
			return
		}
		chunk, ok := event.(Chunk)
		if !ok {
			continue
		}
		n, err := s.writers[chunk.Stream].Write(chunk.Bytes)
		if err == nil && n < len(chunk.Bytes) {
			err = io.ErrShortWrite
		}
		giveBack(chunk.Bytes)
		if err != nil {
			if s.err == nil {
				s.err = err
			}
			// Nobody takes the rest; the command is not made to wait for that (C15).
			s.exec.request(discardInput(chunk.Stream))
		}
	}
}
