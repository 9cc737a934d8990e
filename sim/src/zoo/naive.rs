//! A naive stack in the manner of `os/exec`, correct as it stands, and with one bug of each class
//! on request.
//!
//! Two pumps, an owner that reaps, waits for the pumps and queues the terminal, waits that follow
//! the delivered terminal, and a few lines for kill, close and shutdown. It breaks no rule, unless
//! the scenario asks for a bug: 12 for that of class B12, and so on. Each is a line at its place,
//! or a few. The [`classes`](super::classes) say what each is, and what it breaks.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::{Future, pending, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use lastbyte::{
    Data, Event, Policy,
    backend::Read,
    machine::{
        Cause, Cut, DrainPolicy, End, Errno, Full, Killed, PerStream, Signal, Status, StreamId,
        StreamReport, Target, Terminal,
    },
};

use crate::executor::{
    child::{Child, Process, Source, Stdin},
    footprint::ObjectId,
    run,
    stack::{Call, STREAMS, Stack},
    sync::{Notify, Semaphore, Shared, mpsc, watch},
    task::{self, AbortHandle, JoinHandle},
    time::{self, Sleep},
};

/// What a pump must know, behind a lock, with the one who is to be woken.
struct Lane {
    object: ObjectId,
    state: Cell<LaneState>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Default, Hash)]
struct LaneState {
    /// Read and not delivered, in bytes.
    queued: u64,
    /// When the root was reaped.
    reaped: Option<Duration>,
    /// The end of the execution is wanted.
    hurry: Option<Cut>,
}

impl Lane {
    fn new() -> Self {
        let (state, waker) = (Cell::default(), RefCell::default());
        Lane { object: run::object(), state, waker }
    }

    fn change(&self, wakes: bool, change: impl FnOnce(&mut LaneState)) {
        let mut state = self.state.get();
        change(&mut state);
        self.state.set(state);
        if !wakes {
            return run::hold(self.object, &state);
        }
        run::set(self.object, &state);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Looks, and is woken by the next change.
    fn look(&self, cx: &Context<'_>) -> LaneState {
        run::wait(self.object);
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        self.state.get()
    }

    fn get(&self) -> LaneState {
        run::look(self.object, &self.state.get());
        self.state.get()
    }
}

/// What all tasks of one execution share.
struct Common {
    bug: u8,
    policy: Policy,
    process: Process,
    queue: mpsc::UnboundedSender<Event>,
    lanes: PerStream<Lane>,
    ended: watch::Sender<Option<Status>>,
    over: watch::Sender<Option<Status>>,
    /// The owner has queued the terminal.
    done: watch::Sender<Option<Status>>,
    cause: Shared<Cause>,
    closed: Shared<bool>,
    killed: Shared<bool>,
    house: Option<(Rc<House>, bool)>,
    kept: Cell<u32>,
    extra: Extra,
}

/// What only bugs have.
struct Extra {
    bell: Notify,
    flag: Shared<bool>,
    second: watch::Sender<bool>,
    stdin: RefCell<Option<Stdin>>,
    sources: RefCell<Vec<Source>>,
}

/// The executions of a box.
#[derive(Debug)]
struct House {
    has_box: Shared<bool>,
    living: watch::Sender<u32>,
}

/// What two executions with one dispatcher share.
#[derive(Debug)]
struct Dispatcher(Semaphore);

/// One signal for all children, of which two at once are one.
#[derive(Debug)]
struct Sigchld(watch::Sender<bool>);

/// The stack, with the bug that it was told to have.
pub struct Naive {
    common: Rc<Common>,
    events: RefCell<mpsc::UnboundedReceiver<Event>>,
    owner: AbortHandle,
    pumps: Vec<AbortHandle>,
}

impl fmt::Debug for Naive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naive").field("bug", &self.common.bug).finish_non_exhaustive()
    }
}

/// What a pump does next.
enum Turn {
    Read(Read),
    /// There is no room: what it read is dropped.
    Dropped(u64),
    /// There has been no room for too long.
    Stalled,
    Cut(Cut),
}

/// What a pump keeps from one turn to the next.
struct Pump {
    source: Source,
    delivered: u64,
    dropped: u64,
    last: Duration,
    timer: Option<Sleep>,
    stall: Option<Sleep>,
    stalled: bool,
    /// It was cut, and so many bytes are still owed.
    rest: Option<(Cut, u64)>,
}

impl Pump {
    /// All that it still needs of what it has learned.
    fn known(&self) -> impl std::hash::Hash {
        (self.delivered, self.dropped, self.last, self.stalled, self.rest)
    }
}

fn len(chunk: &Data) -> u64 {
    chunk.len() as u64
}

impl Common {
    fn has(&self, bug: u8) -> bool {
        self.bug == bug
    }

    async fn emit(&self, event: Event) {
        if self.has(23) {
            // B23: one dispatcher for all executions, and it holds one event.
            task::shared(|| Dispatcher(Semaphore::new(1))).0.take().await;
        }
        // Nobody takes it any more: the stack is gone.
        let _unwanted = self.queue.send(event);
    }

    /// Takes note of the root's end, once.
    fn note_end(&self, status: Status) {
        if self.ended.subscribe().get().is_some() {
            return;
        }
        self.ended.send_replace(Some(status));
        let now = time::now();
        for stream in STREAMS {
            self.lanes[stream].change(true, |lane| lane.reaped = Some(now));
        }
    }

    fn hurry(&self, cut: Cut) {
        for stream in STREAMS {
            self.lanes[stream].change(true, |lane| {
                lane.hurry.get_or_insert(cut);
            });
        }
    }

    /// Signals the root, unless it has ended: an exit that beats us stays clean.
    fn signal(&self, signal: Signal, mark: impl FnOnce(&mut Cause)) -> bool {
        if self.has(37) {
            return self.process.kill(signal).is_ok(); // B37: to a pid that may be another's.
        }
        let mut mark = Some(mark);
        if let Some(mark) = mark.take_if(|_| self.has(38)) {
            self.cause.with(mark); // B38: said, whether or not anybody is there.
        }
        if self.ended.subscribe().get().is_some() {
            return false;
        }
        if let Some(status) = self.process.try_wait() {
            self.note_end(status);
            return false;
        }
        if let Some(mark) = mark {
            self.cause.with(mark);
        }
        let sent = match self.policy.kill.target {
            Target::Leader => self.process.kill(signal),
            Target::Group if self.has(54) => self.process.kill(signal), // B54: the leader alone.
            Target::Group => self.process.kill_group(signal),
        };
        sent.is_ok()
    }

    /// Asks the root to end, and ends it after the grace.
    fn end(self: &Rc<Self>, first: Signal, timed_out: bool) {
        self.killed.swap(true);
        let killed = Killed { signal: first, escalated: false };
        let sent = self.signal(first, |cause| {
            cause.timed_out |= timed_out;
            cause.cancelled |= !timed_out;
            cause.killed_by_us.get_or_insert(killed);
        });
        if sent && first != Signal::KILL {
            let common = Rc::clone(self);
            task::spawn("escalation", async move {
                let mut ended = common.ended.subscribe();
                let in_time = ended.wait_for(Option::is_some);
                if time::timeout(common.policy.kill.grace, in_time).await.is_err() {
                    common.signal(Signal::KILL, |cause| {
                        cause.killed_by_us = Some(Killed { signal: first, escalated: true });
                    });
                }
            });
        }
    }

    /// A kill that came before the pid is latched.
    async fn kill(self: &Rc<Self>, timed_out: bool) {
        if self.has(62) && !self.process.is_known() {
            return; // B62: there is nobody to kill yet.
        }
        self.process.known().await;
        if self.has(17) {
            self.hurry(Cut::Shutdown); // B17: the readers are cancelled with the command.
        }
        if self.has(18) {
            self.hurry(Cut::Shutdown); // B18: pipes are closed first, and then the signal is sent.
            task::preempt_before("sends the signal").await;
        }
        self.end(self.policy.kill.signal, timed_out);
    }

    fn deadline(&self, reaped: Duration, pump: &Pump) -> Option<Duration> {
        match self.policy.drain {
            DrainPolicy::UntilEof => None,
            _ if self.has(12) => None, // B12: until EOF, whoever holds it.
            _ if self.has(20) && self.killed.get() => None, // B20: a kill ends all, it thinks.
            DrainPolicy::After(after) => Some(reaped + after),
            DrainPolicy::Idle { gap, max } => {
                let idle = pump.last.max(reaped) + gap;
                Some(if self.has(14) { idle } else { idle.min(reaped + max) }) // B14: no cap.
            }
        }
    }

    fn poll_turn(&self, cx: &mut Context<'_>, pump: &mut Pump) -> Poll<Turn> {
        let mut lane = self.lanes[pump.source.stream()].look(cx);
        let at_once = lane.hurry == Some(Cut::Close) || self.has(17) || self.has(18);
        if let (true, Some(cut)) = (at_once, lane.hurry) {
            return Poll::Ready(Turn::Cut(cut));
        }
        if self.has(24) {
            // B24: one bound for both streams.
            lane.queued = STREAMS.iter().map(|&id| self.lanes[id].get().queued).sum();
        }
        if self.has(21) && lane.reaped.is_none() {
            return Poll::Pending; // B21: reads when it has waited.
        }
        let max = self.policy.buffer.bytes_max;
        let room = match self.bug {
            26 => u64::MAX,                      // B26: no bound.
            27 if lane.queued < max => u64::MAX, // B27: a bound of events.
            _ => max.saturating_sub(lane.queued),
        };
        let due = self.poll_due(cx, lane, pump);
        if room == 0
            && self.policy.buffer.full == Full::Gap
            && let Some(Read::Chunk(chunk)) = pump.source.try_read(max)
        {
            return Poll::Ready(Turn::Dropped(len(&chunk)));
        }
        if self.poll_stall(cx, room, pump).is_ready() {
            return Poll::Ready(Turn::Stalled);
        }
        if let Some(cut) = due {
            return Poll::Ready(Turn::Cut(cut));
        }
        if room == 0 {
            return Poll::Pending;
        }
        pump.source.poll_read(cx, room).map(Turn::Read)
    }

    /// Whether reading must end now.
    fn poll_due(&self, cx: &mut Context<'_>, lane: LaneState, pump: &mut Pump) -> Option<Cut> {
        let reaped = lane.reaped?;
        if lane.hurry.is_some() {
            return lane.hurry;
        }
        let deadline = self.deadline(reaped, pump)?;
        if pump.timer.as_ref().is_none_or(|timer| timer.deadline() != deadline) {
            pump.timer = Some(time::sleep_until(deadline));
        }
        let timer = pump.timer.as_mut().map(Pin::new);
        timer.is_some_and(|timer| timer.poll(cx).is_ready()).then_some(Cut::After)
    }

    /// The clock of a stall runs while there is no room.
    fn poll_stall(&self, cx: &mut Context<'_>, room: u64, pump: &mut Pump) -> Poll<()> {
        let Full::KillAfter(after) = self.policy.buffer.full else { return Poll::Pending };
        if pump.stalled || room > 0 && !self.has(28) {
            // B28: or it runs always.
            pump.stall = None;
            return Poll::Pending;
        }
        let stall = pump.stall.get_or_insert_with(|| time::sleep_until(time::now() + after));
        Pin::new(stall).poll(cx)
    }

    async fn take(&self, pump: &mut Pump, chunk: Data) {
        let stream = pump.source.stream();
        let bytes = len(&chunk);
        let counted = if self.has(27) { 1 } else { bytes };
        self.lanes[stream].change(false, |lane| lane.queued += counted);
        pump.delivered += bytes;
        if matches!(self.policy.drain, DrainPolicy::Idle { .. }) {
            pump.last = time::now();
        }
        if self.has(52) && !self.extra.flag.get() {
            return; // B52: nobody has attached, so nobody is sent anything.
        }
        task::remember(&(&chunk, pump.known()));
        task::preempt_before("queues a chunk").await;
        let text = || String::from_utf8_lossy(&chunk).into_owned().into_bytes();
        let chunk = if self.has(44) { Data::new(text().into()) } else { chunk }; // B44: as text.
        self.emit(Event::Chunk { stream, chunk }).await;
    }

    /// All that stood when it was due, and no more: the root's bytes are among it.
    async fn take_rest(&self, pump: &mut Pump, cut: Cut) {
        if [13, 15, 16, 17, 18].contains(&self.bug) {
            return; // B15: the timer won. The others: as below, as above.
        }
        let mut owed = pump.source.standing();
        while owed > 0 {
            let max = self.policy.buffer.bytes_max;
            let (stream, source) = (pump.source.stream(), &mut pump.source);
            let read = poll_fn(|cx| {
                let lane = self.lanes[stream].look(cx);
                if lane.hurry == Some(Cut::Close) {
                    return Poll::Ready(Read::Eof);
                }
                let room = max.saturating_sub(lane.queued);
                if room == 0 { Poll::Pending } else { source.poll_read(cx, room.min(owed)) }
            });
            let Read::Chunk(chunk) = read.await else { return };
            owed -= len(&chunk);
            pump.rest = Some((cut, owed));
            self.take(pump, chunk).await;
        }
    }

    async fn pump(self: Rc<Self>, source: Source) -> Option<StreamReport> {
        let stream = source.stream();
        let last = Duration::ZERO;
        let mut pump = Pump {
            source,
            delivered: 0,
            dropped: 0,
            last,
            timer: None,
            stall: None,
            stalled: false,
            rest: None,
        };
        if self.has(22) && stream == StreamId::Stderr {
            // B22: stdout first, to its end.
            let _ended = self.extra.second.subscribe().wait_for(|&ended| ended).await;
        }
        let end = loop {
            task::remember(&pump.known());
            match poll_fn(|cx| self.poll_turn(cx, &mut pump)).await {
                Turn::Read(Read::Chunk(chunk)) => self.take(&mut pump, chunk).await,
                Turn::Read(Read::Eof) => break End::Eof,
                Turn::Read(Read::Error(_)) if self.has(46) => break End::Eof, // B46: an end is an end.
                Turn::Read(Read::Error(errno)) => break End::ReadError(errno),
                Turn::Dropped(bytes) => {
                    pump.dropped += bytes;
                    if !self.has(29) {
                        // B29: nobody is told of a gap.
                        self.emit(Event::Gap { stream, bytes }).await;
                    }
                }
                Turn::Stalled => {
                    pump.stalled = true;
                    self.signal(Signal::KILL, |cause| cause.stalled = true);
                }
                Turn::Cut(Cut::Close) => break End::Discarded,
                Turn::Cut(cut) => {
                    self.take_rest(&mut pump, cut).await;
                    break End::Cut(cut);
                }
            }
        };
        if let (true, End::ReadError(errno)) = (self.has(45), end) {
            // B45: what went wrong is told where the output is.
            let chunk = Data::new(format!("read failed: errno {}\n", errno.0).into());
            self.emit(Event::Chunk { stream, chunk }).await;
        }
        if self.has(17) {
            self.extra.sources.borrow_mut().push(pump.source);
        }
        if self.has(22) {
            self.extra.second.send_replace(true);
        }
        let failed = self.ended.subscribe().get() != Some(Status::Exited { code: 0 });
        let silent = self.has(13) || self.has(16) && failed;
        if silent && matches!(end, End::Cut(_)) {
            return None; // B13: a cut is nobody's business. B16: a failed command is no news.
        }
        task::remember(&(end, pump.delivered, pump.dropped));
        self.emit(Event::End { stream, end }).await;
        let (delivered, dropped) = (pump.delivered, pump.dropped);
        let held = matches!(end, End::Cut(_));
        Some(StreamReport { stream, end, delivered, dropped, held })
    }

    /// What `waitpid` said, as this stack tells it.
    fn told(&self, waited: Result<Status, Errno>) -> Status {
        match waited {
            Err(_) if self.has(34) => Status::Exited { code: 0 }, // B34: stolen, so it was well.
            Err(errno) => Status::Unknown(errno),
            Ok(Status::Exited { code }) if code > 128 && self.has(33) => {
                // B33: as a shell has it, backwards.
                let signal = Signal::new(code - 128).unwrap_or(Signal::KILL);
                Status::Signaled { signal, core: false }
            }
            Ok(status) => status,
        }
    }

    async fn reap(&self) -> Status {
        if self.has(36) && self.process.try_wait().is_some() {
            return pending().await; // B36: it ended before it was in the table.
        }
        if self.has(35) {
            sigchld(&self.process).await;
        }
        let waited = match self.bug {
            39 => self.process.wait_or_stop().await, // B39: whatever waitpid says is an end.
            _ => self.process.wait().await,
        };
        let status = self.told(waited);
        self.note_end(status);
        status
    }

    /// Waits for what must come before the terminal. Returns the reports.
    async fn join(&self, status: Option<Status>, pumps: &mut Pumps) -> Reports {
        let mut reports = PerStream::default();
        for (stream, pump) in pumps {
            let stream = *stream;
            if self.has(7) && stream == StreamId::Stderr && !self.extra.flag.get() {
                continue; // B7: registered too late to be waited for.
            }
            task::remember(&(stream, status, reports.iter().collect::<Vec<_>>()));
            reports[stream] = pump.await.ok().flatten();
        }
        reports
    }

    async fn own(self: Rc<Self>, mut pumps: Pumps, input: Input) {
        let early = match self.bug {
            40 | 61 => Some(self.join(None, &mut pumps).await), // B40, B61: EOF first.
            _ => None,
        };
        let mut status = match self.bug {
            61 => Status::Exited { code: 0 }, // B61: no output any more, so no process.
            _ => self.reap().await,
        };
        let skips = self.has(1) || self.has(64) && self.killed.get();
        let streams = match early {
            Some(streams) => streams,
            None if skips => PerStream::default(), // B1: nobody is waited for. B64: if killed.
            None => self.join(Some(status), &mut pumps).await,
        };
        if let (50, Some(input)) = (self.bug, input)
            && let Ok(Err(errno)) = input.await
        {
            status = Status::Unknown(errno); // B50: a broken pipe is a failure.
        }
        if let Some((house, true)) = &self.house
            && !self.has(11)
        {
            // B11: its members' exits come when they come.
            let _gone = house.living.subscribe().wait_for(|&living| living == 0).await;
        }
        if self.has(8) {
            // B8: the peer keeps the connection open for a while.
            time::sleep_until(time::now() + Duration::from_secs(5)).await;
        }
        if self.has(25) {
            // B25: the terminal needs room as all else does.
            let lane = &self.lanes[StreamId::Stdout];
            poll_fn(|cx| if lane.look(cx).queued == 0 { Poll::Ready(()) } else { Poll::Pending })
                .await;
        }
        let cause = self.cause.get();
        task::remember(&(status, cause, streams.iter().collect::<Vec<_>>()));
        self.finish(Terminal { status, cause, streams }).await;
    }

    async fn finish(&self, terminal: Terminal) {
        if self.has(4) {
            self.extra.flag.swap(true);
            task::yield_now().await; // B4: claimed, and not yet queued.
        }
        self.emit(Event::Exit(terminal)).await;
        task::remember(&terminal.status);
        self.done.send_replace(Some(terminal.status));
        if self.lanes[StreamId::Stdout].get().hurry == Some(Cut::Shutdown) {
            // Waiters do not depend on who takes the output.
            self.answer(terminal.status);
        }
    }

    /// Answers who waits, once.
    fn answer(&self, status: Status) {
        if self.over.subscribe().get().is_none() {
            self.over.send_replace(Some(status));
            self.extra.bell.notify_waiters();
        }
    }
}

type Pumps = Vec<(StreamId, JoinHandle<Option<StreamReport>>)>;
type Reports = PerStream<Option<StreamReport>>;
type Input = Option<JoinHandle<Result<(), Errno>>>;

/// Writes the input, and closes it. That nobody reads it is for the writer alone.
async fn write(mut stdin: Stdin, input: &'static [u8]) -> Result<(), Errno> {
    stdin.write(input).await
}

/// Waits for an end by a signal for all children: B35 looks at one of them.
async fn sigchld(process: &Process) {
    let pending = task::shared(|| Sigchld(watch::channel(false).0));
    let (sends, child) = (Rc::clone(&pending), process.clone());
    task::spawn("kernel", async move {
        child.ended().await;
        sends.0.send_replace(true);
    });
    loop {
        let _signal = pending.0.subscribe().wait_for(|&pending| pending).await;
        pending.0.send_replace(false);
        if process.try_wait().is_some() {
            return;
        }
    }
}

/// Kills when the time is up.
async fn watch_time(common: Rc<Common>, timeout: Duration) {
    let mut ended = common.ended.subscribe();
    if time::timeout(timeout, ended.wait_for(Option::is_some)).await.is_err() {
        if common.has(55) {
            common.cause.with(|cause| cause.timed_out = true); // B55: whatever it finds.
        }
        common.kill(true).await;
    }
}

impl Naive {
    fn share(child: &Child, policy: &Policy, queue: mpsc::UnboundedSender<Event>) -> Common {
        let house = child.boxed.then(|| {
            let house =
                task::shared(|| House { has_box: Shared::new(false), living: watch::channel(0).0 });
            let is_box = !house.has_box.swap(true);
            house.living.send_modify(|living| *living += u32::from(!is_box));
            (house, is_box)
        });
        Common {
            bug: child.bug,
            policy: *policy,
            process: child.process.clone(),
            queue,
            lanes: PerStream::from_fn(|_| Lane::new()),
            ended: watch::channel(None).0,
            over: watch::channel(None).0,
            done: watch::channel(None).0,
            cause: Shared::new(Cause::default()),
            closed: Shared::new(false),
            killed: Shared::new(false),
            house,
            kept: Cell::new(1),
            extra: Extra {
                bell: Notify::new(),
                flag: Shared::new(false),
                second: watch::channel(false).0,
                stdin: RefCell::default(),
                sources: RefCell::default(),
            },
        }
    }

    /// What follows from the delivery of an event.
    fn note_delivered(&self, event: &Event) {
        let common = &self.common;
        match event {
            Event::Chunk { stream, chunk } => {
                let counted = if common.has(27) { 1 } else { len(chunk) };
                let max = common.policy.buffer.bytes_max;
                let wakes = common.lanes[*stream].get().queued >= max || common.has(25);
                common.lanes[*stream].change(wakes, |lane| {
                    lane.queued = lane.queued.saturating_sub(counted);
                });
            }
            Event::Exit(terminal) => {
                if !common.has(56) {
                    common.kept.set(0); // B56: never taken out of the table.
                }
                if let Some((house, false)) = &common.house {
                    house.living.send_modify(|living| *living -= 1);
                }
                common.answer(terminal.status);
                if common.has(9) {
                    // B9: the connection is reset when all is said, and that is the last word.
                    let common = Rc::clone(common);
                    task::spawn("transport", async move {
                        common.over.send_replace(Some(Status::Lost));
                    });
                }
            }
            Event::Gap { .. } | Event::End { .. } => {}
        }
    }

    /// Waits for the terminal as the bugs of waits do.
    async fn wait_wrongly(&self) {
        let extra = &self.common.extra;
        match self.common.bug {
            6 if self.common.over.subscribe().get().is_none() => {
                task::preempt_before("registers").await;
                extra.bell.notified().await; // B6: looked first, and then registered.
            }
            // B42: the first waits for all.
            42 if !extra.flag.swap(true) => {
                let _over = self.common.over.subscribe().wait_for(Option::is_some).await;
                extra.second.send_replace(true);
            }
            42 => {
                let _over = extra.second.subscribe().wait_for(|&over| over).await;
            }
            _ => {}
        }
    }
}

impl Stack for Naive {
    const OFFERS: &'static [Call] =
        &[Call::Wait, Call::Exited, Call::Kill, Call::Close, Call::Shutdown, Call::Boxes];

    fn start(child: Child, policy: &Policy) -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        let common = Rc::new(Self::share(&child, policy, queue));
        let mut pumps = Vec::new();
        for source in [child.stdout, child.stderr].into_iter().filter(Source::is_ours) {
            let stream = source.stream();
            let name = if stream == StreamId::Stdout { "stdout pump" } else { "stderr pump" };
            pumps.push((stream, task::spawn(name, Rc::clone(&common).pump(source))));
        }
        let aborts = pumps.iter().map(|(_, pump)| pump.abort_handle()).collect();
        let input = if common.has(49) {
            *common.extra.stdin.borrow_mut() = Some(child.stdin); // B49: a second one who holds it.
            None
        } else {
            let writes = !child.input.is_empty();
            writes.then(|| task::spawn("stdin pump", write(child.stdin, child.input)))
        };
        let owner = task::spawn("owner", Rc::clone(&common).own(pumps, input)).abort_handle();
        if let Some(timeout) = policy.timeout {
            task::spawn("watchdog", watch_time(Rc::clone(&common), timeout));
        }
        if common.has(7) {
            let common = Rc::clone(&common);
            task::spawn("registrar", async move { common.extra.flag.swap(true) });
        }
        Naive { common, events: RefCell::new(events), owner, pumps: aborts }
    }

    async fn next(&self) -> Option<Event> {
        if self.common.has(52) {
            self.common.extra.flag.swap(true);
        }
        task::yield_now().await;
        if self.common.has(30)
            && self.common.lanes[StreamId::Stdout].get().hurry == Some(Cut::Shutdown)
        {
            return None; // B30: closed is looked at before the queue.
        }
        let event = poll_fn(|cx| self.events.borrow_mut().poll_recv(cx)).await?;
        if self.common.closed.get() {
            return None;
        }
        if self.common.has(53) {
            task::yield_now().await; // B53: taken, and lost if the caller goes now.
        }
        if self.common.has(23) {
            task::shared(|| Dispatcher(Semaphore::new(1))).0.add_permits(1);
        }
        self.note_delivered(&event);
        Some(event)
    }

    async fn wait(&self) -> Status {
        self.wait_wrongly().await;
        let follows = if self.common.has(2) { &self.common.ended } else { &self.common.over }; // B2: the reap.
        let told = follows.subscribe().wait_for(Option::is_some).await;
        if self.common.has(41) {
            self.common.over.send_replace(None); // B41: the first takes it with him.
        }
        told.ok().flatten().unwrap_or(Status::Lost)
    }

    async fn exited(&self) -> Status {
        let told = self.common.ended.subscribe().wait_for(Option::is_some).await;
        told.ok().flatten().unwrap_or(Status::Lost)
    }

    async fn kill(&self) {
        self.common.kill(false).await;
    }

    async fn close(&self) {
        let common = &self.common;
        common.process.known().await;
        if self.common.has(59) {
            common.closed.swap(true); // B59: whoever disconnects leaves it to itself.
            return common.answer(Status::Lost);
        }
        common.end(Signal::KILL, false);
        if let (Some(Status::Unknown(_)), true) =
            (common.ended.subscribe().get(), !self.common.has(32))
        {
            // B32: or a wait that failed is taken for an exit. This one still has it end.
            common.process.kill_rest(Signal::KILL);
        }
        common.hurry(Cut::Close);
        if self.common.has(5) {
            return self.pumps.iter().for_each(AbortHandle::abort); // B5: and nobody joins them.
        }
        if self.common.has(4) && common.extra.flag.get() {
            self.owner.abort(); // B4: it has claimed the terminal, and not yet queued it.
        }
        if self.common.has(3) && common.done.subscribe().get().is_none() {
            let (cause, streams) = (common.cause.get(), PerStream::default());
            let status = Status::Forced; // B3: a terminal of its own.
            common.emit(Event::Exit(Terminal { status, cause, streams })).await;
        }
        let done = common.done.subscribe().wait_for(Option::is_some).await;
        common.closed.swap(true);
        common.answer(done.ok().flatten().unwrap_or(Status::Lost));
    }

    async fn shutdown(&self) {
        let common = &self.common;
        if self.common.has(10) {
            return common.answer(Status::Exited { code: 0 }); // B10: no terminal, no error.
        }
        if self.common.has(43) {
            self.pumps.iter().for_each(AbortHandle::abort);
            return self.owner.abort(); // B43: nobody is told.
        }
        common.process.known().await;
        common.end(Signal::KILL, false);
        common.hurry(Cut::Shutdown);
        if let Some(status) = common.done.subscribe().get() {
            common.answer(status);
        }
    }

    fn kept(&self) -> u32 {
        self.common.kept.get()
    }
}
