//! An execution far away as a backend: what the ordering core's driver reads from and signals.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{runtime::Handle, sync::mpsc, task::AbortHandle};

use super::{
    Client,
    calls::{self, Call},
    connection::Ask,
    inbox::Inbox,
    pull, word,
};
use crate::{
    DrainPolicy, Error, ErrorKind, Event, Execution, Policy, PtySize, Signal, Stdin, StreamId,
    Streams, Target, Terminal,
    backend::{Backend, Exit, Read},
    execution::{self, Beside},
    remote::wire::StdinKind,
};

/// One execution at a runner.
pub(super) struct Far {
    pub(super) client: Client,
    pub(super) inbox: Inbox,
    streams: Streams,
    path: String,
}

impl Far {
    pub(super) fn new(
        client: &Client,
        box_id: &str,
        execution_id: &str,
        streams: Streams,
    ) -> Result<Arc<Self>, Error> {
        let path = format!("/v1/boxes/{}/executions/{}", word(box_id)?, word(execution_id)?);
        Ok(Arc::new(Far { client: client.clone(), inbox: Inbox::new(streams), streams, path }))
    }

    /// The path of what is asked about it.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.path)
    }

    /// Whether the runner still knows it: then its end can still be learned.
    pub(super) async fn knows_execution(&self) -> bool {
        self.client.connections.send(Ask::get(self.path(""))).await.is_ok()
    }

    /// Starts what brings its output and its end, and the driver that orders them.
    pub(super) fn start(
        self: Arc<Self>,
        (offset, reader): (u64, u64),
        policy: Policy,
        monitored: bool,
        stdin: StdinKind,
    ) -> Result<Execution, Error> {
        let runtime = Handle::try_current().map_err(|_| {
            let op = "start an execution: no tokio runtime here; enter one";
            Error::new(ErrorKind::InvalidState, op)
        })?;
        // The runner drains by the request's policy and says how each stream ended; to cut here
        // once more would lose what is on its way. It has the timeout as well.
        let policy = Policy { drain: DrainPolicy::UntilEof, timeout: None, ..policy };
        let (calls, said) = mpsc::unbounded_channel();
        let output = runtime.spawn(pull::output(Arc::clone(&self), offset, reader)).abort_handle();
        let end = runtime.spawn(pull::end(Arc::clone(&self))).abort_handle();
        runtime.spawn(calls::say(Arc::clone(&self), said));
        let input = match stdin {
            StdinKind::Pipe => Some(Stdin::relay(calls::Input::new(Arc::clone(&self), runtime))),
            StdinKind::Null => None,
        };
        let beside =
            Beside::Far(Arc::new(Told { far: Arc::clone(&self), calls: calls.downgrade() }));
        let streams = self.streams;
        let backend = Remote { far: self, calls, tasks: [output, end] };
        Execution::relayed(backend, streams, policy, monitored, input, beside)
    }
}

/// What the driver owns of it. Dropped, it lets go: what it has not seen the end of is killed.
struct Remote {
    far: Arc<Far>,
    calls: mpsc::UnboundedSender<Call>,
    tasks: [AbortHandle; 2],
}

impl Backend for Remote {
    fn poll_read(&mut self, cx: &mut Context<'_>, stream: StreamId, max: u64) -> Poll<Read> {
        self.far.inbox.poll_read(cx, stream, max)
    }

    fn try_read(&mut self, stream: StreamId, max: u64) -> Option<Read> {
        self.far.inbox.try_read(stream, max)
    }

    fn may_come(&self, stream: StreamId) -> bool {
        self.far.inbox.may_come(stream)
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        self.far.inbox.poll_exit(cx)
    }

    fn try_exit(&mut self) -> Option<Exit> {
        self.far.inbox.try_exit()
    }

    /// What is far away cannot be waited for by blocking: its end comes by tasks of this runtime.
    fn wait_exit(&mut self, _: Duration) -> Option<Exit> {
        self.far.inbox.try_exit()
    }

    fn signal(&mut self, signal: Signal, _: Target) {
        // Whoever says it goes on after us.
        let _said = self.calls.send(Call::Signal(signal));
    }

    fn abandon(&mut self, stream: StreamId) {
        self.far.inbox.abandon(stream);
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if !self.far.inbox.knows_end() {
            self.signal(Signal::KILL, Target::Group);
        }
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// What is told beside the order.
struct Told {
    far: Arc<Far>,
    calls: mpsc::WeakUnboundedSender<Call>,
}

impl execution::Far for Told {
    fn tell(&self, event: Event) -> Event {
        self.far.inbox.tell(event)
    }

    fn held(&self) -> Option<Event> {
        self.far.inbox.held()
    }

    fn close(&self) {
        self.far.inbox.close();
    }

    fn terminal(&self, ours: Terminal) -> Terminal {
        self.far.inbox.complete(ours)
    }

    fn resize(&self, size: PtySize) -> Result<(), Error> {
        let refused = |kind, why| Err(Error::new(kind, format!("resize the terminal: {why}")));
        if self.far.streams != Streams::Pty {
            return refused(ErrorKind::InvalidState, "the execution has none; start it on a pty");
        }
        match self.calls.upgrade().map(|calls| calls.send(Call::Resize(size))) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => refused(ErrorKind::Stopped, "the execution is over"),
        }
    }
}
