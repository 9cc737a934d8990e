// An execution: the machine of one command behind one lock, and what its steps ask for.

package lastbyte

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

type input = machine.Input

var (
	killInput     input = machine.Kill{}
	shutdownInput input = machine.Shutdown{}
	detachInput   input = machine.Detach{}
	closeInput    input = machine.Close{}
)

func signalInput(signal syscall.Signal) input { return machine.Signal{Number: int(signal)} }
func discardInput(stream Stream) input        { return machine.Discard{Stream: stream} }

// execution has the machine of one command. Each step is made, and carried out, under its lock: so no
// signal can meet a pid that is gone (C16), and no chunk is under way while the reap is made (C7).
type execution struct {
	mu       sync.Mutex
	machine  *machine.Machine
	policy   Policy
	recorder *recorder

	changed  *sync.Cond    // an event is ready, or none will come
	exited   chan struct{} // closed once `exited` is reached
	terminal chan struct{} // closed once `terminal` is reached
	settled  chan struct{} // closed when nothing is left of it
	ctxErr   error

	pumps  map[Stream]*pump
	clocks map[machine.Timer]*clock

	pid       int
	reaped    bool // by a step
	over      bool // the terminal is reached
	ended     bool // the root, whether or not a step could say so
	collected bool // the root is no zombie any more
	watched   bool // a goroutine waits for the root
	pumping   int  // goroutines that read
	stdin     *StdinPipe
	stopCtx   func() bool
}

func newExecution(streams []Stream, policy Policy, trace io.Writer) (*execution, error) {
	m, err := machine.New(streams, policy)
	if err != nil {
		return nil, err
	}
	e := &execution{
		machine: m, policy: policy,
		exited: make(chan struct{}), terminal: make(chan struct{}), settled: make(chan struct{}),
		pumps: map[Stream]*pump{}, clocks: map[machine.Timer]*clock{},
	}
	e.changed = sync.NewCond(&e.mu)
	if trace != nil {
		e.recorder = newRecorder(trace, streams, policy)
	}
	return e, nil
}

// step makes one step and carries it out. The lock is held.
func (e *execution) step(in input) (machine.Step, error) {
	step, err := e.machine.Step(in)
	if err != nil {
		return step, err
	}
	if e.recorder != nil {
		e.recorder.step(in, step, e.machine)
	}
	if _, ok := in.(machine.Reap); ok {
		e.reaped = true
	}
	for _, action := range step.Actions {
		switch a := action.(type) {
		case machine.SendSignal:
			e.send(syscall.Signal(a.Number))
		case machine.OrderPump:
			e.order(a)
		case machine.SetTimer:
			e.setTimer(a)
		}
	}
	e.note()
	if step.Ready || e.over {
		e.changed.Broadcast()
	}
	return step, nil
}

// note tells those who wait what is reached now, and takes the zombie away when nobody can be
// signalled any more. The lock is held.
func (e *execution) note() {
	exited, terminal := e.machine.Reached(machine.UntilExited), e.machine.Reached(machine.UntilTerminal)
	if exited && !closed(e.exited) {
		close(e.exited)
	}
	if terminal && !e.over {
		e.over = true
		close(e.terminal)
		e.letGo()
	}
	if e.over && e.ended && !e.collected {
		e.collect()
	}
	// A root that was given up may never end; nobody waits for that.
	if e.over && e.pumping == 0 && !(e.watched && e.reaped) && !closed(e.settled) {
		close(e.settled)
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// send signals the target of the kill policy. The root stays a zombie while this may be called, so
// neither its pid nor its group can be another's.
func (e *execution) send(signal syscall.Signal) {
	if e.pid == 0 || e.collected {
		return
	}
	target := -e.pid
	if e.policy.KillLeader && !e.reaped {
		target = e.pid
	}
	// ESRCH: nobody is left. EPERM: it has become another user's.
	_ = syscall.Kill(target, signal)
}

// next is the consumer: the next event, or false when none will come.
func (e *execution) next() (Event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		step, err := e.step(machine.Drain{})
		if err != nil {
			return nil, false
		}
		if step.Event != nil {
			return step.Event, true
		}
		e.changed.Wait()
	}
}

// request makes a caller's step.
func (e *execution) request(in input) Reply {
	e.mu.Lock()
	defer e.mu.Unlock()
	step, err := e.step(in)
	if err != nil {
		return AlreadyExited
	}
	// A consumer that is waiting learns that it has gone.
	e.changed.Broadcast()
	return step.Reply
}

func (e *execution) has(stream Stream) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pumps[stream] != nil
}

// refuse says that the start was refused; nothing is left.
func (e *execution) refuse() {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.step(machine.Refused{})
}

// wait waits for the terminal.
func (e *execution) wait(ctx context.Context) (Terminal, error) {
	if err := e.await(ctx, machine.UntilTerminal, e.terminal); err != nil {
		return Terminal{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	terminal, ok := e.machine.Terminal()
	if !ok {
		return Terminal{}, invalid(InvalidState, "wait for the command: its start was refused")
	}
	return terminal, nil
}

func (e *execution) waitExited(ctx context.Context) (Status, error) {
	if err := e.await(ctx, machine.UntilExited, e.exited); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	status := e.machine.Status()
	if status == nil {
		return nil, invalid(InvalidState, "wait for the command: its start was refused")
	}
	return status, nil
}

func (e *execution) await(ctx context.Context, until machine.Until, reached chan struct{}) error {
	e.mu.Lock()
	_, err := e.step(machine.Wait{Until: until})
	e.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.step(machine.CancelWait{Until: until}); err != nil {
		return nil // it was resolved in the meantime
	}
	return ctx.Err()
}

// follow has a context kill the execution when it is done.
func (e *execution) follow(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if step, err := e.step(killInput); err == nil && len(step.Actions) > 0 {
			e.ctxErr = context.Cause(ctx)
		}
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopCtx = stop
	if e.over {
		stop()
	}
}

// letGo releases what outlives no execution.
func (e *execution) letGo() {
	if e.stdin != nil {
		_ = e.stdin.Close()
	}
	if e.stopCtx != nil {
		e.stopCtx()
	}
}

func (e *execution) blamed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	terminal, _ := e.machine.Terminal()
	if !terminal.Cause.Cancelled {
		return nil
	}
	return e.ctxErr
}

func (e *execution) livePid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.collected {
		return 0
	}
	return e.pid
}

// clock is one timer: it runs until due, or stands still with what is left.
type clock struct {
	timer *time.Timer
	due   time.Time
	left  time.Duration
}

func (e *execution) setTimer(set machine.SetTimer) {
	c := e.clocks[set.Timer]
	if c != nil && c.timer != nil {
		c.timer.Stop()
	}
	switch set.Order {
	case machine.ArmTimer:
		e.run(set.Timer, set.Length)
	case machine.ArmTimerHeld:
		e.clocks[set.Timer] = &clock{left: set.Length}
	case machine.HoldTimer:
		e.clocks[set.Timer] = &clock{left: max(0, time.Until(c.due))}
	case machine.ResumeTimer:
		e.run(set.Timer, c.left)
	case machine.DisarmTimer:
		delete(e.clocks, set.Timer)
	}
}

func (e *execution) run(timer machine.Timer, length time.Duration) {
	c := &clock{due: time.Now().Add(length)}
	e.clocks[timer] = c
	c.timer = time.AfterFunc(length, func() { e.fire(timer, c) })
}

// fire reports that a timer ran out, unless it was set anew meanwhile.
func (e *execution) fire(timer machine.Timer, c *clock) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clocks[timer] != c {
		return
	}
	delete(e.clocks, timer)
	var illegal *machine.Illegal
	if _, err := e.step(machine.Timeout{Timer: timer}); errors.As(err, &illegal) {
		return
	}
	if p := e.pumps[timer.Stream]; p != nil && timer.Kind >= machine.IdleTimer {
		p.lookOn() // readability wins: these reads decide (C6)
	}
}
