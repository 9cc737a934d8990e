#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_op_in_unsafe_fn)]

extern crate alloc;

#[cfg(feature = "process")]
pub mod backend;
#[cfg(feature = "process")]
pub mod blocking;
#[cfg(feature = "capi")]
pub mod capi;
#[cfg(feature = "process")]
mod collected;
#[cfg(feature = "process")]
mod command;
#[cfg(feature = "process")]
mod data;
#[cfg(feature = "process")]
pub mod driver;
#[cfg(feature = "std")]
pub mod error;
#[cfg(feature = "process")]
mod execution;
#[cfg(feature = "json")]
pub mod json;
pub mod machine;
pub mod monitor;
#[cfg(feature = "tokio")]
mod on_tokio;
#[cfg(feature = "std")]
pub mod ordering;
#[cfg(feature = "process")]
pub mod record;
#[cfg(feature = "remote")]
pub mod remote;
#[cfg(feature = "process")]
mod stdin;
#[cfg(feature = "std")]
mod sync;

#[cfg(feature = "process")]
pub use {
    command::{Command, PtySize, ResourceLimits, Stdio},
    data::Data,
    execution::{Execution, Handle, Output},
    stdin::{Stdin, StdinClosed, StdinReport},
};

#[cfg(feature = "std")]
pub use error::{Error, Kind as ErrorKind};
pub use machine::{
    BufferPolicy, Cause, Cut, Descendants, DrainPolicy, End, Errno, Full, KillPolicy, OutputLimit,
    Over, Policy, Reply, Signal, Status, StreamId, StreamReport, Streams, Target, TeardownPolicy,
    Terminal,
};

/// What the consumer of a local or remote execution gets: `(Chunk | Gap | End)* Exit`.
#[cfg(feature = "process")]
pub type Event = machine::Event<Data>;

#[cfg(all(feature = "process", not(target_os = "linux")))]
compile_error!("local processes need Linux; build with `default-features = false` for the core");
