// The words of the protocol, written.

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

// describe says in words what follows from an input.
func describe(step machine.Step, err error) []string {
	var illegal *machine.Illegal
	if errors.As(err, &illegal) {
		return []string{"illegal " + illegal.Why.String()}
	}
	lines := describeEvent(step.Event)
	for _, action := range step.Actions {
		lines = append(lines, describeAction(action))
	}
	if step.ResolvedExited > 0 {
		lines = append(lines, fmt.Sprint("resolved exited ", step.ResolvedExited))
	}
	if step.ResolvedTerminal > 0 {
		lines = append(lines, fmt.Sprint("resolved terminal ", step.ResolvedTerminal))
		if _, told := step.Event.(machine.ExitEvent); !told && step.Terminal != nil {
			lines = append(lines, describeTerminal("terminal ", *step.Terminal)...)
		}
	}
	switch step.Reply {
	case machine.Done:
	case machine.Latched:
		lines = append(lines, "reply latched")
	case machine.AlreadyExited:
		lines = append(lines, "reply already_exited")
	}
	if step.Ready {
		lines = append(lines, "ready")
	}
	return lines
}

func describeEvent(event machine.Event) []string {
	switch e := event.(type) {
	case machine.ChunkEvent:
		return []string{"chunk " + e.Stream.String() + " " + text(e.Bytes)}
	case machine.GapEvent:
		return []string{fmt.Sprintf("gap %v %d", e.Stream, e.Bytes)}
	case machine.EndEvent:
		return []string{fmt.Sprintf("end %v %v", e.Stream, e.End)}
	case machine.ExitEvent:
		return describeTerminal("exit ", e.Terminal)
	}
	return []string{}
}

// text has one character for each byte.
func text(bytes []byte) string {
	runes := make([]rune, len(bytes))
	for i, b := range bytes {
		runes[i] = rune(b)
	}
	return string(runes)
}

func describeTerminal(word string, t machine.Terminal) []string {
	lines := []string{word + t.Status.String()}
	for _, cause := range []struct {
		holds bool
		name  string
	}{
		{t.Cause.TimedOut, "timed_out"},
		{t.Cause.Cancelled, "cancelled"},
		{t.Cause.OutputLimit, "output_limit"},
		{t.Cause.Stalled, "stalled"},
	} {
		if cause.holds {
			lines = append(lines, "cause "+cause.name)
		}
	}
	if killed := t.Cause.Killed; killed != nil {
		line := fmt.Sprint("killed_by_us ", killed.Signal)
		if killed.Escalated {
			line += " escalated"
		}
		lines = append(lines, line)
	}
	for _, r := range t.Streams {
		line := fmt.Sprintf("report %v %d %d %v", r.Stream, r.Delivered, r.Dropped, r.End)
		if r.Held {
			line += " held"
		}
		lines = append(lines, line)
	}
	return lines
}

func describeAction(action machine.Action) string {
	switch a := action.(type) {
	case machine.SendSignal:
		return fmt.Sprint("signal ", a.Number)
	case machine.OrderPump:
		switch a.Order {
		case machine.PausePump:
			return "pause " + a.Stream.String()
		case machine.ResumePump:
			return "resume " + a.Stream.String()
		case machine.AbandonPump:
			return "abandon " + a.Stream.String()
		}
	case machine.SetTimer:
		return describeTimer(a)
	}
	return fmt.Sprintf("unknown action %#v", action)
}

func describeTimer(set machine.SetTimer) string {
	name := timerNames[set.Timer.Kind]
	if set.Timer.Kind >= machine.IdleTimer {
		name += " " + set.Timer.Stream.String()
	}
	length := set.Length / time.Millisecond
	switch set.Order {
	case machine.ArmTimer:
		return fmt.Sprintf("arm %s %d", name, length)
	case machine.ArmTimerHeld:
		return fmt.Sprintf("arm_held %s %d", name, length)
	case machine.HoldTimer:
		return "hold " + name
	case machine.ResumeTimer:
		return "resume " + name
	case machine.DisarmTimer:
		return "disarm " + name
	}
	return "unknown order to " + name
}

// describeRoom says for each stream whose pump may read how many bytes at most.
func describeRoom(m *machine.Machine, streams []machine.Stream) []string {
	lines := []string{}
	for _, stream := range streams {
		room, unbounded := m.Room(stream)
		switch {
		case unbounded:
			lines = append(lines, stream.String()+" any")
		case room > 0:
			lines = append(lines, fmt.Sprintf("%v %d", stream, room))
		}
	}
	return lines
}
