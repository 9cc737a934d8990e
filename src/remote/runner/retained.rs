//! What is kept of an execution's output: every event from where somebody may still ask for it.
//!
//! Pure: no lock, no clock, no I/O. An offset counts the bytes of all streams in the order in which
//! they were recorded, gaps included; an end and the exit have none. What nobody has read yet is
//! never forgotten: at the bound the recorder is asked to wait, and then the child waits (C15,
//! C19). What was read is forgotten when room is needed, the oldest first.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use crate::{Data, Event, StreamId, machine::Chunk};

/// One event, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) event: Event,
}

impl Entry {
    /// How far it moves the offset.
    fn len(&self) -> u64 {
        match &self.event {
            Event::Chunk { chunk, .. } => Chunk::len(chunk),
            Event::Gap { bytes, .. } => *bytes,
            Event::End { .. } | Event::Exit(_) => 0,
        }
    }

    fn end(&self) -> u64 {
        self.offset + self.len()
    }

    /// What of it stands at `offset` and behind.
    fn from(&self, offset: u64) -> Entry {
        let skip = offset.saturating_sub(self.offset);
        let event = match &self.event {
            Event::Chunk { stream, chunk } if skip > 0 => {
                let rest = chunk.clone().split_off(skip);
                Event::Chunk { stream: *stream, chunk: rest }
            }
            Event::Gap { stream, bytes } => Event::Gap { stream: *stream, bytes: bytes - skip },
            Event::Chunk { .. } | Event::End { .. } | Event::Exit(_) => self.event.clone(),
        };
        Entry { offset: self.offset + skip, event }
    }
}

/// Somebody who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ReaderId(u64);

/// Somebody who says by his next request what he has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// One of whom it is not known who he is: all such are taken for one.
    Anonymous,
    /// One with a number of his own.
    Numbered(u64),
}

/// Who started it.
const STARTER: Holder = Holder::Numbered(0);

/// Where a reader stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The number of the next entry.
    next: u64,
    /// Where in the output that is.
    offset: u64,
    /// Below it he needs nothing any more.
    mark: u64,
    /// His mark moves when he asks anew, not when something was handed to his connection.
    holds: Option<Holder>,
}

/// What somebody who holds has not yet said that he has, while he is away between two requests.
#[derive(Clone, Copy, Debug)]
struct Lease {
    whose: Holder,
    /// Below it he needs nothing any more.
    mark: u64,
    /// When he is taken to be gone for good.
    until: Instant,
}

/// An offset that cannot be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSuchPlace {
    /// What stood there has been forgotten; this is the first offset that is kept.
    Expired { first: u64 },
    /// Nothing stands there yet; this is how far the output goes.
    Ahead { end: u64 },
}

/// The most bytes and entries that are kept unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) bytes: u64,
    pub(crate) entries: usize,
}

/// The retained output of one execution.
#[derive(Debug)]
pub(crate) struct Retained {
    bound: Bound,
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    /// The first offset that is kept, and the one behind the last byte.
    base: u64,
    end: u64,
    /// Somebody has read up to here.
    released: u64,
    readers: BTreeMap<ReaderId, Place>,
    next_reader: u64,
    leases: Vec<Lease>,
    ended: bool,
    /// Somebody has had the exit.
    told: bool,
}

impl Retained {
    pub(crate) fn new(bound: Bound) -> Self {
        Retained {
            bound,
            entries: VecDeque::new(),
            first: 0,
            base: 0,
            end: 0,
            released: 0,
            readers: BTreeMap::new(),
            next_reader: 0,
            leases: Vec::new(),
            ended: false,
            told: false,
        }
    }

    /// Who started it comes to read it until then: nobody reads it away before.
    pub(crate) fn expect_starter(&mut self, until: Instant) {
        self.leases.push(Lease { whose: STARTER, mark: 0, until });
    }

    /// Whether another event may be recorded now. One chunk may go beyond the bound, by less than
    /// its length. `more`: bytes beyond the bound.
    pub(crate) fn has_room(&self, more: u64) -> bool {
        self.end - self.needed() < self.bound.bytes.saturating_add(more)
            && self.entries.len() < self.bound.entries
    }

    /// Records an event.
    pub(crate) fn push(&mut self, event: Event) {
        self.ended |= matches!(event, Event::Exit(_));
        let entry = Entry { offset: self.end, event };
        self.end = entry.end();
        self.entries.push_back(entry);
        self.forget(self.bound.bytes);
    }

    /// How far the output goes.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// How many bytes are kept.
    pub(crate) fn kept(&self) -> u64 {
        self.end - self.base
    }

    /// Lets somebody read from `offset` on. Who `holds` says by it that he has everything below.
    pub(crate) fn attach(
        &mut self,
        offset: u64,
        holds: Option<Holder>,
    ) -> Result<ReaderId, NoSuchPlace> {
        if offset < self.base {
            return Err(NoSuchPlace::Expired { first: self.base });
        }
        if offset > self.end {
            return Err(NoSuchPlace::Ahead { end: self.end });
        }
        // Ends that stand exactly there are told again: telling them twice changes nothing.
        let place = self.entries.partition_point(|entry| {
            entry.end() < offset || (entry.end() == offset && entry.len() > 0)
        });
        match holds {
            Some(Holder::Numbered(number)) => self.come_back(Holder::Numbered(number), offset),
            // Who gives no number may be who started it.
            Some(Holder::Anonymous) | None => {
                self.come_back(Holder::Anonymous, offset);
                self.come_back(STARTER, offset);
            }
        }
        let id = ReaderId(self.next_reader);
        self.next_reader += 1;
        let next = self.first + place as u64;
        self.readers.insert(id, Place { next, offset, mark: offset, holds });
        self.forget(self.bound.bytes);
        Ok(id)
    }

    /// The next event for a reader, if there is one now.
    pub(crate) fn read(&mut self, id: ReaderId) -> Option<Entry> {
        let place = self.readers.get_mut(&id)?;
        let index = usize::try_from(place.next.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get(index)?.from(place.offset);
        place.next += 1;
        place.offset = entry.end();
        if place.holds.is_none() {
            place.mark = place.offset;
        }
        self.told |= matches!(entry.event, Event::Exit(_));
        Some(entry)
    }

    /// Whether a reader has had everything there will ever be.
    pub(crate) fn is_through(&self, id: ReaderId) -> bool {
        let behind = self.first + self.entries.len() as u64;
        self.ended && self.readers.get(&id).is_none_or(|place| place.next >= behind)
    }

    /// Whether a reader has had all there is and holds some of it, so that asking anew makes room.
    pub(crate) fn holds_all(&self, id: ReaderId) -> bool {
        self.readers.get(&id).is_some_and(|place| {
            place.holds.is_some() && place.offset == self.end && place.mark < self.end
        })
    }

    /// Somebody who was away asks again, and says by it what he has. A connection of his that he has
    /// given up needs no more than he does.
    fn come_back(&mut self, whose: Holder, offset: u64) {
        self.leases.retain(|lease| lease.whose != whose);
        for place in self.readers.values_mut().filter(|place| place.holds == Some(whose)) {
            place.mark = place.mark.max(offset);
        }
    }

    /// A reader has gone. What he has read is read; what he holds is his until then.
    pub(crate) fn detach(&mut self, id: ReaderId, until: Instant) {
        if let Some(place) = self.readers.remove(&id) {
            self.released = self.released.max(place.mark);
            let behind = self.first + self.entries.len() as u64;
            let has_all = self.ended && place.next >= behind;
            if let Some(whose) = place.holds
                && !has_all
            {
                self.leases.push(Lease { whose, mark: place.mark, until });
            }
            self.forget(self.bound.bytes);
        }
    }

    /// Below this offset nobody needs anything: each reader has his place, and without one it is
    /// where the last one got to.
    fn needed(&self) -> u64 {
        let readers = self.readers.values().map(|place| place.mark);
        let away = self.leases.iter().map(|lease| lease.mark);
        readers.chain(away).min().unwrap_or(self.released)
    }

    /// Who has been away for too long needs nothing any more. When the next one has.
    pub(crate) fn expire_leases(&mut self, now: Instant) -> Option<Instant> {
        self.leases.retain(|lease| lease.until > now);
        self.leases.iter().map(|lease| lease.until).min()
    }

    /// Forgets what was read, until no more than `bytes` are kept. An end goes with the bytes behind
    /// it: who resumes where it stands is told of it.
    fn forget(&mut self, bytes: u64) {
        let needed = self.needed();
        while self.kept() > bytes || self.entries.len() >= self.bound.entries {
            let Some(place) = self.entries.iter().position(|entry| entry.len() > 0) else { break };
            let end = self.entries[place].end();
            if end > needed {
                break;
            }
            self.base = end;
            self.first += place as u64 + 1;
            self.entries.drain(..=place);
        }
    }

    /// Whether it is content with `bytes`: forgets what was read above that, and says whether less
    /// than that is unread.
    pub(crate) fn makes_do_with(&mut self, bytes: u64) -> bool {
        self.forget(bytes);
        self.end - self.needed() < bytes
    }

    /// Whether somebody has had the exit, and so all that stood before it.
    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    /// Whether somebody has begun to read and nobody has had the exit.
    pub(crate) fn is_half_read(&self) -> bool {
        self.next_reader > 0 && !self.told
    }

    /// Somebody has had the terminal by another way; where there was no output, that is all.
    pub(crate) fn tell_end(&mut self) {
        self.told |= self.ended && self.end == 0;
    }

    /// Whether the exit has been recorded.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Which stream an event is of; the exit is of none.
pub(crate) fn stream_of(event: &Event) -> Option<StreamId> {
    match event {
        Event::Chunk { stream, .. } | Event::Gap { stream, .. } | Event::End { stream, .. } => {
            Some(*stream)
        }
        Event::Exit(_) => None,
    }
}

/// The bytes of an event, where it is a chunk.
pub(crate) fn bytes_of(event: &Event) -> Option<&Data> {
    match event {
        Event::Chunk { chunk, .. } => Some(chunk),
        Event::Gap { .. } | Event::End { .. } | Event::Exit(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{End, StreamId::Stdout};

    const SLOW: Option<Holder> = Some(Holder::Numbered(1));
    const BOUND: Bound = Bound { bytes: 4, entries: 16 };

    fn chunk(text: &'static str) -> Event {
        Event::Chunk { stream: Stdout, chunk: Data::new(text.into()) }
    }

    fn text(retained: &mut Retained, reader: ReaderId) -> String {
        let mut text = String::new();
        while let Some(entry) = retained.read(reader) {
            match bytes_of(&entry.event) {
                Some(data) => text.push_str(std::str::from_utf8(data).expect("it is text")),
                None => text.push('.'),
            }
        }
        text
    }

    /// If this were red, a child without a reader would fill the runner's memory, or lose bytes.
    #[test]
    fn c15_what_nobody_has_read_is_kept_and_fills_the_bound() {
        let mut retained = Retained::new(BOUND);
        for part in ["ab", "cd"] {
            assert!(retained.has_room(0));
            retained.push(chunk(part));
        }
        assert!(!retained.has_room(0));
        let reader = retained.attach(0, None).expect("the first byte is kept");
        assert_eq!(text(&mut retained, reader), "abcd");
        assert!(retained.has_room(0));
    }

    /// If this were red, a client would get a byte twice or miss one after a disconnect.
    #[test]
    fn c19_whoever_holds_can_resume_anywhere_behind_what_he_asked_for() {
        let mut retained = Retained::new(BOUND);
        let reader = retained.attach(0, Some(Holder::Anonymous)).expect("the start");
        retained.push(chunk("abc"));
        retained.push(chunk("def"));
        assert_eq!(text(&mut retained, reader), "abcdef");
        assert!(!retained.has_room(0), "what was sent may be lost on its way");
        retained.detach(reader, Instant::now());
        for (offset, rest) in [(0, "abcdef"), (2, "cdef"), (3, "def"), (6, "")] {
            let reader = retained.attach(offset, Some(Holder::Anonymous)).expect("it is kept");
            assert_eq!(text(&mut retained, reader), rest, "from {offset}");
        }
    }

    /// If this were red, a reader would take up in the middle of nothing.
    #[test]
    fn c19_what_was_read_and_forgotten_is_expired_and_what_is_to_come_is_ahead() {
        let mut retained = Retained::new(BOUND);
        let reader = retained.attach(0, None).expect("the start");
        for part in ["abc", "def", "ghi"] {
            retained.push(chunk(part));
            text(&mut retained, reader);
        }
        retained.push(chunk("j"));
        assert_eq!(retained.attach(2, None), Err(NoSuchPlace::Expired { first: 6 }));
        assert_eq!(retained.attach(11, None), Err(NoSuchPlace::Ahead { end: 10 }));
        let late = retained.attach(7, None).expect("it is kept");
        assert_eq!(text(&mut retained, late), "hij");
    }

    /// If this were red, a stream's end would get lost between two connections.
    #[test]
    fn c01_an_end_is_told_again_to_who_resumes_where_it_stands() {
        let mut retained = Retained::new(BOUND);
        let reader = retained.attach(0, None).expect("the start");
        let end = Event::End { stream: StreamId::Stderr, end: End::Eof };
        for event in [chunk("abcde"), end, chunk("fghij")] {
            retained.push(event);
            text(&mut retained, reader);
        }
        let again = retained.attach(5, None).expect("it is kept");
        assert_eq!(text(&mut retained, again), ".fghij");
    }

    /// If this were red, a slow reader would lose what a fast one has read.
    #[test]
    fn c12_the_slowest_reader_decides_what_is_needed() {
        let mut retained = Retained::new(BOUND);
        let fast = retained.attach(0, None).expect("the start");
        let slow = retained.attach(0, None).expect("the start");
        retained.push(chunk("abcd"));
        assert_eq!(text(&mut retained, fast), "abcd");
        assert!(!retained.has_room(0));
        assert_eq!(text(&mut retained, slow), "abcd");
        assert!(retained.has_room(0));
    }

    /// If this were red, whoever has started a command would lose what another has read before his
    /// first request came.
    #[test]
    fn c12_who_started_it_is_waited_for_unless_somebody_may_be_him() {
        let soon = Instant::now() + std::time::Duration::from_secs(60);
        for (other, may_be_him) in
            [(SLOW, false), (None, true), (Some(Holder::Anonymous), true), (Some(STARTER), true)]
        {
            let mut retained = Retained::new(BOUND);
            retained.expect_starter(soon);
            let reader = retained.attach(0, other).expect("the start");
            retained.push(chunk("abcd"));
            assert_eq!(text(&mut retained, reader), "abcd");
            let again = retained.attach(4, other).expect("it is there");
            retained.detach(reader, soon);
            assert_eq!(retained.has_room(0), may_be_him, "{other:?}");
            retained.detach(again, soon);
        }
    }

    /// If this were red, whoever reads in pieces would lose what another has read while he was away
    /// between two of them.
    #[test]
    fn c12_who_is_away_between_two_requests_is_waited_for_and_not_for_ever() {
        let mut retained = Retained::new(BOUND);
        let now = Instant::now();
        let soon = now + std::time::Duration::from_secs(60);
        let slow = retained.attach(0, SLOW).expect("the start");
        retained.push(chunk("ab"));
        assert_eq!(text(&mut retained, slow), "ab");
        retained.detach(slow, soon);
        let fast = retained.attach(0, None).expect("the start");
        retained.push(chunk("cd"));
        assert_eq!(text(&mut retained, fast), "abcd");
        assert!(!retained.has_room(0), "the slow one has not said that he has any");
        // He may have had one byte of the two.
        let newcomer = retained.attach(0, Some(Holder::Numbered(2))).expect("the start");
        retained.detach(newcomer, now);
        let slow = retained.attach(1, SLOW).expect("it is kept for him");
        assert_eq!(text(&mut retained, slow), "bcd");
        retained.detach(slow, soon);
        assert_eq!(retained.expire_leases(now), Some(soon));
        retained.push(chunk("e"));
        assert_eq!(text(&mut retained, fast), "e");
        assert!(!retained.has_room(0));
        assert_eq!(retained.expire_leases(soon), None);
        assert!(retained.has_room(0), "he has gone for good");
    }
}
