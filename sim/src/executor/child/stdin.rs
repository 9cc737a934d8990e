//! The writing end of a child's stdin.

use std::{fmt, rc::Rc};

use lastbyte::machine::Errno;

use super::{EPIPE, kernel::Kernel};
use crate::executor::run::{At, choice, look};

/// The writing end of a child's stdin; dropping it closes it.
pub struct Stdin {
    pub(super) kernel: Rc<Kernel>,
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stdin")
    }
}

impl Stdin {
    /// Writes to it.
    ///
    /// # Errors
    ///
    /// `EPIPE`: nobody reads it any more.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        choice(At::Await, None).await;
        let mut root = self.kernel.root.borrow_mut();
        look(root.object, &root.status.is_some());
        if root.status.is_some() {
            return Err(EPIPE);
        }
        root.stdin_taken += bytes.len() as u64;
        root.holds();
        Ok(())
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        let mut root = self.kernel.root.borrow_mut();
        root.stdin_open = false;
        root.changed();
    }
}
