//! The executions that a runner keeps: how many there may be, and which is let go first.
//!
//! One is kept until it expires. When there is no room for another, the one that ended first of
//! those that somebody has had all of is let go before its time; what nobody has read never is, and
//! then the new one is refused.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use tokio::task::AbortHandle;

use super::{budget::Budget, record::Record};
use crate::{Error, ErrorKind, remote::lifecycle::ExecId};

/// Records of executions, running and ended.
pub(super) struct Kept {
    max: usize,
    budget: Arc<Budget>,
    /// Places that are taken by what is being started.
    starting: usize,
    records: BTreeMap<ExecId, Entry>,
    /// Those that have ended, in that order.
    ended: VecDeque<ExecId>,
}

/// A record, and the task that keeps it.
struct Entry {
    record: Arc<Record>,
    keeper: Option<AbortHandle>,
}

impl Kept {
    pub(super) fn new(max: usize, budget: Arc<Budget>) -> Self {
        Kept { max, budget, starting: 0, records: BTreeMap::new(), ended: VecDeque::new() }
    }

    /// Takes a place for one that is to be started. Returns which were let go for it.
    pub(super) fn take_place(&mut self) -> Result<Vec<ExecId>, Error> {
        let mut gone = Vec::new();
        while self.records.len() + self.starting >= self.max || !self.budget.has_room() {
            match self.let_go() {
                Some(id) => gone.push(id),
                None => return Err(self.is_full()),
            }
        }
        self.starting += 1;
        Ok(gone)
    }

    fn is_full(&self) -> Error {
        let op = format!(
            "start a command: {} executions with {} bytes of output are kept, and of none that \
             has ended has the output been read; read some to the end, or wait until they expire",
            self.records.len() + self.starting,
            self.budget.used()
        );
        Error::new(ErrorKind::OverQuota, op)
    }

    fn let_go(&mut self) -> Option<ExecId> {
        let is_told = |id: &ExecId| self.records.get(id).is_none_or(|kept| kept.record.is_told());
        let place = self.ended.iter().position(is_told)?;
        let id = self.ended.remove(place)?;
        if let Some(keeper) = self.records.remove(&id).and_then(|kept| kept.keeper) {
            keeper.abort();
        }
        Some(id)
    }

    /// The place is not needed: nothing was started.
    pub(super) fn leave_place(&mut self) {
        self.starting = self.starting.saturating_sub(1);
    }

    /// What was started has the place that was taken for it.
    pub(super) fn insert(&mut self, record: Arc<Record>) {
        self.leave_place();
        self.records.insert(record.id, Entry { record, keeper: None });
    }

    /// This task keeps it.
    pub(super) fn is_kept_by(&mut self, id: ExecId, keeper: AbortHandle) {
        if let Some(kept) = self.records.get_mut(&id) {
            kept.keeper = Some(keeper);
        }
    }

    /// It has ended, and may be let go once it was read.
    pub(super) fn has_ended(&mut self, id: ExecId) {
        self.ended.push_back(id);
    }

    /// Its time is over. Whether it was still here.
    pub(super) fn expire(&mut self, id: ExecId) -> bool {
        self.ended.retain(|ended| *ended != id);
        self.records.remove(&id).is_some()
    }

    pub(super) fn get(&self, id: ExecId) -> Option<Arc<Record>> {
        self.records.get(&id).map(|kept| Arc::clone(&kept.record))
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether somebody has begun to read one of them, and nobody has had all of it.
    pub(super) fn is_any_half_read(&self) -> bool {
        self.records.values().any(|kept| kept.record.is_half_read())
    }
}
