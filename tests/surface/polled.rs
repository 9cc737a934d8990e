//! What these tests share: futures on tasks that tell whether they were woken.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
};

use tokio_test::task::{Spawn, spawn};

/// Lets every other task run until it has nothing to do. Time stands still meanwhile.
pub(crate) async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}

/// Whether somebody will wake this task, and has not yet.
pub(crate) fn sleeps<T>(task: &Spawn<T>) -> bool {
    !task.is_woken() && task.waker_ref_count() == 2
}

/// Whether this task was woken, and nobody is left who could wake it again before it is polled.
pub(crate) fn woken_once<T>(task: &Spawn<T>) -> bool {
    task.is_woken() && task.waker_ref_count() == 1
}

/// A future that moves to another task while it is pending, as `select!` and channels of futures
/// move them: only the task that it is on now is woken. `happens` is what it waits for.
pub(crate) async fn moves<F: Future>(future: F, happens: impl FnOnce()) -> F::Output {
    let mut future = pin!(future);
    let mut poll = |cx: &mut Context<'_>| future.as_mut().poll(cx);
    let (mut first, mut second) = (spawn(()), spawn(()));
    assert!(first.enter(|cx, _| poll(cx)).is_pending());
    assert!(second.enter(|cx, _| poll(cx)).is_pending());
    assert_eq!(first.waker_ref_count(), 1, "the first task is forgotten");
    settle().await;
    assert!(sleeps(&second));
    happens();
    settle().await;
    assert!(!first.is_woken(), "the task that it has left is not woken");
    assert!(second.is_woken(), "the task that it is on is woken");
    match second.enter(|cx, _| poll(cx)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it was woken for nothing"),
    }
}
