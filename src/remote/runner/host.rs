//! What a runner runs on: the seam between the runner and a machine.
//!
//! [`Local`](super::local::Local) is this machine. A simulator implements [`Host`] with fake
//! children, by [`Execution::on_backend`].

use std::{collections::BTreeMap, future::Future, pin::Pin};

use super::config::Image;
use crate::{
    Error, Execution, Policy,
    remote::{lifecycle::Resources, wire::StdinKind},
};

/// Something that takes its time.
pub type Doing<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A machine on which boxes are set up and commands run.
pub trait Host: Send + Sync + 'static {
    /// Sets a box up. `anew`: without the files of before. What fails leaves nothing.
    fn set_up(&self, place: &Place, anew: bool) -> Doing<Result<(), Error>>;

    /// Starts a command in a box, under this policy. A refusal leaves nothing (C14).
    ///
    /// # Errors
    ///
    /// A typed refusal, with its stage and errno where it was a start that failed.
    fn launch(&self, place: &Place, order: &Order, policy: Policy) -> Result<Execution, Error>;

    /// Ends what is left in a box; every execution in it has its terminal.
    fn tear_down(&self, place: &Place) -> Doing<()>;

    /// Deletes a box's files.
    fn remove(&self, place: &Place) -> Doing<()>;
}

/// A box, as its host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name, used by no other box of any runner on this host.
    pub name: String,
    /// The name of its profile.
    pub image: String,
    /// Its profile.
    pub profile: Image,
    /// What it may use.
    pub share: Resources,
    /// Its own environment variables, over those of its profile.
    pub env: BTreeMap<String, String>,
    /// Where commands start, instead of where its profile says.
    pub workdir: Option<String>,
}

/// A command to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables, over those of its box.
    pub env: BTreeMap<String, String>,
    /// The directory to start in, instead of the box's.
    pub cwd: Option<String>,
    /// On a terminal of its own.
    pub tty: bool,
    /// What its stdin is.
    pub stdin: StdinKind,
    /// The execution lives on without anybody attached.
    pub detach: bool,
    /// How it is drained, and killed at its timeout.
    pub policy: Policy,
}
