//! The production core and driver under the executor: the code that ships, not a copy. Only the
//! backend and the clock are swapped.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use lastbyte::{
    Data, Event, Policy,
    backend::{Backend, Exit, Read},
    driver::{Clock, Driver},
    machine::{Input, PerStream, Signal, Status, StreamId, Streams, Target},
    monitor::Broken,
    ordering::{Awaited, Core, Wait},
};

use super::{
    child::{Child, Process, Source},
    footprint::{ObjectId, hash_of},
    run::{self, At, choice},
    stack::{Call, Stack},
    task, time,
};

/// The production stack, with its monitor attached.
#[derive(Debug)]
pub struct Lastbyte {
    core: Core<Data>,
    object: ObjectId,
}

/// Hashes by what a value says of itself.
struct State<F>(F);

impl<F: Fn(&mut dyn std::hash::Hasher)> std::hash::Hash for State<F> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0)(state);
    }
}

impl Lastbyte {
    /// After each step: the core is this now. Whom it wakes, it forgets itself; who waits is
    /// noted beside it.
    fn note_core(core: &Core<Data>, object: ObjectId) {
        run::hold(
            object,
            &State(|mut state: &mut dyn std::hash::Hasher| core.hash_state(&mut state)),
        );
    }

    fn step(&self, input: Input<Data>) {
        // Refused when it came too late: nothing to do any more.
        let replied = self.core.step(input);
        run::learn(&replied.is_ok());
        Self::note_core(&self.core, self.object);
    }

    async fn waited<A: Awaited>(&self, wait: Wait<Data, A>) -> Option<A::Outcome>
    where
        A::Outcome: std::hash::Hash,
    {
        choice(At::Await, None).await;
        // Dropped after the wait, whose drop may be a step of the core.
        let _waiter = Waiter(self);
        let mut wait = pin!(wait);
        let outcome = poll_fn(|cx| {
            let polled = wait.as_mut().poll(cx);
            Self::note_core(&self.core, self.object);
            if polled.is_pending() {
                run::wait(self.object);
            }
            polled
        })
        .await;
        run::learn(&outcome);
        outcome
    }
}

impl Stack for Lastbyte {
    const OFFERS: &'static [Call] =
        &[Call::Wait, Call::Exited, Call::Kill, Call::Close, Call::Shutdown];

    fn start(child: Child, policy: &Policy) -> Self {
        let streams = Streams::Separate;
        let core = Core::monitored(streams, *policy)
            .unwrap_or_else(|invalid| panic!("a scenario's policy is valid: {invalid}"));
        let object = run::object();
        let backend = Kernel {
            sources: [Some(child.stdout), Some(child.stderr)],
            process: child.process,
            reaped: false,
        };
        let clock = VirtualClock { sleep: None };
        let driver = Driver::start(core.clone(), backend, clock, *policy, streams, false)
            .unwrap_or_else(|illegal| panic!("it has not started before: {illegal}"));
        Self::note_core(&core, object);
        task::spawn("driver", Driven { driver, object });
        Lastbyte { core, object }
    }

    async fn next(&self) -> Option<Event> {
        choice(At::Await, None).await;
        poll_fn(|cx| {
            let polled = self.core.poll_event(cx);
            Self::note_core(&self.core, self.object);
            match &polled {
                Poll::Ready(event) => {
                    run::leave(self.object);
                    run::learn(event);
                }
                Poll::Pending => run::wait(self.object),
            }
            polled
        })
        .await
    }

    async fn wait(&self) -> Status {
        let waited = self.waited(self.core.wait()).await;
        waited.map_or(Status::Lost, |terminal| terminal.status)
    }

    async fn exited(&self) -> Status {
        self.waited(self.core.exited()).await.unwrap_or(Status::Lost)
    }

    async fn kill(&self) {
        self.step(Input::Kill);
    }

    async fn close(&self) {
        self.step(Input::Close);
        // As `Execution::close`: it returns when there is nothing left to wait for.
        self.waited(self.core.wait()).await;
    }

    async fn shutdown(&self) {
        self.step(Input::Shutdown);
    }

    fn verdict(&self) -> Result<(), Broken> {
        let violation = self.core.verdict().and_then(|verdict| verdict.violation);
        violation.map_or(Ok(()), |found| Err(Broken { rule: found.rule, why: found.why }))
    }
}

/// Somebody who waits, until he does no more.
struct Waiter<'a>(&'a Lastbyte);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let Waiter(Lastbyte { core, object }) = self;
        run::quietly(|| {
            Lastbyte::note_core(core, *object);
            run::leave(*object);
        });
    }
}

/// The driver as a task that says what it knows.
struct Driven {
    driver: Driver<Kernel, VirtualClock>,
    object: ObjectId,
}

impl Future for Driven {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = Pin::new(&mut self.driver).poll(cx);
        let driver = &self.driver;
        let knows = hash_of(&State(|mut state: &mut dyn std::hash::Hasher| {
            driver.hash_state(&mut state);
        }));
        Lastbyte::note_core(driver.core(), self.object);
        if polled.is_pending() {
            run::wait(self.object)
        } else {
            run::leave(self.object)
        }
        run::remember(&(knows, polled.is_ready()));
        polled
    }
}

/// The fake kernel as a backend.
struct Kernel {
    sources: [Option<Source>; 2],
    process: Process,
    reaped: bool,
}

impl Kernel {
    fn source(&mut self, stream: StreamId) -> &mut Option<Source> {
        match stream {
            StreamId::Stdout | StreamId::Combined | StreamId::Pty => &mut self.sources[0],
            StreamId::Stderr => &mut self.sources[1],
        }
    }

    fn exit(&mut self, status: Status) -> Exit {
        self.reaped = true;
        let mut standing = PerStream::default();
        for source in self.sources.iter().flatten() {
            standing[source.stream()] = source.standing();
        }
        Exit { status, standing }
    }
}

impl Backend for Kernel {
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        match self.source(stream) {
            Some(source) => source.poll_read(cx, max),
            None => Poll::Pending,
        }
    }

    fn try_read(&mut self, stream: StreamId, max: u64) -> Option<Read> {
        self.source(stream).as_mut().and_then(|source| source.try_read(max))
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        self.process.poll_wait(cx).map(|status| self.exit(status.unwrap_or_else(Status::Unknown)))
    }

    fn try_exit(&mut self) -> Option<Exit> {
        self.process.try_wait().map(|status| self.exit(status))
    }

    fn wait_exit(&mut self, _: Duration) -> Option<Exit> {
        self.try_exit()
    }

    fn signal(&mut self, signal: Signal, target: Target) {
        if self.reaped {
            return self.process.kill_rest(signal);
        }
        // Nobody there is no error.
        let _nobody = match target {
            Target::Group => self.process.kill_group(signal),
            Target::Leader => self.process.kill(signal),
        };
    }

    fn abandon(&mut self, stream: StreamId) {
        *self.source(stream) = None;
    }
}

impl Drop for Kernel {
    /// As the trait asks: a root that was not reaped is ended and reaped.
    fn drop(&mut self) {
        if !self.reaped {
            let process = self.process.clone();
            process.kill_rest(Signal::KILL);
            task::spawn("orphan reaper", async move {
                let _reaped = process.wait().await;
            });
        }
    }
}

/// The clock of the run.
struct VirtualClock {
    sleep: Option<time::Sleep>,
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        time::now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        if self.sleep.as_ref().is_none_or(|sleep| sleep.deadline() != at) {
            self.sleep = Some(time::sleep_until(at));
        }
        let polled = self.sleep.as_mut().map_or(Poll::Pending, |sleep| Pin::new(sleep).poll(cx));
        if polled.is_ready() {
            self.sleep = None;
        }
        polled
    }
}
