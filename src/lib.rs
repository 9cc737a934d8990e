//! lastbyte: no exit before the last byte.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_op_in_unsafe_fn)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod error;
pub mod machine;
pub mod monitor;
#[cfg(feature = "std")]
pub mod ordering;
#[cfg(feature = "std")]
mod sync;
