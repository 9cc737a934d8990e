// What honest systems do differently: values, units, defaults.

package machine

import (
	"errors"
	"time"
)

// DrainKind is how long output is waited for after the reap.
type DrainKind uint8

const (
	// DrainIdle reads until nothing came for Gap, at most for Max.
	DrainIdle DrainKind = iota
	// DrainAfter reads for Max.
	DrainAfter
	// DrainUntilEOF reads for ever: whoever holds the pipe holds the terminal.
	DrainUntilEOF
)

// DrainPolicy is what becomes of streams that something holds open after the reap.
type DrainPolicy struct {
	Kind     DrainKind
	Gap, Max time.Duration
}

// FullKind is what happens when nobody takes what was read.
type FullKind uint8

const (
	// Pause stops reading; the child blocks on its pipe.
	Pause FullKind = iota
	// Gap reads on, and reports what it drops.
	Gap
	// KillAfter pauses, and kills when nothing has moved for After.
	KillAfter
)

// FullPolicy is what happens at the bound of the buffer.
type FullPolicy struct {
	Kind  FullKind
	After time.Duration
}

// OverKind is what becomes of output beyond the limit.
type OverKind uint8

const (
	// Truncate drops it, and lets the child go on.
	Truncate OverKind = iota
	// KeepTail drops all but the last Tail bytes.
	KeepTail
	// OverKill drops it, and kills.
	OverKill
)

// Limit bounds the output of each stream.
type Limit struct {
	Bytes uint64
	Over  OverKind
	Tail  uint64
}

// Policy has all that honest systems do differently. Begin with [DefaultPolicy].
type Policy struct {
	Drain DrainPolicy
	// KillDescendants sends SIGKILL to the root's group at the reap.
	KillDescendants bool
	// KillSignal goes first; SIGKILL follows after KillGrace. A grace of 0 is SIGKILL at once.
	KillSignal int
	KillGrace  time.Duration
	// KillLeader signals the root alone, not its group.
	KillLeader bool

	// The bounds of what is read of one stream and not yet taken.
	BufferBytesMax  uint64
	BufferChunksMax int
	Full            FullPolicy

	Limit   *Limit         // nil: none
	Timeout *time.Duration // nil: none

	// How long a close waits for the reap, and a shutdown for the terminal.
	CloseMax, ShutdownMax time.Duration
}

// DefaultPolicy is what is safe for most: idle 200 ms with a cap of 5 s, TERM, 2 s, KILL to the group.
func DefaultPolicy() Policy {
	return Policy{
		Drain:           DrainPolicy{Kind: DrainIdle, Gap: 200 * time.Millisecond, Max: 5 * time.Second},
		KillSignal:      15,
		KillGrace:       2 * time.Second,
		BufferBytesMax:  256 << 10,
		BufferChunksMax: 1024,
		CloseMax:        2 * time.Second,
		ShutdownMax:     5 * time.Second,
	}
}

// The policies that cannot be carried out.
var (
	ErrBufferBytes    = errors.New("the buffer needs a bound of at least one byte")
	ErrBufferChunks   = errors.New("the buffer needs a bound of at least one chunk")
	ErrIdleGapOverMax = errors.New("the idle gap is longer than its cap")
	ErrStreams        = errors.New("an execution has at most two streams")
	ErrOutOfRange     = errors.New("a duration is negative, or the kill signal is not 1 to 64")
)

func (p *Policy) check() error {
	switch {
	case p.BufferBytesMax == 0:
		return ErrBufferBytes
	case p.BufferChunksMax <= 0:
		return ErrBufferChunks
	case p.Drain.Kind == DrainIdle && p.Drain.Gap > p.Drain.Max:
		return ErrIdleGapOverMax
	case p.KillSignal < 1 || p.KillSignal > 64 || p.KillGrace < 0 || p.Full.After < 0 || p.CloseMax < 0,
		p.ShutdownMax < 0 || p.Drain.Gap < 0 || p.Drain.Max < 0 || p.Timeout != nil && *p.Timeout < 0:
		return ErrOutOfRange
	}
	return nil
}
