//! Gaps in a runner's output, told to the consumer in their place (C8).
//!
//! The machine of the runner dropped these bytes and said where. Ours relays what came: it has no
//! input for bytes that somebody else dropped. So the places are kept here, each as the number of
//! bytes of its stream before it, and the consumer's events are counted past them.

use std::collections::VecDeque;

use crate::{
    Event, StreamId, StreamReport,
    machine::{Chunk, PerStream},
};

/// The gaps of one execution.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    lanes: PerStream<Lane>,
    /// What was taken from the core and stands behind a gap that was told instead.
    held: Option<Event>,
}

#[derive(Debug, Default)]
struct Lane {
    /// Bytes that came, without gaps.
    came: u64,
    /// Bytes of them that the consumer has behind him.
    told: u64,
    /// What is still to be told, by the bytes before it.
    places: VecDeque<Place>,
    /// Bytes in gaps.
    dropped: u64,
    /// Bytes that the core handed out and the consumer did not get, for he closed.
    untold: u64,
}

#[derive(Debug)]
struct Place {
    after: u64,
    bytes: u64,
}

impl Gaps {
    // The connection's side.

    /// So many bytes of a stream came, and went to the core.
    pub(super) fn came(&mut self, stream: StreamId, bytes: u64) {
        self.lanes[stream].came += bytes;
    }

    /// Behind what came of a stream so many bytes were dropped.
    pub(super) fn add(&mut self, stream: StreamId, bytes: u64) {
        let lane = &mut self.lanes[stream];
        // The connection has refused more than can be counted.
        lane.dropped += bytes;
        match lane.places.back_mut() {
            Some(last) if last.after == lane.came => last.bytes += bytes,
            Some(_) | None => lane.places.push_back(Place { after: lane.came, bytes }),
        }
    }

    // The consumer's side.

    /// What the consumer gets, now that the core has handed out this event.
    pub(super) fn tell(&mut self, event: Event) -> Event {
        match event {
            Event::Chunk { stream, ref chunk } => {
                let len = Chunk::len(chunk);
                self.behind_gap(stream, len, event)
            }
            Event::End { stream, .. } => self.behind_gap(stream, 0, event),
            // Ours: what they had dropped amidst it is told with it.
            Event::Gap { stream, bytes } => {
                let lane = &mut self.lanes[stream];
                lane.told += bytes;
                Event::Gap { stream, bytes: bytes + lane.take_passed() }
            }
            Event::Exit(_) => event,
        }
    }

    /// The event that was held back, to be told before the core is asked for the next.
    pub(super) fn take_held(&mut self) -> Option<Event> {
        let event = self.held.take()?;
        Some(self.tell(event))
    }

    /// The consumer gets no further event but those of the core (C11).
    pub(super) fn close(&mut self) {
        if let Some(Event::Chunk { stream, chunk }) = self.held.take() {
            self.lanes[stream].untold += Chunk::len(&chunk);
        }
    }

    fn behind_gap(&mut self, stream: StreamId, len: u64, event: Event) -> Event {
        let lane = &mut self.lanes[stream];
        match lane.take_passed() {
            0 => {
                lane.told += len;
                event
            }
            bytes => {
                self.held = Some(event);
                Event::Gap { stream, bytes }
            }
        }
    }

    // The terminal.

    /// A report of ours with what was dropped there: by `told`, the runner's own count, or by the
    /// gaps that came before it was lost.
    pub(super) fn complete(&self, ours: &mut StreamReport, told: Option<u64>) {
        let lane = &self.lanes[ours.stream];
        let untold = lane.untold.min(ours.delivered);
        ours.delivered -= untold;
        // Whatever a runner says, it does not end its client.
        ours.dropped =
            ours.dropped.saturating_add(untold).saturating_add(told.unwrap_or(lane.dropped));
    }
}

impl Lane {
    /// Takes the gaps that the consumer has come to.
    fn take_passed(&mut self) -> u64 {
        let mut bytes = 0;
        while let Some(place) = self.places.pop_front_if(|place| place.after <= self.told) {
            bytes += place.bytes;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use StreamId::{Stderr, Stdout};

    use super::*;
    use crate::{Data, End};

    fn chunk(stream: StreamId, text: &'static str) -> Event {
        Event::Chunk { stream, chunk: Data::new(text.into()) }
    }

    fn gap(stream: StreamId, bytes: u64) -> Event {
        Event::Gap { stream, bytes }
    }

    fn end(stream: StreamId) -> Event {
        Event::End { stream, end: End::Eof }
    }

    /// What came of stdout: text, and gaps by their length.
    fn after(came: &[Result<&str, u64>]) -> Gaps {
        let mut gaps = Gaps::default();
        for piece in came {
            match piece {
                Ok(text) => gaps.came(Stdout, text.len() as u64),
                Err(bytes) => gaps.add(Stdout, *bytes),
            }
        }
        gaps
    }

    /// What the consumer gets of what the core hands out.
    fn told(gaps: &mut Gaps, events: impl IntoIterator<Item = Event>) -> Vec<Event> {
        let mut told = Vec::new();
        for event in events {
            told.push(gaps.tell(event));
            told.extend(core::iter::from_fn(|| gaps.take_held()));
        }
        told
    }

    fn report(delivered: u64, dropped: u64) -> StreamReport {
        StreamReport { stream: Stdout, end: End::Eof, delivered, dropped, held: false }
    }

    /// If this were red, a gap would be told nowhere, or in another place.
    #[test]
    fn c08_each_gap_stands_where_its_bytes_were() {
        let mut gaps = after(&[Err(1), Ok("ab"), Err(2), Err(3), Ok("c"), Err(4)]);
        let events = [chunk(Stdout, "a"), chunk(Stdout, "b"), chunk(Stdout, "c"), end(Stdout)];
        let [a, b, c, end] = events.clone();
        let placed = [gap(Stdout, 1), a, b, gap(Stdout, 5), c, gap(Stdout, 4), end];
        assert_eq!(told(&mut gaps, events), placed);
    }

    /// If this were red, one stream's gap would stand in another's output.
    #[test]
    fn c08_a_gap_is_its_streams_own() {
        let mut gaps = after(&[Ok("a"), Err(7)]);
        let events = [chunk(Stderr, "bc"), end(Stderr), chunk(Stdout, "a")];
        assert_eq!(told(&mut gaps, events.clone()), events);
        assert_eq!(told(&mut gaps, [end(Stdout)]), [gap(Stdout, 7), end(Stdout)]);
    }

    /// If this were red, what was dropped there behind what was dropped here would move.
    #[test]
    fn c08_a_gap_of_ours_takes_theirs_along() {
        let mut gaps = after(&[Ok("ab"), Err(3), Ok("cd"), Err(4), Ok("e")]);
        let events = [chunk(Stdout, "a"), gap(Stdout, 3), chunk(Stdout, "e")];
        let placed = [chunk(Stdout, "a"), gap(Stdout, 3 + 3 + 4), chunk(Stdout, "e")];
        assert_eq!(told(&mut gaps, events), placed);
    }

    /// If this were red, whoever has closed would get one more event, or its bytes be counted as
    /// delivered.
    #[test]
    fn c11_what_is_held_at_the_close_is_dropped_and_counted() {
        let mut gaps = after(&[Err(5), Ok("abc")]);
        assert_eq!(gaps.tell(chunk(Stdout, "abc")), gap(Stdout, 5));
        gaps.close();
        assert_eq!(gaps.take_held(), None);
        let mut ours = report(3, 0);
        gaps.complete(&mut ours, None);
        assert_eq!((ours.delivered, ours.dropped), (0, 8));
    }

    /// If this were red, gaps of a runner that was lost would be in no report, or those of one that
    /// told its own count would be in it twice.
    #[test]
    fn c08_the_terminal_counts_each_gap_once() {
        let gaps = after(&[Err(5), Ok("abc"), Err(2)]);
        for (told, dropped) in [(None, 8), (Some(9), 10), (Some(u64::MAX), u64::MAX)] {
            let mut ours = report(2, 1);
            gaps.complete(&mut ours, told);
            assert_eq!((ours.delivered, ours.dropped), (2, dropped), "{told:?}");
        }
    }
}
