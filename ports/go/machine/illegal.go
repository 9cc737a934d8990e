// Why an input is refused, and the rule that forbids it.

package machine

// Why says why an input is refused.
type Why uint8

// The reasons, in the words of the protocol.
const (
	legal Why = iota
	NotStarted
	AlreadyStarted
	StartRefused
	AlreadyReaped
	AlreadyDone
	NoSuchStream
	StreamEnded
	PumpPaused
	NoRoom
	EmptyChunk
	StatusIsOurs
	NobodyWaits
	TimerNotRunning
	NoConsumer
)

var whys = [...]struct{ word, rule, says string }{
	legal:           {"legal", "", "legal"},
	NotStarted:      {"not_started", "C14", "the root is not started"},
	AlreadyStarted:  {"already_started", "C14", "the root was started already"},
	StartRefused:    {"refused", "C14", "the start was refused"},
	AlreadyReaped:   {"already_reaped", "C2", "the root was reaped already"},
	AlreadyDone:     {"already_done", "C2", "the execution is over"},
	NoSuchStream:    {"no_such_stream", "C15", "the execution has no such stream"},
	StreamEnded:     {"stream_ended", "C1", "the stream has ended"},
	PumpPaused:      {"pump_paused", "C12", "the pump is paused"},
	NoRoom:          {"no_room", "C12", "the chunk is longer than the room for it"},
	EmptyChunk:      {"empty_chunk", "C9", "a chunk has at least one byte"},
	StatusIsOurs:    {"status_is_ours", "C9", "a forced status is the machine's to give"},
	NobodyWaits:     {"nobody_waits", "C4", "nobody waits for that"},
	TimerNotRunning: {"timer_not_running", "C6", "the timer does not run"},
	NoConsumer:      {"no_consumer", "C11", "the consumer has gone"},
}

// String is the reason in the words of the protocol.
func (w Why) String() string { return whys[w].word }

// Rule is the rule of the contract that forbids the input.
func (w Why) Rule() string { return whys[w].rule }

// Illegal is the error of an input that is refused. The machine has not changed.
type Illegal struct{ Why Why }

func (e *Illegal) Error() string {
	return "illegal: " + whys[e.Why].says + " (" + whys[e.Why].rule + ")"
}
