// The machine by itself: edges of the specification, and any history at all.

package machine

import (
	"errors"
	"math/rand"
	"reflect"
	"testing"
	"time"
)

func newMachine(t *testing.T, policy Policy, streams ...Stream) *Machine {
	t.Helper()
	m, err := New(streams, policy)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// must makes legal steps, and gives the last.
func must(t *testing.T, m *Machine, inputs ...Input) (last Step) {
	t.Helper()
	for _, input := range inputs {
		step, err := m.Step(input)
		if err != nil {
			t.Fatalf("%#v: %v", input, err)
		}
		last = step
	}
	return last
}

func chunk(stream Stream, text string) Chunk { return Chunk{stream, []byte(text)} }

// If this were red, an exit could overtake bytes that were read before it.
func TestC01TheExitFollowsEveryByteAndEveryEnd(t *testing.T) {
	m := newMachine(t, DefaultPolicy(), Stdout, Stderr)
	must(t, m, Started{}, chunk(Stdout, "one"), Reap{Status: Exited{3}}, chunk(Stderr, "two"), ReadEOF{Stdout}, ReadEOF{Stderr})
	var events []Event
	for range 5 {
		events = append(events, must(t, m, Drain{}).Event)
	}
	want := []Event{
		ChunkEvent{Stdout, []byte("one")}, EndEvent{Stdout, End{}},
		ChunkEvent{Stderr, []byte("two")}, EndEvent{Stderr, End{}},
		ExitEvent{Terminal{Status: Exited{3}, Streams: []Report{
			{Stream: Stdout, Delivered: 3}, {Stream: Stderr, Delivered: 3}}}},
	}
	if !reflect.DeepEqual(events, want) {
		t.Fatalf("got %v, want %v", events, want)
	}
}

// If this were red, a bound of zero could cut what the root itself wrote.
func TestC07WhatStoodIsReadBeforeABoundOfZeroCuts(t *testing.T) {
	policy := DefaultPolicy()
	policy.Drain = DrainPolicy{Kind: DrainAfter}
	m := newMachine(t, policy, Stdout)
	must(t, m, Started{}, Reap{Status: Exited{0}, Standing: map[Stream]uint64{Stdout: 6}}, chunk(Stdout, "root, "))
	step := must(t, m, Empty{Stdout})
	if !reflect.DeepEqual(step.Actions, []Action{OrderPump{Stdout, AbandonPump}}) {
		t.Fatalf("the stream was not cut by the look after the last byte: %v", step.Actions)
	}
	must(t, m, Drain{})
	if got := must(t, m, Drain{}).Event; got != (EndEvent{Stdout, End{Kind: WasCut, Cut: CutAfter}}) {
		t.Fatalf("got %v", got)
	}
}

// If this were red, a consumer who takes ends and gaps would be killed as one who takes nothing.
func TestC12AnyEventMovesTheStallClock(t *testing.T) {
	policy := DefaultPolicy()
	policy.Full = FullPolicy{KillAfter, 100 * time.Millisecond}
	m := newMachine(t, policy, Stdout, Stderr)
	must(t, m, Started{}, chunk(Stdout, "a"), ReadEOF{Stderr})
	step := must(t, m, Drain{})
	want := []Action{SetTimer{Timer{Kind: StallTimer}, ArmTimer, 100 * time.Millisecond}}
	if step.Event != (EndEvent{Stderr, End{}}) || !reflect.DeepEqual(step.Actions, want) {
		t.Fatalf("got %v, %v", step.Event, step.Actions)
	}
}

// If this were red, bytes dropped for want of room would use up the limit of the output.
func TestC08TheLimitCountsWhatIsDeliveredNotWhatIsDropped(t *testing.T) {
	policy := DefaultPolicy()
	policy.Full.Kind, policy.BufferBytesMax = Gap, 2
	policy.Limit = &Limit{Bytes: 4}
	m := newMachine(t, policy, Stdout)
	must(t, m, Started{}, chunk(Stdout, "ab"), chunk(Stdout, "cd"), Drain{}, chunk(Stdout, "ef"))
	if got := must(t, m, Drain{}).Event; got != (GapEvent{Stdout, 2}) {
		t.Fatalf("got %v", got)
	}
	got := must(t, m, Drain{}).Event
	if !reflect.DeepEqual(got, ChunkEvent{Stdout, []byte("ef")}) {
		t.Fatalf("got %v", got)
	}
}

// If this were red, a discard would lose a gap that stood in the queue.
func TestC08ADiscardKeepsTheGapsOfWhatItThrowsAway(t *testing.T) {
	policy := DefaultPolicy()
	policy.Full.Kind, policy.BufferBytesMax = Gap, 2
	m := newMachine(t, policy, Stdout)
	must(t, m, Started{}, chunk(Stdout, "ab"), chunk(Stdout, "cd"), Drain{}, chunk(Stdout, "ef"), Discard{Stdout}, ReadEOF{Stdout})
	if got := must(t, m, Drain{}).Event; got != (GapEvent{Stdout, 4}) {
		t.Fatalf("got %v", got)
	}
}

// If this were red, whoever is handed the beginning of a chunk could write over its tail.
func TestC03TheKeptPartOfAChunkEndsWhereItEnds(t *testing.T) {
	policy := DefaultPolicy()
	policy.Limit = &Limit{Bytes: 4, Over: KeepTail, Tail: 4}
	m := newMachine(t, policy, Stdout)
	must(t, m, Started{}, chunk(Stdout, "0123456789"), ReadEOF{Stdout})
	head := must(t, m, Drain{}).Event.(ChunkEvent)
	_ = append(head.Bytes, "xxxxxx"...)
	must(t, m, Drain{}) // the gap
	if tail := must(t, m, Drain{}).Event.(ChunkEvent); string(tail.Bytes) != "6789" {
		t.Fatalf("got %q", tail.Bytes)
	}
}

// If this were red, somebody could be told of an impossible policy by a hang.
func TestAPolicyThatCannotBeCarriedOutIsRefused(t *testing.T) {
	for want, change := range map[error]func(*Policy){
		ErrBufferBytes:    func(p *Policy) { p.BufferBytesMax = 0 },
		ErrBufferChunks:   func(p *Policy) { p.BufferChunksMax = 0 },
		ErrIdleGapOverMax: func(p *Policy) { p.Drain.Gap = p.Drain.Max + 1 },
		ErrOutOfRange:     func(p *Policy) { p.KillSignal = 65 },
	} {
		policy := DefaultPolicy()
		change(&policy)
		if _, err := New([]Stream{Stdout, Stderr, PTY}, DefaultPolicy()); err != ErrStreams {
			t.Errorf("three streams: got %v", err)
		}
		if _, err := New(nil, policy); err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// anyInput is one of all inputs, many of them illegal.
func anyInput(r *rand.Rand, fresh *byte) Input {
	stream := []Stream{Stdout, Stderr, Combined}[r.Intn(16)/7]
	switch r.Intn(22) {
	case 0:
		return Started{}
	case 1:
		return ReadEOF{stream}
	case 2:
		return Empty{stream}
	case 3:
		return Reap{Status: Exited{0}, Standing: map[Stream]uint64{Stdout: uint64(r.Intn(3))}}
	case 4, 5, 6, 7:
		return Drain{}
	case 8:
		return Wait{Until(r.Intn(2))}
	case 9:
		return CancelWait{Until(r.Intn(2))}
	case 10:
		return []Input{Kill{}, Signal{2}, Refused{}, Detach{}, ReadError{stream, 5}}[r.Intn(5)]
	case 11:
		return []Input{Close{}, Shutdown{}, Discard{stream}, Chunk{stream, nil}, Reap{Status: Forced{}}}[r.Intn(5)]
	case 12, 13:
		return Timeout{Timer{TimerKind(r.Intn(7)), stream}}
	}
	bytes := make([]byte, 1+r.Intn(3))
	for i := range bytes {
		*fresh++
		bytes[i] = *fresh
	}
	return Chunk{stream, bytes}
}

func anyPolicy(r *rand.Rand) Policy {
	p := DefaultPolicy()
	p.BufferBytesMax, p.BufferChunksMax = uint64(3+r.Intn(3)), 1+r.Intn(3)
	p.Full.Kind = FullKind(r.Intn(3))
	p.Drain = DrainPolicy{Kind: DrainKind(r.Intn(3)), Max: time.Duration(r.Intn(2))}
	if r.Intn(2) == 0 {
		p.Limit = &Limit{Bytes: uint64(r.Intn(8)), Over: OverKind(r.Intn(3)), Tail: uint64(r.Intn(4))}
	}
	return p
}

// If this were red, some history would lose bytes without a report, or an illegal input would leave a mark.
func TestC08InAnyHistoryEveryByteReadIsDeliveredDroppedOrBuffered(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	terminals := 0
	for range 3_000 {
		m := newMachine(t, anyPolicy(r), Stdout, Stderr)
		read, told := map[Stream]uint64{}, map[Stream]uint64{}
		var fresh byte
		over := false
		for n := range 60 {
			input := anyInput(r, &fresh)
			if n == 0 && r.Intn(20) > 0 {
				input = Started{}
			}
			before := clone(m)
			step, err := m.Step(input)
			if err != nil {
				var illegal *Illegal
				if !errors.As(err, &illegal) || !reflect.DeepEqual(before, clone(m)) {
					t.Fatalf("%#v: %v changed the machine", input, err)
				}
				continue
			}
			if c, ok := input.(Chunk); ok {
				read[c.Stream] += uint64(len(c.Bytes))
			}
			if over && step.Event != nil {
				t.Fatalf("%v follows the terminal", step.Event)
			}
			switch e := step.Event.(type) {
			case ChunkEvent:
				told[e.Stream] += uint64(len(e.Bytes))
			case GapEvent:
				told[e.Stream] += e.Bytes
			case ExitEvent:
				over = true
				terminals++
				for _, report := range e.Terminal.Streams {
					if told[report.Stream] != read[report.Stream] {
						t.Fatalf("%v: %d read, %d told", report.Stream, read[report.Stream], told[report.Stream])
					}
				}
			}
			for _, l := range m.lanes {
				if read[l.stream] != l.delivered+l.dropped+l.queuedBytes+l.tailBytes {
					t.Fatalf("%#v: %d bytes read, of which the machine has %+v", input, read[l.stream], l)
				}
			}
		}
	}
	if terminals < 300 {
		t.Fatalf("only %d of the histories came to their end: they show nothing", terminals)
	}
}

func clone(m *Machine) Machine {
	c := *m
	c.lanes = append([]lane(nil), m.lanes...)
	c.backlog.items = append([]item(nil), m.backlog.items...)
	return c
}
