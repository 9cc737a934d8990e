//! Handles: numbers that are never used again, and the tables that say what they mean.

use std::{
    collections::BTreeMap,
    ptr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::boundary::{INVALID_ARGUMENT, NOT_FOUND, Refusal};

/// The number in a handle. Numbers are multiples of 16, so that a handle is aligned as a pointer
/// to anything would be, and no two handles of any type have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(usize);

impl Id {
    /// A number that no handle had before.
    pub(super) fn next() -> Id {
        static NEXT: AtomicUsize = AtomicUsize::new(16);
        Id(NEXT.fetch_add(16, Ordering::Relaxed))
    }

    /// Its shape in C.
    pub(super) fn handle<H>(self) -> *mut H {
        ptr::without_provenance_mut(self.0)
    }
}

/// What the handles of one type stand for.
pub(super) struct Table<T> {
    rows: RwLock<BTreeMap<Id, Arc<T>>>,
}

impl<T> Table<T> {
    pub(super) const fn new() -> Self {
        Table { rows: RwLock::new(BTreeMap::new()) }
    }

    pub(super) fn insert(&self, id: Id, value: Arc<T>) {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).insert(id, value);
    }

    /// Adds a value under a number of its own.
    pub(super) fn add<H>(&self, value: T) -> *mut H {
        let id = Id::next();
        self.insert(id, Arc::new(value));
        id.handle()
    }

    /// What `handle` stands for.
    pub(super) fn get<H>(&self, handle: *const H) -> Result<Arc<T>, Refusal> {
        let id = id_of(handle)?;
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(&id).cloned().ok_or(NOT_FOUND)
    }

    /// Ends `handle`. Of several who do so at once, one gets what it stood for.
    pub(super) fn remove<H>(&self, handle: *const H) -> Result<Arc<T>, Refusal> {
        let id = id_of(handle)?;
        self.forget(id).ok_or(NOT_FOUND)
    }

    pub(super) fn forget(&self, id: Id) -> Option<Arc<T>> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

fn id_of<H>(handle: *const H) -> Result<Id, Refusal> {
    if handle.is_null() { Err(INVALID_ARGUMENT) } else { Ok(Id(handle.addr())) }
}
