//! A schedule as a sequence diagram: who did what, in order, and what went from whom to whom.
//!
//! [`terminal()`] draws it in characters, [`svg()`] as a picture, [`inline()`] as one that stands in a
//! page. All show the same. The texts may hold what a child wrote: they are drawn, never obeyed.

mod messages;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use messages::{Message, messages};
pub(crate) use svg::escaped;
pub use svg::{inline, svg};
pub use terminal::terminal;

use crate::executor::trace::Line;

/// A schedule to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// What is shown: a design and a rule.
    pub title: String,
    /// In which scenario.
    pub subtitle: String,
    /// The steps, in order.
    pub rows: Vec<Row>,
    /// The rule that is broken after the last step, and how. `None`: none is.
    pub broken: Option<String>,
    /// The command that runs this schedule again. Empty: there is none.
    pub replay: String,
}

/// One step of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Who made it.
    pub lane: String,
    /// What happened in it, in order. Empty: nothing that could be seen.
    pub text: Vec<String>,
}

impl From<&Line> for Row {
    fn from(line: &Line) -> Self {
        Row { lane: line.task.clone(), text: line.did.clone() }
    }
}

/// The name of a child's task, where a run has one child. See `stack::begin`.
const CHILD: &str = "child";

/// What is appended to the name of a process for that of a descendant.
const DESCENDANT: &str = "'s descendant";

/// Where a lane stands: processes on the left, then who carries, then who is told, then the world.
fn rank(lane: &str) -> u8 {
    let first = lane.split(' ').next().unwrap_or_default();
    match first {
        "child" | "box" | "child's" | "box's" => 0,
        "consumer" => 2,
        _ if is_caller(lane) => 3,
        "kernel" | "time" => 4,
        _ => 1,
    }
}

/// Whether a lane is one of those who ask something of an execution.
fn is_caller(lane: &str) -> bool {
    lane.starts_with("waiter ") || matches!(lane, "killer" | "closer" | "shutdown")
}

/// The lanes from left to right, each once: by rank, and then as they first act.
fn lanes(rows: &[Row]) -> Vec<&str> {
    let mut lanes: Vec<&str> = Vec::new();
    for row in rows {
        if !lanes.contains(&row.lane.as_str()) {
            lanes.push(&row.lane);
        }
    }
    lanes.sort_by_key(|lane| rank(lane));
    lanes
}

/// A step, and from where in the order of the lanes it is seen.
struct Placed<'a> {
    row: &'a Row,
    /// The place of its lane.
    lane: usize,
    /// What arrives with it: the step that sent it, and that step's lane.
    arrivals: Vec<Arrival>,
    /// Whether a rule is broken after it.
    breaks: bool,
}

struct Arrival {
    from_row: usize,
    from_lane: usize,
    label: String,
}

/// The steps with what both drawings need of them.
fn place<'a>(diagram: &'a Diagram, lanes: &[&str]) -> Vec<Placed<'a>> {
    let lane_of = |row: &Row| lanes.iter().position(|&lane| lane == row.lane).unwrap_or_default();
    let mut placed: Vec<Placed<'_>> = diagram
        .rows
        .iter()
        .enumerate()
        .map(|(number, row)| Placed {
            row,
            lane: lane_of(row),
            arrivals: Vec::new(),
            breaks: diagram.broken.is_some() && number + 1 == diagram.rows.len(),
        })
        .collect();
    for message in messages(&diagram.rows) {
        let from_lane = placed[message.from_row].lane;
        let Message { from_row, to_row, label } = message;
        placed[to_row].arrivals.push(Arrival { from_row, from_lane, label });
    }
    placed
}

/// The sentence at the end: where it breaks, and what.
fn verdict(diagram: &Diagram) -> Option<String> {
    let broken = diagram.broken.as_ref()?;
    Some(match diagram.rows.len() {
        0 => format!("Before any step: {broken}"),
        steps => format!("After step {steps}: {broken}"),
    })
}
