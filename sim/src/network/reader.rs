//! Who reads an execution at a runner: the production client, and wrong ones that were really
//! written, so that the harness is seen to catch them.

use std::future::Future;

use lastbyte::{
    Command, DrainPolicy, Event, Execution,
    machine::{Status, Until},
    remote::client::{Client, Patience},
};
use tokio::time::{Duration, sleep};

use super::{
    hosts::Way,
    log::{Log, Who},
    wrong,
};
use crate::executor::witness::Seen;

/// A client by its design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Design {
    /// The client that ships.
    Lastbyte,
    /// It tells the exit when the wait is answered, and then reads no more.
    ExitOnWait,
    /// After a disconnect it reads from the beginning again.
    ResumeFromStart,
    /// After a disconnect it goes on with what comes next, not with what is missing.
    ResumeFromEnd,
    /// A runner that cannot be reached is an exit with 255, as that of ssh(1).
    LostIsExit,
}

impl Design {
    /// All of them.
    pub const ALL: [Design; 5] = [
        Design::Lastbyte,
        Design::ExitOnWait,
        Design::ResumeFromStart,
        Design::ResumeFromEnd,
        Design::LostIsExit,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Design::Lastbyte => "lastbyte",
            Design::ExitOnWait => "exit-on-wait",
            Design::ResumeFromStart => "resume-from-start",
            Design::ResumeFromEnd => "resume-from-end",
            Design::LostIsExit => "lost-is-exit",
        }
    }
}

/// How long a client goes on with a runner that cannot be reached.
pub const LOST_AFTER: Duration = Duration::from_secs(4);

/// A client of a simulated runner.
pub fn client() -> Client {
    let patience = Patience { lost_after: LOST_AFTER, wait: Duration::from_secs(1) };
    Client::new(Way, None).patience(patience)
}

/// Notes what one reader sees.
#[derive(Clone)]
pub struct Eyes {
    log: Log,
    who: Who,
}

impl Eyes {
    /// Those of the reader of this number, of this child.
    pub fn new(log: &Log, child: usize, number: usize) -> Self {
        Eyes { log: log.clone(), who: Who::Reader(child, number) }
    }

    /// He saw this.
    pub fn see(&self, seen: Seen) {
        self.log.note(self.who, seen);
    }

    /// He was handed an event.
    pub fn event(&self, event: Event) {
        self.see(Seen::Event(event));
    }

    /// He was answered.
    pub fn resolved(&self, until: Until, status: Status) {
        self.see(Seen::Resolved { until, status });
    }

    /// He has vanished.
    pub fn gone(&self) {
        self.log.gone(self.who);
    }

    /// Something that the contract does not speak of.
    pub fn say(&self, words: String) {
        self.log.say(self.who, words);
    }
}

/// The command that stands for the child of this number.
pub fn command(child: usize, drain: DrainPolicy) -> Command {
    let mut command = Command::new(child.to_string());
    command.drain(drain);
    command
}

/// Starts a child's command and reads it to its end. `pause`: between two events. `started`: waited
/// for when it has been started.
///
/// # Errors
///
/// None of the contract's; those of a runner that cannot be reached before anything was started.
pub async fn run(
    design: Design,
    box_id: &str,
    child: usize,
    drain: DrainPolicy,
    pause: Duration,
    eyes: Eyes,
    started: impl Future<Output = ()>,
) -> Result<(), lastbyte::Error> {
    match design {
        Design::Lastbyte => {
            let execution = client().spawn(box_id, &command(child, drain)).await?;
            started.await;
            read(execution, pause, eyes).await;
            Ok(())
        }
        Design::ExitOnWait
        | Design::ResumeFromStart
        | Design::ResumeFromEnd
        | Design::LostIsExit => wrong::run(design, box_id, child, drain, eyes, started).await,
    }
}

/// Reads an execution to its end, with somebody who waits for each of its ends.
pub async fn read(mut execution: Execution, pause: Duration, eyes: Eyes) {
    let handle = execution.handle();
    let (exited, seen) = (execution.exited(), eyes.clone());
    let exited = tokio::spawn(async move { seen.resolved(Until::Exited, exited.await) });
    let seen = eyes.clone();
    let waited = tokio::spawn(async move {
        let terminal = handle.wait().await;
        seen.resolved(Until::Terminal, terminal.status);
    });
    while let Some(event) = execution.next().await {
        eyes.event(event);
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    eyes.see(Seen::NoMore);
    for waiter in [exited, waited] {
        // A task that panics is told by the runtime.
        let _joined = waiter.await;
    }
}
