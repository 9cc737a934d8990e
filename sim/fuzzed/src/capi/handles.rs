//! Handles of one type: those that were made, and others.

use std::{mem::MaybeUninit, ptr};

use arbitrary::{Arbitrary, Result, Unstructured};

/// What a handle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id {
    Null,
    /// It was freed, or never was one.
    Absent,
    Alive,
}

/// Every handle of one type that was made.
pub(super) struct Handles<T> {
    made: Vec<(*mut T, bool)>,
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Handles { made: Vec::new() }
    }
}

impl<T> Handles<T> {
    /// One of them, or NULL, or a number that is none.
    pub(super) fn pick(&self, u: &mut Unstructured<'_>) -> Result<(*mut T, Id)> {
        let byte = usize::from(u8::arbitrary(u)?);
        Ok(match byte {
            0 => (ptr::null_mut(), Id::Null),
            1 => (ptr::without_provenance_mut(17), Id::Absent),
            2 => (ptr::without_provenance_mut(usize::MAX), Id::Absent),
            _ => match self.made.get(byte % self.made.len().max(1)) {
                Some(&(handle, alive)) => (handle, if alive { Id::Alive } else { Id::Absent }),
                None => (ptr::null_mut(), Id::Null),
            },
        })
    }

    /// Calls what writes a handle, and takes note of it where it did.
    pub(super) fn make(
        &mut self,
        make: impl FnOnce(Option<&mut MaybeUninit<*mut T>>) -> i32,
        here: bool,
    ) -> i32 {
        let mut place = MaybeUninit::new(ptr::null_mut());
        let code = make(here.then_some(&mut place));
        // SAFETY: it was NULL, and may have been written since.
        let handle: *mut T = unsafe { place.assume_init() };
        assert_eq!(code == 0, !handle.is_null(), "a handle is written on success alone");
        if !handle.is_null() {
            assert!(self.made.iter().all(|&(made, _)| made != handle), "a number is used twice");
            self.made.push((handle, true));
        }
        code
    }

    pub(super) fn freed(&mut self, handle: *mut T) {
        self.made.iter_mut().filter(|(made, _)| *made == handle).for_each(|made| made.1 = false);
    }

    pub(super) fn alive(&self) -> Vec<*mut T> {
        self.made.iter().filter(|made| made.1).map(|made| made.0).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.made.len()
    }
}
