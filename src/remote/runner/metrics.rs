//! Counts for Prometheus, in its text format.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// Answers are counted by the first digit of their status.
const CLASSES: usize = 6;

#[derive(Debug, Default)]
pub(super) struct Metrics {
    started: AtomicU64,
    ended: AtomicU64,
    recorded: AtomicU64,
    connections: AtomicU64,
    answers: [AtomicU64; CLASSES],
}

/// What is counted elsewhere, at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gauges {
    pub(super) boxes: u64,
    pub(super) kept_executions: u64,
    pub(super) kept_bytes: u64,
    pub(super) open_connections: u64,
}

impl Metrics {
    pub(super) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, bytes: u64) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.recorded.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: u16) {
        if let Some(count) = self.answers.get(usize::from(status / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn text(&self, gauges: Gauges) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (started, ended) = (of(&self.started), of(&self.ended));
        let mut text = String::new();
        for (name, kind, help, value) in [
            ("executions_started_total", "counter", "Commands that were started.", started),
            ("executions_ended_total", "counter", "Executions that have their terminal.", ended),
            (
                "executions_running",
                "gauge",
                "Executions without their terminal.",
                started.saturating_sub(ended),
            ),
            (
                "executions_kept",
                "gauge",
                "Executions that can be asked for.",
                gauges.kept_executions,
            ),
            ("boxes", "gauge", "Boxes that exist.", gauges.boxes),
            (
                "output_bytes_total",
                "counter",
                "Output of executions that have ended.",
                of(&self.recorded),
            ),
            ("output_bytes_kept", "gauge", "Output that is kept to be read.", gauges.kept_bytes),
            ("connections_total", "counter", "Connections that came in.", of(&self.connections)),
            ("connections_open", "gauge", "Connections that are open.", gauges.open_connections),
        ] {
            // A string takes whatever is written to it.
            let _written = writeln!(
                text,
                "# HELP lastbyte_{name} {help}\n# TYPE lastbyte_{name} {kind}\nlastbyte_{name} {value}"
            );
        }
        let name = "lastbyte_answers_total";
        let _written = writeln!(text, "# HELP {name} Answers by class.\n# TYPE {name} counter");
        for (class, count) in self.answers.iter().enumerate().skip(2) {
            let _written = writeln!(text, "{name}{{class=\"{class}xx\"}} {}", of(count));
        }
        text
    }
}
