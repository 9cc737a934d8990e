//! One execution of a trace, by how much of it is recorded: what happened, or each step.

use lastbyte::monitor::Broken;

use super::{line::Says, seen::Execution, steps::Steps};

/// What a trace has of one execution.
#[derive(Debug)]
pub(super) enum History {
    /// What happened, or what the consumer sees of it.
    Seen(Box<Execution>),
    /// Each step of its machine.
    Steps(Box<Steps>),
}

impl History {
    /// That which begins with this line.
    pub(super) fn of(says: &Says<'_>) -> Self {
        match says {
            Says::Machine(begun) => History::Steps(Box::new(Steps::new(begun))),
            Says::Happened(_) | Says::Step(_) => History::Seen(Box::new(Execution::new())),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            History::Seen(execution) => execution.is_over(),
            History::Steps(steps) => steps.is_over(),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        match self {
            History::Seen(execution) => execution.is_settled(),
            History::Steps(steps) => steps.is_settled(),
        }
    }

    /// Says what is wrong with a line that no execution can have, whatever runs it.
    pub(super) fn check_form(&self, says: &Says<'_>) -> Result<(), String> {
        match (self, says) {
            (History::Seen(execution), Says::Happened(what)) => execution.check_form(what),
            (History::Steps(steps), Says::Step(made)) => steps.check_form(made),
            // The line that it began with.
            (History::Steps(steps), Says::Machine(_)) if steps.is_fresh() => Ok(()),
            (History::Steps(_), Says::Machine(_) | Says::Happened(_)) => {
                Err("after its `machine` this execution has only `step` lines".to_owned())
            }
            (History::Seen(_), Says::Machine(_) | Says::Step(_)) => {
                Err("`machine` and `step` have no place among the lines of this execution"
                    .to_owned())
            }
        }
    }

    pub(super) fn see(&mut self, says: &Says<'_>) -> Result<(), Broken> {
        match (self, says) {
            (History::Seen(execution), Says::Happened(what)) => execution.see(what),
            (History::Steps(steps), Says::Step(made)) => steps.see(made),
            // Its first line; others were refused as no form.
            (History::Steps(_), Says::Machine(_) | Says::Happened(_))
            | (History::Seen(_), Says::Machine(_) | Says::Step(_)) => Ok(()),
        }
    }

    pub(super) fn finish(&self) -> Result<(), Broken> {
        match self {
            History::Seen(execution) => execution.finish(),
            History::Steps(steps) => steps.finish(),
        }
    }
}
