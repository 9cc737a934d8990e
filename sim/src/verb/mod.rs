//! One module for each verb of the command.

pub(crate) mod check;
pub(crate) mod probe;
pub(crate) mod racy;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod show;
mod verdict;
