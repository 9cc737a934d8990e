//! Who asks for what at the same time: one value for each race.

use lastbyte::remote::lifecycle::{Limits, Resources};

/// A few callers, each with one request that may come at any moment.
#[derive(Clone, Debug)]
pub struct Race {
    /// Its name.
    pub name: &'static str,
    /// What there is to give.
    pub limits: Limits,
    /// Boxes that are there from the start, by the children that run in them.
    pub boxes: Vec<Vec<Child>>,
    /// The requests.
    pub asks: Vec<Ask>,
    /// What may go wrong, or happen by itself.
    pub chances: Vec<Chance>,
}

/// A request, and when it may come.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// What is asked for.
    pub what: What,
    /// Not before this.
    pub after: Option<After>,
}

/// What must have happened to another request, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It has been answered.
    Answered(usize),
    /// It has been answered, and the execution that it started, if any, has ended.
    Ended(usize),
}

/// What a caller asks for. Boxes are named by their place in [`Race::boxes`], or by the place of
/// the request that creates them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A box of this size.
    Create(Resources),
    /// To start it.
    Start(Which),
    /// To stop it.
    Stop(Which),
    /// To rebuild it.
    Rebuild(Which),
    /// To delete it if nothing lives in it.
    Delete(Which),
    /// To delete it in any case.
    ForceDelete(Which),
    /// To run such a child in it.
    Exec(Which, Child),
    /// To shut the runner down.
    Shutdown,
}

/// Which box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// One that is there from the start.
    There(usize),
    /// The one that the request at this place creates. Without it there is nothing to ask for.
    Made(usize),
    /// One that never was.
    Unknown,
}

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Child {
    /// Ends by itself at some time, or when it is killed.
    Ends,
    /// Ends only when it is killed.
    Sleeps,
}

/// What may happen, each once, or for each thing it can happen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chance {
    /// A box cannot be set up.
    SetUpFails,
    /// A command cannot be started.
    LaunchFails,
    /// A box that is up ends by itself.
    Dies,
    /// An ended execution expires.
    Expires,
}

/// Of each resource one.
pub const ONE: Resources = Resources { cpus: 1, memory_mib: 1, disk_gib: 1 };

/// Of each resource as many.
pub const fn share(of_each: u64) -> Resources {
    Resources { cpus: of_each, memory_mib: of_each, disk_gib: of_each }
}

impl Race {
    /// A race on a machine that has room for `total` of [`ONE`].
    pub fn new(name: &'static str, total: u64) -> Self {
        let limits = Limits { per_box: share(2), total: share(total), executions_max: 8 };
        Race { name, limits, boxes: Vec::new(), asks: Vec::new(), chances: Vec::new() }
    }

    /// With a box that is up, in which these children run.
    #[must_use]
    pub fn with_box(mut self, children: &[Child]) -> Self {
        self.boxes.push(children.to_vec());
        self
    }

    /// With a caller who asks at any moment.
    #[must_use]
    pub fn ask(mut self, what: What) -> Self {
        self.asks.push(Ask { what, after: None });
        self
    }

    /// With a caller who asks once the caller before him has been answered.
    #[must_use]
    pub fn then(mut self, what: What) -> Self {
        let after = self.asks.len().checked_sub(1).map(After::Answered);
        self.asks.push(Ask { what, after });
        self
    }

    /// With a caller who asks once what the caller before him has started has ended.
    #[must_use]
    pub fn then_when_ended(mut self, what: What) -> Self {
        let after = self.asks.len().checked_sub(1).map(After::Ended);
        self.asks.push(Ask { what, after });
        self
    }

    /// With something that may happen.
    #[must_use]
    pub fn chance(mut self, chance: Chance) -> Self {
        self.chances.push(chance);
        self
    }
}
