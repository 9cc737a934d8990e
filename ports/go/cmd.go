// Cmd: the surface, in the shape of os/exec.

package lastbyte

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"sync"
	"syscall"
)

// Cmd is a command that is being prepared, runs, or has run. It is used once.
type Cmd struct {
	// Path is the program: a path, or a name that is looked up in PATH at the start.
	Path string
	// Args are the arguments, of which the first is the name.
	Args []string
	// Env is the environment; nil is ours.
	Env []string
	// Dir is the working directory; empty is ours.
	Dir string

	// Stdin is read by the command: an *os.File directly, another reader through a pipe. Nil is empty.
	Stdin io.Reader
	// Stdout and Stderr take the output: an *os.File directly, another writer through a pipe and in one
	// goroutine. Equal writers share one pipe, in the kernel's order. Nil is thrown away by the
	// kernel, and by Events is asked for.
	Stdout, Stderr io.Writer
	// Combined has Events ask for one stream instead of two, in the kernel's order.
	Combined bool
	// PTY has the command lead a session on a terminal of this size. Its output is one stream, which
	// goes to Stdout, and Stderr is nil or equal; Stdin is typed, and nil types nothing.
	PTY *Size

	// Policy is what honest systems do differently; nil is DefaultPolicy.
	Policy *Policy
	// Trace is written what happens, as docs/traces.md has it. Give it a buffer.
	Trace io.Writer

	ctx   context.Context
	mu    sync.Mutex // of what follows
	used  bool
	exec  *execution
	stdin *StdinPipe
	sinks *sinks
}

// Command is a command that runs a program with arguments.
func Command(name string, args ...string) *Cmd {
	return &Cmd{Path: name, Args: append([]string{name}, args...)}
}

// CommandContext is a command that is killed by its policy when the context is done first.
func CommandContext(ctx context.Context, name string, args ...string) *Cmd {
	cmd := Command(name, args...)
	cmd.ctx = ctx
	return cmd
}

// Run starts the command and waits for its end.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and gives its stdout. What an ExitError has of stderr is there if nobody
// else takes it.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, invalid(InvalidState, "collect the output: Stdout is set; leave it nil")
	}
	var stdout, stderr bytes.Buffer
	c.Stdout = &stdout
	alone := c.Stderr == nil && c.PTY == nil
	if alone {
		c.Stderr = &stderr
	}
	err := c.Run()
	var exit *ExitError
	if errors.As(err, &exit) && alone {
		exit.Stderr = stderr.Bytes()
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and gives both outputs, in the order of the writes.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, invalid(InvalidState, "collect the output: Stdout or Stderr is set; leave both nil")
	}
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	err := c.Run()
	return both.Bytes(), err
}

// Start starts the command. Its output goes to its writers as it comes, whether or not somebody waits.
func (c *Cmd) Start() error {
	writers, err := c.writers()
	if err != nil {
		return err
	}
	var streams []Stream
	for _, stream := range []Stream{Stdout, Stderr, Combined, PTY} {
		if writers[stream] != nil {
			streams = append(streams, stream)
		}
	}
	if err := c.start(streams); err != nil {
		return err
	}
	c.sinks = &sinks{exec: c.exec, writers: writers, done: make(chan struct{})}
	go c.sinks.run()
	return nil
}

// writers are those who are written to, by the streams that need one.
func (c *Cmd) writers() (map[Stream]io.Writer, error) {
	writers := map[Stream]io.Writer{}
	switch {
	case c.PTY != nil && c.Stderr != nil && !same(c.Stdout, c.Stderr):
		return nil, invalid(InvalidState, "start the command: a terminal has one output; leave Stderr nil")
	case c.PTY != nil && c.Stdout == nil:
		writers[PTY] = io.Discard
	case c.PTY != nil:
		writers[PTY] = c.Stdout
	case piped(c.Stdout) && same(c.Stdout, c.Stderr):
		writers[Combined] = c.Stdout
	default:
		if piped(c.Stdout) {
			writers[Stdout] = c.Stdout
		}
		if piped(c.Stderr) {
			writers[Stderr] = c.Stderr
		}
	}
	return writers, nil
}

// piped is whether a writer needs a pipe of ours.
func piped(w io.Writer) bool {
	_, file := w.(*os.File)
	return w != nil && !file
}

func same(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

// start makes the execution. Where it is refused nothing is left.
func (c *Cmd) start(streams []Stream) error {
	c.mu.Lock()
	if c.used {
		c.mu.Unlock()
		return invalid(InvalidState, "start the command: it was started already; make another")
	}
	c.used = true
	policy := DefaultPolicy()
	if c.Policy != nil {
		policy = *c.Policy
	}
	exec, err := newExecution(streams, policy, c.Trace)
	if err != nil {
		c.mu.Unlock()
		return invalid(InvalidArgument, "use the policy: "+err.Error())
	}
	c.exec = exec
	c.mu.Unlock() // from here a kill is latched
	if c.ctx != nil && c.ctx.Err() != nil {
		exec.refuse()
		return c.ctx.Err()
	}
	if err := c.spawn(exec, streams); err != nil {
		exec.refuse()
		return err
	}
	if c.ctx != nil {
		exec.follow(c.ctx)
	}
	return nil
}

// Wait waits until every byte was handed over and the command has ended (C4). Any number may wait, at
// any time. A Writer of the command must not: it would wait for itself.
func (c *Cmd) Wait() error {
	terminal, err := c.WaitTerminal(context.Background())
	if err != nil {
		return err
	}
	if c.sinks != nil && c.sinks.err != nil {
		return c.sinks.err
	}
	if err := c.stdin.failure(); err != nil {
		return err
	}
	if terminal.Status != (Exited{Code: 0}) {
		return &ExitError{Terminal: terminal, ctx: c.exec.blamed()}
	}
	if !terminal.Complete() {
		return &IncompleteError{terminal}
	}
	return nil
}

// WaitTerminal is Wait with the whole outcome, for as long as the context allows.
func (c *Cmd) WaitTerminal(ctx context.Context) (Terminal, error) {
	exec := c.started()
	if exec == nil {
		return Terminal{}, invalid(InvalidState, "wait for the command: it was not started")
	}
	terminal, err := exec.wait(ctx)
	if err != nil {
		return Terminal{}, err
	}
	if c.sinks != nil {
		<-c.sinks.done
	}
	<-exec.settled
	return terminal, nil
}

// WaitExited waits for the root's end alone, which says nothing of its output (C4).
func (c *Cmd) WaitExited(ctx context.Context) (Status, error) {
	exec := c.started()
	if exec == nil {
		return nil, invalid(InvalidState, "wait for the command: it was not started")
	}
	return exec.waitExited(ctx)
}

func (c *Cmd) started() *execution {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exec
}

// Pid is the root's pid; 0 before the start and after the root is gone.
func (c *Cmd) Pid() int {
	if exec := c.started(); exec != nil {
		return exec.livePid()
	}
	return 0
}

// request makes a caller's step; before the start there is nothing to ask.
func (c *Cmd) request(in input) (Reply, error) {
	exec := c.started()
	if exec == nil {
		return Done, invalid(InvalidState, "reach the command: it was not started")
	}
	return exec.request(in), nil
}

// Kill kills by the policy: the first signal, the grace, SIGKILL. It does not wait.
func (c *Cmd) Kill() (Reply, error) { return c.request(killInput) }

// Signal sends a signal to the target of the kill policy. After the exit it does nothing (C16).
func (c *Cmd) Signal(signal syscall.Signal) (Reply, error) {
	if signal < 1 || signal > 64 {
		return Done, invalid(InvalidArgument, "send a signal: it is not 1 to 64")
	}
	return c.request(signalInput(signal))
}

// Shutdown kills by the policy, and forces the end at the bound of a shutdown (C13).
func (c *Cmd) Shutdown() (Reply, error) { return c.request(shutdownInput) }

// Discard throws away what comes of a stream from now on; the command goes on (C15).
func (c *Cmd) Discard(stream Stream) error {
	if exec := c.started(); exec != nil && !exec.has(stream) {
		return invalid(InvalidArgument, "discard "+stream.String()+": the command has no pipe for it")
	}
	_, err := c.request(discardInput(stream))
	return err
}

// Detach lets the command go on without a consumer.
func (c *Cmd) Detach() error {
	_, err := c.request(detachInput)
	return err
}

// Close ends the command now: SIGKILL to its group, the rest of its output dropped. It returns when
// nothing of the execution is left, at the latest after Policy.CloseMax (C11). No Write of a
// writer begins after it; one that has begun is not waited for, so that a Writer may call Close.
func (c *Cmd) Close() (Reply, error) {
	reply, err := c.request(closeInput)
	if err == nil {
		<-c.exec.settled
	}
	return reply, err
}
