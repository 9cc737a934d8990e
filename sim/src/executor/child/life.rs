//! The lives of processes: a root that follows its script, and the descendants that it leaves.
//!
//! Each step is a scheduling choice of its own.

use std::{borrow::Cow, collections::VecDeque, future::Future, rc::Rc, task::Poll, time::Duration};

use lastbyte::machine::{Errno, PerStream, Signal, Status, StreamId};

use super::{Do, EPIPE, kernel::Kernel};
use crate::executor::{
    run::{self, At, choice, glance, learn, note_value, see},
    task, time,
    witness::{Seen, Writer},
};

const SIGPIPE: Signal = match Signal::new(13) {
    Some(signal) => signal,
    None => Signal::KILL,
};

/// The root's life.
pub(super) async fn live(kernel: Rc<Kernel>, name: String) {
    let mut open = PerStream::from_fn(|place| place == 0 || kernel.script.has_stderr);
    let mut does: VecDeque<Do> = kernel.script.does.iter().copied().collect();
    let status = loop {
        task::remember(&(&does, &open.iter().collect::<Vec<_>>()));
        let what = does.pop_front().unwrap_or(Do::Exit(0));
        let ended = kernel.until_signalled(kernel.step(what, &mut open, Writer::Root, &name)).await;
        match ended {
            Ok(Step::Done) => {}
            Ok(Step::Ends(status)) => break status,
            Err(Signal::TERM) if kernel.script.on_term.is_some() => {
                does = kernel.script.on_term.unwrap_or_default().iter().copied().collect();
            }
            Err(signal) => break Status::Signaled { signal, core: false },
        }
    };
    run::note(|| format!("ends: {status}"));
    kernel.release(&open);
    let now = time::now();
    let mut root = kernel.root.borrow_mut();
    (root.status, root.ended_at) = (Some(status), Some(now));
    root.stdin_open = false;
    root.changed();
    drop(root);
    kernel.see(Seen::Ended(status));
}

/// A descendant's life.
async fn linger(kernel: Rc<Kernel>, does: &'static [Do], mut open: PerStream<bool>, name: String) {
    let mut in_group = true;
    for &what in does {
        if what == Do::Setsid {
            in_group = false;
            continue;
        }
        let step = kernel.step(what, &mut open, Writer::Descendant, &name);
        let killed = if in_group { kernel.until_killed(step).await } else { Some(step.await) };
        match killed {
            Some(Step::Done) => {}
            Some(Step::Ends(_)) | None => {
                kernel.release(&open);
                return;
            }
        }
    }
    // It stays, and holds what it has.
    if in_group {
        let _killed = kernel.until_killed(std::future::pending::<()>()).await;
        kernel.release(&open);
    } else {
        std::future::pending::<()>().await;
    }
}

enum Step {
    Done,
    Ends(Status),
}

impl Kernel {
    /// The next signal ends what the root is at.
    async fn until_signalled<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            let mut root = self.root.borrow_mut();
            if let Some(signal) = root.pending.pop_front() {
                learn(&signal);
                root.holds();
                return Poll::Ready(Err(signal));
            }
            root.wait(cx);
            drop(root);
            work.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    async fn until_killed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            if self.group_killed.is_set(cx) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    async fn step(
        self: &Rc<Self>,
        what: Do,
        open: &mut PerStream<bool>,
        writer: Writer,
        name: &str,
    ) -> Step {
        choice(At::Await, None).await;
        match what {
            Do::Write(stream, bytes) => {
                if !open[stream] {
                    return Step::Done;
                }
                if self.write(stream, bytes, writer).await.is_err() {
                    return Step::Ends(Status::Signaled { signal: SIGPIPE, core: false });
                }
            }
            Do::Close(stream) => {
                run::note(|| format!("closes {stream}"));
                if std::mem::replace(&mut open[stream], false) {
                    self.close(stream);
                }
            }
            Do::Fork(does) => {
                run::note(|| "leaves a descendant".to_owned());
                for id in [StreamId::Stdout, StreamId::Stderr] {
                    if open[id] {
                        let mut pipe = self.pipes[id].borrow_mut();
                        pipe.writers += 1;
                        pipe.holds();
                    }
                }
                let name = format!("{name}'s descendant");
                task::spawn(name.clone(), linger(Rc::clone(self), does, *open, name));
            }
            Do::Setsid => {}
            Do::Sleep(milliseconds) => time::sleep(Duration::from_millis(milliseconds)).await,
            Do::ReadStdin => self.stdin_end().await,
            Do::Stop(milliseconds) => {
                self.set_stopped(true);
                time::sleep_until(time::now() + Duration::from_millis(milliseconds)).await;
                self.set_stopped(false);
            }
            Do::Exit(code) => return Step::Ends(Status::Exited { code }),
        }
        Step::Done
    }

    async fn write(
        &self,
        stream: StreamId,
        bytes: &'static [u8],
        writer: Writer,
    ) -> Result<(), Errno> {
        std::future::poll_fn(|cx| {
            let mut pipe = self.pipes[stream].borrow_mut();
            if pipe.reader_gone {
                see(pipe.object);
                drop(pipe);
                self.see(Seen::Refused { stream, writer });
                return Poll::Ready(Err(EPIPE));
            }
            // Up to PIPE_BUF a write is atomic, pipe(7).
            if pipe.bytes.len() + bytes.len() > pipe.capacity {
                pipe.wait(cx);
                return Poll::Pending;
            }
            pipe.bytes.extend(bytes);
            pipe.changed();
            Poll::Ready(Ok(()))
        })
        .await?;
        run::note(|| format!("writes {:?} to {stream}", String::from_utf8_lossy(bytes)));
        self.see(Seen::Wrote { stream, bytes: Cow::Borrowed(bytes), writer });
        Ok(())
    }

    fn set_stopped(&self, stopped: bool) {
        run::note(|| if stopped { "is stopped" } else { "is continued" }.to_owned());
        let mut root = self.root.borrow_mut();
        root.stopped = stopped;
        root.changed();
    }

    async fn stdin_end(&self) {
        std::future::poll_fn(|cx| {
            let mut root = self.root.borrow_mut();
            if !root.stdin_open {
                glance(root.object);
                learn(&());
                root.stdin_awaited = false;
                note_value(root.object, &root.state());
                return Poll::Ready(());
            }
            // For the witness alone: no task asks for it.
            root.stdin_awaited = true;
            note_value(root.object, &root.state());
            root.wait(cx);
            Poll::Pending
        })
        .await;
        run::note(|| "reads the end of its stdin".to_owned());
    }

    fn release(&self, open: &PerStream<bool>) {
        for stream in [StreamId::Stdout, StreamId::Stderr] {
            if open[stream] {
                self.close(stream);
            }
        }
    }
}
