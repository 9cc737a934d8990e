// What was read and not yet taken.

package machine

// item is a chunk, or where bytes is nil a gap, of one lane.
type item struct {
	lane  int
	bytes []byte
	gap   uint64
}

// backlog is what was read and not yet taken, of all streams, in the order it came.
type backlog struct {
	items []item
	head  int
}

func (b *backlog) empty() bool { return b.head == len(b.items) }

func (b *backlog) push(it item) { b.items = append(b.items, it) }

func (b *backlog) pop() item {
	it := b.items[b.head]
	b.items[b.head] = item{} // its bytes are the consumer's now
	b.head++
	if b.empty() {
		b.items, b.head = b.items[:0], 0
	} else if b.head > 64 && b.head > len(b.items)/2 {
		n := copy(b.items, b.items[b.head:])
		clear(b.items[n:])
		b.items, b.head = b.items[:n], 0
	}
	return it
}

// takeOut removes all of one lane, and says how many bytes were in its chunks and in its gaps.
func (b *backlog) takeOut(lane int) (bytes, gaps uint64) {
	kept := b.items[:0]
	for _, it := range b.items[b.head:] {
		if it.lane != lane {
			kept = append(kept, it)
			continue
		}
		bytes += uint64(len(it.bytes))
		gaps += it.gap
	}
	clear(b.items[len(kept):])
	b.items, b.head = kept, 0
	return bytes, gaps
}
