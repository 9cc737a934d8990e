//! What a caller sees of a box and of an execution.

/// What a box is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BoxState {
    /// It is being set up.
    Starting,
    /// Commands can be run in it.
    Running,
    /// It is being stopped.
    Stopping,
    /// It is being stopped, to be set up anew.
    Rebuilding,
    /// It is being stopped and its files deleted.
    Deleting,
    /// Nothing runs in it. It has its files and its share.
    Stopped,
}

impl BoxState {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            BoxState::Starting => "starting",
            BoxState::Running => "running",
            BoxState::Stopping => "stopping",
            BoxState::Rebuilding => "rebuilding",
            BoxState::Deleting => "deleting",
            BoxState::Stopped => "stopped",
        }
    }

    /// What a caller does who cannot go on from here.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            BoxState::Starting | BoxState::Rebuilding => "wait until it is running",
            BoxState::Running => "stop it first",
            BoxState::Stopping => "wait until it is stopped",
            BoxState::Deleting => "create another",
            BoxState::Stopped => "start it first",
        }
    }
}

/// What an execution is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExecState {
    /// Its command is being started; nobody has been told of it.
    Launching,
    /// It has no terminal yet.
    Live,
    /// It has its terminal, and is kept.
    Ended,
}
