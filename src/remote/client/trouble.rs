//! How long to go on with a network that fails: again and again, for a while, then never.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Error, ErrorKind};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A row of failures.
pub(super) struct Trouble {
    lost_after: Duration,
    since: Option<Instant>,
    pause: Duration,
}

impl Trouble {
    pub(super) fn new(lost_after: Duration) -> Self {
        Trouble { lost_after, since: None, pause: FIRST_PAUSE }
    }

    /// Something came through.
    pub(super) fn over(&mut self) {
        self.since = None;
        self.pause = FIRST_PAUSE;
    }

    /// After a failure: pauses, and says whether to try again.
    pub(super) async fn again(&mut self, error: &Error) -> bool {
        let of_the_way = matches!(
            error.kind(),
            ErrorKind::BackendLost | ErrorKind::BackendUnavailable | ErrorKind::Internal
        );
        if !of_the_way {
            // The runner has answered, and will not answer otherwise.
            return false;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + self.pause > self.lost_after {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
