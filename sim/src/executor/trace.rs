//! What happened in a run, step by step, in words.

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who made the step.
    pub task: String,
    /// What happened in it, in order. Empty: nothing that could be seen.
    pub did: Vec<String>,
}

/// The steps of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: Vec<Line>,
}

impl Trace {
    pub(crate) fn begin(&mut self, task: &str, what: Option<&'static str>) {
        let did = what.map(str::to_owned).into_iter().collect();
        self.lines.push(Line { task: task.to_owned(), did });
    }

    pub(crate) fn note(&mut self, text: String) {
        if let Some(line) = self.lines.last_mut() {
            line.did.push(text);
        }
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }
}
