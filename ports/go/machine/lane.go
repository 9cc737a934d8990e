// One stream: its source, its counts, what is owed and due.

package machine

type source uint8

const (
	flowing source = iota
	paused
	sourceEnded    // the consumer does not know yet
	sourceFinished // it does
)

type intake uint8

const (
	deliver intake = iota
	overLimit
	discard
)

// lane is the state of one stream.
type lane struct {
	stream Stream
	source source
	end    End  // once ended
	held   bool // once ended
	intake intake

	// owes : the root left owed bytes that are not yet shown to be read. With owed 0 the next
	// read is still needed: it tells an end from a holder.
	owes bool
	owed uint64
	due  Cut // comes as soon as nothing is owed and a read has shown so

	delivered, dropped uint64
	queuedBytes        uint64
	queuedChunks       int
	gap                uint64 // dropped behind all that is queued of it

	tail      [][]byte // kept of what is over the limit
	tailBytes uint64
}

func (l *lane) open() bool { return l.source == flowing || l.source == paused }

func (l *lane) gapIsNext() bool {
	return l.gap > 0 && l.queuedChunks == 0 && (!l.open() || l.intake == deliver)
}

func (l *lane) endIsNext() bool {
	return l.source == sourceEnded && l.queuedChunks == 0 && l.gap == 0
}

func (l *lane) drop(n uint64) {
	l.dropped += n
	l.gap += n
}

// keepTail appends to the tail, and drops from its front what is beyond its bound.
func (l *lane) keepTail(chunk []byte, bound uint64) {
	l.tail = append(l.tail, chunk)
	l.tailBytes += uint64(len(chunk))
	for l.tailBytes > bound {
		n := min(l.tailBytes-bound, uint64(len(l.tail[0])))
		l.drop(n)
		l.tailBytes -= n
		if l.tail[0] = l.tail[0][n:]; len(l.tail[0]) == 0 {
			l.tail = l.tail[1:]
		}
	}
}

func (l *lane) report() Report {
	return Report{Stream: l.stream, Delivered: l.delivered, Dropped: l.dropped, End: l.end, Held: l.held}
}
