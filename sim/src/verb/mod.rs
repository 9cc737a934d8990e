//! One module for each verb of the command that runs something real.

pub(crate) mod conform;
pub(crate) mod doctor;
pub(crate) mod merge;
pub(crate) mod network;
pub(crate) mod one_page;
pub(crate) mod probe;
pub(crate) mod racy;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod shell;
pub(crate) mod shim;
pub(crate) mod soak;
pub(crate) mod sweep;
pub(crate) mod trace;
pub(crate) mod vectors;
