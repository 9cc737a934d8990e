//! Twins of `tokio::sync`: the real primitives, which say what they touch.
//!
//! Names and signatures are tokio's, so that putting code under the executor is a change of
//! imports. Each await hands the choice back before it does anything; what does not await, does
//! not.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    hash::Hash,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::sync as real;

use super::{
    footprint::ObjectId,
    run::{
        self, At, blur, blurring, choice, glance, hands_back, hold, learn, mark, object, see, set,
        wait,
    },
};

/// Multi-producer, single-consumer queues.
pub mod mpsc {
    pub use tokio::sync::mpsc::error;

    use super::{
        At, Cell, Context, ObjectId, Poll, Rc, blurring, choice, fmt, glance, hold, learn, mark,
        object, real, set, wait,
    };

    /// Who is left at both ends: all that a queue is, beside what it holds.
    #[derive(Clone)]
    struct Ends {
        object: ObjectId,
        senders: Rc<Cell<u32>>,
        closed: Rc<Cell<bool>>,
    }

    impl Ends {
        fn new() -> Self {
            Ends { object: object(), senders: Rc::new(Cell::new(1)), closed: Rc::default() }
        }

        fn value(&self) -> (u32, bool) {
            (self.senders.get(), self.closed.get())
        }

        fn join(&self) -> Self {
            self.senders.set(self.senders.get() + 1);
            hold(self.object, &self.value());
            self.clone()
        }

        fn leave(&self) {
            self.senders.set(self.senders.get() - 1);
            // The last wakes the receiver.
            match self.senders.get() {
                0 => set(self.object, &self.value()),
                _ => hold(self.object, &self.value()),
            }
        }

        fn close(&self) {
            self.closed.set(true);
            hold(self.object, &self.value());
        }
    }

    /// A queue of at most `capacity` values.
    pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = real::mpsc::channel(capacity);
        let ends = Ends::new();
        (Sender { inner: sender, ends: ends.clone() }, Receiver { inner: receiver, ends })
    }

    /// A queue without a bound.
    pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
        let (sender, receiver) = real::mpsc::unbounded_channel();
        let ends = Ends::new();
        (
            UnboundedSender { inner: sender, ends: ends.clone() },
            UnboundedReceiver { inner: receiver, ends },
        )
    }

    macro_rules! sender {
        ($name:ident) => {
            impl<T> Clone for $name<T> {
                fn clone(&self) -> Self {
                    $name { inner: self.inner.clone(), ends: self.ends.join() }
                }
            }

            impl<T> Drop for $name<T> {
                fn drop(&mut self) {
                    self.ends.leave();
                }
            }

            impl<T> fmt::Debug for $name<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($name))
                }
            }
        };
    }

    macro_rules! receiver {
        ($name:ident) => {
            impl<T> $name<T> {
                /// Takes the next value. `None`: all senders are gone.
                ///
                /// Cancel safety: a value is taken only if it is returned.
                pub async fn recv(&mut self) -> Option<T> {
                    choice(At::Await, None).await;
                    std::future::poll_fn(|cx| self.poll_recv(cx)).await
                }

                /// Takes the next value, or has the task woken.
                pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                    let polled = self.inner.poll_recv(cx);
                    match &polled {
                        Poll::Pending => wait(self.ends.object),
                        Poll::Ready(_) => {
                            mark(|footprint, task| footprint.pop(task, self.ends.object));
                        }
                    }
                    polled
                }

                /// Takes the next value, if there is one now.
                ///
                /// # Errors
                ///
                /// There is none now, or there will be none any more.
                pub fn try_recv(&mut self) -> Result<T, error::TryRecvError> {
                    let tried = self.inner.try_recv();
                    match &tried {
                        Ok(_) => mark(|footprint, task| footprint.pop(task, self.ends.object)),
                        Err(error) => {
                            glance(self.ends.object);
                            learn(&matches!(error, error::TryRecvError::Empty));
                        }
                    }
                    tried
                }

                /// Takes nothing more; senders learn of it.
                pub fn close(&mut self) {
                    self.ends.close();
                    self.inner.close();
                }
            }

            impl<T> Drop for $name<T> {
                fn drop(&mut self) {
                    self.ends.close();
                }
            }

            impl<T> fmt::Debug for $name<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($name))
                }
            }
        };
    }

    /// The sending side of [`channel`].
    pub struct Sender<T> {
        inner: real::mpsc::Sender<T>,
        ends: Ends,
    }
    sender!(Sender);

    impl<T> Sender<T> {
        /// Puts a value into the queue, once there is room.
        ///
        /// # Errors
        ///
        /// The receiver is gone; the value comes back.
        pub async fn send(&self, value: T) -> Result<(), error::SendError<T>> {
            choice(At::Await, None).await;
            // Who waits for room is served in turn, which only the whole past tells.
            let permit = if self.inner.capacity() > 0 && !self.inner.is_closed() {
                self.inner.try_reserve().ok()
            } else {
                blurring(self.ends.object, self.inner.reserve()).await.ok()
            };
            match permit {
                Some(permit) => {
                    mark(|footprint, task| footprint.push(task, self.ends.object));
                    permit.send(value);
                    Ok(())
                }
                None => {
                    glance(self.ends.object);
                    Err(error::SendError(value))
                }
            }
        }

        /// Puts a value into the queue, if there is room now.
        ///
        /// # Errors
        ///
        /// There is none, or the receiver is gone; the value comes back.
        pub fn try_send(&self, value: T) -> Result<(), error::TrySendError<T>> {
            let tried = self.inner.try_send(value);
            sent(self.ends.object, tried.is_ok());
            tried
        }
    }

    fn sent(object: ObjectId, sent: bool) {
        learn(&sent);
        glance(object);
        if sent {
            mark(|footprint, task| footprint.push(task, object));
        }
    }

    /// The receiving side of [`channel`].
    pub struct Receiver<T> {
        inner: real::mpsc::Receiver<T>,
        ends: Ends,
    }
    receiver!(Receiver);

    /// The sending side of [`unbounded_channel`].
    pub struct UnboundedSender<T> {
        inner: real::mpsc::UnboundedSender<T>,
        ends: Ends,
    }
    sender!(UnboundedSender);

    impl<T> UnboundedSender<T> {
        /// Puts a value into the queue.
        ///
        /// # Errors
        ///
        /// The receiver is gone; the value comes back.
        pub fn send(&self, value: T) -> Result<(), error::SendError<T>> {
            let tried = self.inner.send(value);
            sent(self.ends.object, tried.is_ok());
            tried
        }
    }

    /// The receiving side of [`unbounded_channel`].
    pub struct UnboundedReceiver<T> {
        inner: real::mpsc::UnboundedReceiver<T>,
        ends: Ends,
    }
    receiver!(UnboundedReceiver);
}

/// One value, once.
pub mod oneshot {
    pub use tokio::sync::oneshot::error;

    use std::{future::Future, pin::Pin};

    use super::{Context, ObjectId, Poll, glance, hands_back, mark, object, real, run, wait};

    /// A channel for one value.
    pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = real::oneshot::channel();
        let object = object();
        let sender = Sender { inner: Some(sender), ends: Ends(object) };
        (sender, Receiver { inner: receiver, object, asked: false })
    }

    /// The receiver learns of the end of the sender, with or without a value.
    #[derive(Debug)]
    struct Ends(ObjectId);

    impl Drop for Ends {
        fn drop(&mut self) {
            mark(|footprint, task| footprint.push(task, self.0));
        }
    }

    /// The side that sends.
    #[derive(Debug)]
    pub struct Sender<T> {
        inner: Option<real::oneshot::Sender<T>>,
        ends: Ends,
    }

    impl<T> Sender<T> {
        /// Sends the value.
        ///
        /// # Errors
        ///
        /// The receiver is gone; the value comes back.
        pub fn send(mut self, value: T) -> Result<(), T> {
            glance(self.ends.0);
            match self.inner.take() {
                Some(inner) => inner.send(value),
                None => Err(value),
            }
        }
    }

    /// The side that receives: a future.
    #[derive(Debug)]
    pub struct Receiver<T> {
        inner: real::oneshot::Receiver<T>,
        object: ObjectId,
        asked: bool,
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            run::note_value(self.object, &"nobody receives");
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, error::RecvError>;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            if hands_back(&mut self.asked, cx) {
                return Poll::Pending;
            }
            let polled = Pin::new(&mut self.inner).poll(cx);
            match &polled {
                Poll::Pending => wait(self.object),
                Poll::Ready(_) => mark(|footprint, task| footprint.pop(task, self.object)),
            }
            polled
        }
    }
}

/// The latest of many values.
pub mod watch {
    pub use tokio::sync::watch::error;

    use std::{future::Future, pin::pin};

    use super::{At, Hash, ObjectId, Poll, choice, object, real, see, set, wait};

    /// A value that can be watched.
    pub fn channel<T: Hash>(value: T) -> (Sender<T>, Receiver<T>) {
        let object = object();
        set(object, &value);
        let (sender, receiver) = real::watch::channel(value);
        (Sender { inner: sender, object }, Receiver { inner: receiver, object })
    }

    /// Sets the value.
    #[derive(Debug)]
    pub struct Sender<T: Hash> {
        inner: real::watch::Sender<T>,
        object: ObjectId,
    }

    impl<T: Hash> Sender<T> {
        /// Sets the value, whether or not anybody watches, and wakes who does.
        pub fn send_replace(&self, value: T) -> T {
            set(self.object, &value);
            self.inner.send_replace(value)
        }

        /// Changes the value in place, and wakes who watches.
        pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
            see(self.object);
            self.inner.send_modify(modify);
            set(self.object, &*self.inner.borrow());
        }

        /// One more to watch.
        pub fn subscribe(&self) -> Receiver<T> {
            Receiver { inner: self.inner.subscribe(), object: self.object }
        }
    }

    impl<T: Hash> Drop for Sender<T> {
        fn drop(&mut self) {
            set(self.object, &(&*self.inner.borrow(), "its sender is gone"));
        }
    }

    /// Watches the value.
    #[derive(Clone, Debug)]
    pub struct Receiver<T> {
        inner: real::watch::Receiver<T>,
        object: ObjectId,
    }

    impl<T: Clone> Receiver<T> {
        /// The value now.
        pub fn get(&self) -> T {
            see(self.object);
            self.inner.borrow().clone()
        }

        /// Waits for a value that passes.
        ///
        /// # Errors
        ///
        /// The sender is gone, and the last value did not pass.
        pub async fn wait_for(
            &mut self,
            passes: impl FnMut(&T) -> bool,
        ) -> Result<T, error::RecvError> {
            choice(At::Await, None).await;
            let mut waiting = pin!(self.inner.wait_for(passes));
            std::future::poll_fn(|cx| {
                let polled = waiting.as_mut().poll(cx);
                match &polled {
                    Poll::Pending => wait(self.object),
                    Poll::Ready(_) => see(self.object),
                }
                polled.map_ok(|value| value.clone())
            })
            .await
        }
    }
}

/// Wakes tasks.
#[derive(Debug)]
pub struct Notify {
    inner: real::Notify,
    object: ObjectId,
    /// Permits were used: who has which, only the whole past tells.
    permits: Cell<bool>,
}

impl Default for Notify {
    fn default() -> Self {
        Notify::new()
    }
}

impl Notify {
    /// Nobody is waiting, and no permit is stored.
    pub fn new() -> Self {
        Notify { inner: real::Notify::new(), object: object(), permits: Cell::new(false) }
    }

    /// Wakes one, or stores a permit for the next.
    pub fn notify_one(&self) {
        self.permits.set(true);
        blur(self.object);
        self.inner.notify_one();
    }

    /// Wakes all whose [`notified`](Notify::notified) was called before. Stores nothing.
    pub fn notify_waiters(&self) {
        mark(|footprint, _| footprint.set(self.object, 0));
        self.blur_permits();
        self.inner.notify_waiters();
    }

    /// Registers now; ready when notified since.
    pub fn notified(&self) -> impl Future<Output = ()> + '_ {
        wait(self.object);
        let notified = Registered { notify: self, notified: Box::pin(self.inner.notified()) };
        async move {
            choice(At::Await, None).await;
            notified.await;
        }
    }

    fn blur_permits(&self) {
        if self.permits.get() {
            blur(self.object);
        }
    }
}

/// Waits for a notification; registered from the start until its end.
struct Registered<'a> {
    notify: &'a Notify,
    notified: std::pin::Pin<Box<real::futures::Notified<'a>>>,
}

impl Future for Registered<'_> {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.notify.blur_permits();
        glance(self.notify.object);
        let polled = self.notified.as_mut().poll(cx);
        if polled.is_ready() {
            learn(&());
        }
        polled
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        mark(|footprint, task| footprint.leave(task, self.notify.object));
        self.notify.blur_permits();
    }
}

/// Permits.
#[derive(Debug)]
pub struct Semaphore {
    inner: real::Semaphore,
    object: ObjectId,
}

impl Semaphore {
    /// So many permits.
    pub fn new(permits: usize) -> Self {
        Semaphore { inner: real::Semaphore::new(permits), object: object() }
    }

    /// Takes a permit for good, once there is one.
    pub async fn take(&self) {
        choice(At::Await, None).await;
        if let Ok(permit) = blurring(self.object, self.inner.acquire()).await {
            permit.forget();
        }
    }

    /// Gives permits.
    pub fn add_permits(&self, permits: usize) {
        blur(self.object);
        self.inner.add_permits(permits);
    }
}

/// A lock that is held across awaits.
#[derive(Debug)]
pub struct Mutex<T> {
    inner: real::Mutex<T>,
    object: ObjectId,
}

impl<T> Mutex<T> {
    /// A value behind a lock.
    pub fn new(value: T) -> Self {
        Mutex { inner: real::Mutex::new(value), object: object() }
    }

    /// Locks it, in turn.
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        choice(At::Await, None).await;
        let inner = blurring(self.object, self.inner.lock()).await;
        MutexGuard { inner, object: self.object }
    }
}

/// A locked value; dropping it unlocks.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    inner: real::MutexGuard<'a, T>,
    object: ObjectId,
}

impl<T> std::ops::Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        blur(self.object);
    }
}

/// A value that tasks share and change in one atomic step: an atomic, or a lock that is never
/// held across an await.
pub struct Shared<T> {
    value: RefCell<T>,
    object: ObjectId,
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.value).finish()
    }
}

impl<T: Hash> Shared<T> {
    /// A shared value.
    pub fn new(value: T) -> Self {
        let object = object();
        set(object, &value);
        Shared { value: RefCell::new(value), object }
    }

    /// Changes it.
    pub fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        see(self.object);
        let result = change(&mut self.value.borrow_mut());
        set(self.object, &*self.value.borrow());
        result
    }

    /// Puts a value in its place and returns the old one: a swap.
    pub fn swap(&self, value: T) -> T {
        self.with(|old| std::mem::replace(old, value))
    }

    /// The value now: a load.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        see(self.object);
        self.value.borrow().clone()
    }
}
