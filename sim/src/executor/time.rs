//! Virtual time, as of `tokio::time`: it passes when nothing else can happen, and, a bounded
//! number of times in a run, although something could: a loop that is late.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use super::run;

/// Time since the start of the run.
pub fn now() -> Duration {
    run::current().now()
}

/// Ready when so much time has passed.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(now().saturating_add(duration))
}

/// Ready when the time has come.
pub fn sleep_until(deadline: Duration) -> Sleep {
    Sleep { deadline, timer: None }
}

/// A wait for a point in time.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    deadline: Duration,
    timer: Option<(Duration, u64)>,
}

impl Sleep {
    /// When it is ready.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let run = run::current();
        if run.now() >= self.deadline {
            return Poll::Ready(());
        }
        if let Some(timer) = self.timer.take() {
            run.remove_timer(timer);
        }
        self.timer = Some(run.add_timer(self.deadline, cx.waker()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            run::with(|run| run.remove_timer(timer));
        }
    }
}

/// The time ran out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// Gives a future so much time. It is polled before the clock is asked.
///
/// # Errors
///
/// [`Elapsed`] when it was not ready in time; it has been dropped then.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut sleep = pin!(sleep(duration));
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        sleep.as_mut().poll(cx).map(|()| Err(Elapsed))
    })
    .await
}
