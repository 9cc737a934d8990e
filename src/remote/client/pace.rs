//! How often to ask a runner that answers with nothing: one that waits as it was asked to is never
//! kept waiting, and one that answers at once does not make us ask it without end.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A row of answers that brought nothing.
pub(super) struct Pace {
    asked: Instant,
    /// Between one question and the next.
    pause: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Pace { asked: Instant::now(), pause: FIRST_PAUSE }
    }

    /// The question is asked now.
    pub(super) fn asks(&mut self) {
        self.asked = Instant::now();
    }

    /// The answer brought something.
    pub(super) fn moves(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// The answer brought nothing: returns when the next question may be asked.
    pub(super) async fn stands(&mut self) {
        if self.asked.elapsed() >= LONGEST_PAUSE {
            // It has waited itself.
            return self.moves();
        }
        sleep_until(self.asked + self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
