//! The way of a trace through `tracing`: events out, and a layer that writes them.

use std::{
    fmt,
    io::Write,
    sync::{Mutex, PoisonError},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::Context;

/// Where a trace is among other events.
pub(super) const TARGET: &str = "lastbyte::trace";

/// Each line as an event.
pub(super) fn emit(lines: &[u8]) {
    for line in String::from_utf8_lossy(lines).lines() {
        tracing::event!(target: TARGET, Level::TRACE, line);
    }
}

/// A layer that writes the lines of [`Recorder::tracing`](super::Recorder::tracing), and nothing
/// else, so that the trace can be checked.
#[derive(Debug)]
pub struct Layer<W> {
    to: Mutex<W>,
}

impl<W: Write + Send + 'static> Layer<W> {
    /// Writes to `to`. A line that cannot be written is lost: a logger has nobody to tell.
    pub fn new(to: W) -> Self {
        Layer { to: Mutex::new(to) }
    }
}

impl<W: Write + Send + 'static, S: Subscriber> tracing_subscriber::Layer<S> for Layer<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let _nobody_to_tell = writeln!(to, "{}", line.0);
    }
}

/// The field `line` of an event.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "line" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
