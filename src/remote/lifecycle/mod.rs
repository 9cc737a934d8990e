//! What lives in a runner: its boxes and their executions, as one pure state machine.
//!
//! [`Lifecycle::step`] is the runner's only registry. It has no clock, no I/O, no lock and no
//! runtime; it says who gets which number, what may begin, what must be ended first, and how each
//! caller is answered. How a race ends is decided here and nowhere else, so that the explorer sees
//! every order of it.
//!
//! ```text
//!           Create           Up                Stop, Died          none lives     TornDown
//!  (nothing) ---> SettingUp ----> Running ------------> Emptying ----------> TearingDown ----> Stopped
//!     ^              | ^                \ Rebuild, Delete ^ |                     |              |
//!     |  failed at   | | Start, Rebuild  \---------------/  |                     |              |
//!     +- its first --+ +--------------------------------------- Rebuild ----------+              |
//!     |                |                                                          | Delete       |
//!     |                +------------------------- Start, Rebuild -----------------|--------------+
//!     |                                                                           v              | Delete
//!     +------------------------------------- Removed ------------------------ Removing <---------+
//! ```
//!
//! # How a runner uses it
//!
//! The runner keeps one `Lifecycle` behind its lock, beside a map from [`Call`] to whoever waits
//! for the answer, and maps of its own from [`BoxId`] and [`ExecId`] to directories and to
//! executions. Then, for everything that happens:
//!
//! 1. A request is given a fresh `Call` and becomes [`Input::Request`]. What the runner has done
//!    becomes [`Input::Report`].
//! 2. Under the lock: `let actions = lifecycle.step(input)?`.
//! 3. After it, in their order, the [`Action`]s are carried out; each that begins something is
//!    reported when it is over:
//!
//! | action | the runner | then reports |
//! |---|---|---|
//! | [`SetUp`](Action::SetUp) | makes directory, limits, profile; undoes its own half when it fails | [`Up`](Report::Up) or [`SetUpFailed`](Report::SetUpFailed) |
//! | [`Launch`](Action::Launch) | starts the command | [`Launched`](Report::Launched) or [`LaunchRefused`](Report::LaunchRefused), then, once, [`Ended`](Report::Ended) with its terminal |
//! | [`Kill`](Action::Kill) | shuts the execution down: kill by policy, forced end at its bound | nothing: [`Ended`](Report::Ended) comes anyway |
//! | [`TearDown`](Action::TearDown) | ends what executions left behind in the box | [`TornDown`](Report::TornDown) |
//! | [`Remove`](Action::Remove) | deletes the box's files; its executions are kept on until they expire | [`Removed`](Report::Removed) |
//! | [`BoxEnded`](Action::BoxEnded) | publishes the box's own terminal | nothing |
//! | [`Reply`](Action::Reply) | answers the call, if its caller is still there | nothing |
//!
//! A caller who goes away changes nothing: his request goes on and his answer is dropped. Reads
//! ([`state`](Lifecycle::state), [`find`](Lifecycle::find), [`boxes`](Lifecycle::boxes)) change
//! nothing. Every request is answered once: with success, or with a [`Refusal`] whose
//! [`kind`](Refusal::kind) is one of [the table](crate::error). [`Illegal`] is never an answer to a
//! caller: it says that the runner reported what cannot be, and has changed nothing.
//!
//! # What it promises
//!
//! - A box's own end follows the end of each of its executions, and its start comes before theirs
//!   (C20).
//! - What is granted never exceeds the [`Limits`], and is the sum over the boxes that exist: there
//!   is no ledger that could forget to give back. A box has its share from its creation until
//!   [`Removed`](Report::Removed), stopped or not.
//! - Numbers are never used again, after a rebuild, a delete or a refusal either. They are unique
//!   within one `Lifecycle`; a runner that shows them adds what tells its own lives apart, so that
//!   an execution of before its restart is not found, instead of another one under its number.
//! - Who asks for what is under way already joins it: two stops, two deletes, two rebuilds end as
//!   one, and both callers are told so. A delete overtakes everything. Whatever else comes in
//!   between is refused, and never queued.
//! - An execution of which the launch is under way when its box is left is killed as soon as it has
//!   started; its caller is told of the start, its terminal of the kill.
//! - A shutdown deletes every box and refuses what comes after it; it is answered when nothing is
//!   left.
//!
//! `sim/tests/lifecycle.rs` explores each race by name, with the number of its interleavings.

mod home;
mod input;
mod output;
mod registry;
mod resources;
mod state;

pub use input::{BoxId, Call, ExecId, Input, Report, Request};
pub use output::{Action, Done, Illegal, Refusal};
pub use registry::Lifecycle;
pub use resources::{Limits, Resource, Resources};
pub use state::{BoxState, ExecState};
