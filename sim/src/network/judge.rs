//! The contract at a client's end: what each reader was handed, held against what the child did and
//! the runner read, by the one witness that judges every stack.

use std::collections::BTreeMap;

use lastbyte::{
    Event,
    machine::{End, Errno, Status, Until},
    monitor::{Broken, Rule},
};

use super::log::{Line, Log, What, Who};
use crate::executor::witness::{Quiet, Seen, Witness};

/// Judges every reader of every child, line by line.
pub struct Judge {
    log: Log,
    judged: usize,
    /// The runner may be lost: readers may be told so.
    may_lose: bool,
    /// What children did and runners read, for readers who come later.
    children: BTreeMap<usize, Vec<Seen>>,
    readers: BTreeMap<(usize, usize), Reader>,
}

/// What one reader has seen.
struct Reader {
    witness: Witness,
    waits: u32,
    reads: bool,
    lost: bool,
    /// He came when others were reading already.
    late: bool,
}

/// What a read says of output that others have read and that is no longer kept.
const STALE: Errno = Errno(rustix::io::Errno::STALE.raw_os_error());

/// How the executions ended for their readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// Readers who had a terminal and everything before it.
    pub complete: u64,
    /// Readers who were told that the runner is lost.
    pub lost: u64,
}

impl Judge {
    /// A judge of a run. `may_lose`: something was done to it after which a runner may be lost.
    pub fn new(log: Log, may_lose: bool) -> Self {
        Judge { log, judged: 0, may_lose, children: BTreeMap::new(), readers: BTreeMap::new() }
    }

    /// Judges what has been seen since the last time.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn judge(&mut self) -> Result<(), Broken> {
        let lines = self.log.since(self.judged);
        self.judged += lines.len();
        lines.into_iter().try_for_each(|line| self.line(line))
    }

    fn line(&mut self, line: Line) -> Result<(), Broken> {
        let seen = match (line.what, line.who) {
            (What::Seen(seen), _) => seen,
            (What::Gone, Who::Reader(child, number)) => {
                let name = (child, number);
                if self.readers.get(&name).is_some_and(|reader| reader.reads || reader.waits > 0) {
                    self.readers.remove(&name);
                }
                return Ok(());
            }
            (What::Gone | What::Said(_), _) => return Ok(()),
        };
        match line.who {
            Who::World => Ok(()),
            Who::Child(child) => {
                for (_, reader) in self.readers.range_mut((child, 0)..=(child, usize::MAX)) {
                    reader.witness.see(&seen)?;
                }
                self.children.entry(child).or_default().push(seen);
                Ok(())
            }
            Who::Reader(child, number) => {
                let may_lose = self.may_lose;
                self.reader(child, number)?.see(&seen, may_lose)
            }
        }
    }

    fn reader(&mut self, child: usize, number: usize) -> Result<&mut Reader, Broken> {
        if !self.readers.contains_key(&(child, number)) {
            let mut witness = Witness::new();
            for seen in self.children.get(&child).into_iter().flatten() {
                witness.see(seen)?;
            }
            let reader = Reader { witness, waits: 2, reads: true, lost: false, late: number > 0 };
            self.readers.insert((child, number), reader);
        }
        let why = "a reader is not known";
        self.readers.get_mut(&(child, number)).ok_or(Broken { rule: Rule::C2, why })
    }

    /// Nothing more can happen.
    ///
    /// # Errors
    ///
    /// The first rule that is broken by what has not happened.
    pub fn finish(&mut self) -> Result<Endings, Broken> {
        self.judge()?;
        let mut endings = Endings::default();
        for reader in self.readers.values() {
            let waiters = reader.waits;
            let quiet = Quiet { consumer_waits: reader.reads, waiters, ..Quiet::default() };
            if reader.lost {
                let answered = !reader.reads && waiters == 0;
                let why = "the runner is lost, and somebody waits on";
                answered.then_some(()).ok_or(Broken { rule: Rule::C6, why })?;
                endings.lost += 1;
            } else {
                reader.witness.finish(quiet)?;
                endings.complete += u64::from(reader.witness.is_over());
            }
        }
        Ok(endings)
    }
}

impl Reader {
    fn see(&mut self, seen: &Seen, may_lose: bool) -> Result<(), Broken> {
        self.note(seen);
        if !self.lost {
            return self.witness.see(seen);
        }
        let why = "a runner is called lost that was always there";
        if !may_lose && !self.late {
            return Err(Broken { rule: Rule::C9, why });
        }
        // Nothing is owed any more; what comes all the same must be what was read.
        if let Seen::Event(Event::Chunk { .. }) = seen {
            self.witness.see(seen)
        } else if let Seen::Resolved { status, .. } = seen
            && *status != Status::Lost
        {
            // The terminal was not shown to the witness; the status must still be true.
            self.witness.see(&Seen::Resolved { until: Until::Exited, status: *status })
        } else {
            Ok(())
        }
    }

    fn note(&mut self, seen: &Seen) {
        if let Seen::Resolved { status, .. } = seen {
            self.waits = self.waits.saturating_sub(1);
            self.lost |= *status == Status::Lost;
        } else if let Seen::NoMore = seen {
            self.reads = false;
        } else if let Seen::Event(Event::Exit(terminal)) = seen {
            self.lost |= terminal.status == Status::Lost;
        } else if let Seen::Event(Event::End { end: End::ReadError(errno), .. }) = seen {
            // What a client says of a stream whose rest it cannot know.
            self.lost = true;
            // Others had read it before he came.
            self.late &= *errno == STALE;
        }
    }
}
