//! Somebody's exec stack under the executor, its callers, and what is asked of it.
//!
//! A [`Stack`] takes over a fake [`Child`] and serves its callers; a [`Scenario`] says what the
//! child does and which callers there are. Each caller is a task, so that it calls at any moment.

use std::{cell::RefCell, future::Future, rc::Rc, sync::Arc, task::Poll, time::Duration};

use lastbyte::{
    Event, Policy,
    machine::{Signal, Status, StreamId, Until},
    monitor::{Broken, Rule},
};

use super::{
    child::{self, Child, Process, Script},
    footprint::{ObjectId, hash_of, mix},
    run::{self, At, Choice, Entered, Mode, Run, Snapshot, choice, note_value},
    task,
    witness::{Quiet, Seen, Witness},
};

/// An exec stack: what starts, streams, waits, kills and closes.
///
/// What it does not offer it leaves as it is here, and says so in [`Stack::OFFERS`].
pub trait Stack: Sized + 'static {
    /// What callers may ask of it.
    const OFFERS: &'static [Call];

    /// Takes over a child that has just been spawned. Policies that it does not know it ignores.
    fn start(child: Child, policy: &Policy) -> Self;

    /// The next event. `None`: there will be none.
    fn next(&self) -> impl Future<Output = Option<Event>>;

    /// Waits for the end, output included.
    fn wait(&self) -> impl Future<Output = Status> {
        std::future::pending()
    }

    /// Waits for the root's end alone.
    fn exited(&self) -> impl Future<Output = Status> {
        std::future::pending()
    }

    /// Kills it.
    fn kill(&self) -> impl Future<Output = ()> {
        async {}
    }

    /// Frees it: when this returns, nothing more is delivered.
    fn close(&self) -> impl Future<Output = ()> {
        async {}
    }

    /// Takes the whole runtime down.
    fn shutdown(&self) -> impl Future<Output = ()> {
        async {}
    }

    /// Registrations and the like that it keeps of an execution, asked when all is over.
    fn kept(&self) -> u32 {
        0
    }

    /// Asked after each step: what a monitor of its own has found.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule.
    fn verdict(&self) -> Result<(), Broken> {
        Ok(())
    }
}

/// What a caller may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Waits for the end, output included.
    Wait,
    /// Waits, and goes away before he is answered.
    WaitAndGo,
    /// Waits for the root's end.
    Exited,
    /// Kills.
    Kill,
    /// Frees.
    Close,
    /// Shuts down.
    Shutdown,
    /// Runs executions in boxes. Nobody calls: it is what the stack claims.
    Boxes,
}

/// How a consumer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumer {
    /// Takes what there is.
    Fair,
    /// Takes so many events, and then none.
    Stops(u32),
    /// Takes nothing before the root has ended.
    Late,
    /// Goes away once while it waits for its first event, and comes back.
    Reconnects,
}

/// What is asked of a stack: children, callers, and what they may expect.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, as in tokens and tables.
    pub name: &'static str,
    /// One execution each.
    pub children: Vec<(Script, Consumer)>,
    /// Callers of the first, each at any moment.
    pub calls: Vec<Call>,
    /// For stacks that know policies.
    pub policy: Policy,
    /// How often a loop may be late: time passes although something could go on.
    pub late: u32,
    /// Nothing is expected of what has not happened by then.
    pub horizon: Duration,
    /// The terminal must come within this time after the root's end.
    pub bound: Option<Duration>,
    /// Bytes of one stream that a stack may buffer.
    pub buffer_max: Option<usize>,
    /// Nothing in it asks for a signal: to send one breaks C12, which alone lets a stack do so.
    pub harmless: bool,
    /// The bug that a stack has which can be told to have one; 0: none.
    pub bug: u8,
    /// The first child is a box, and the others live in it: they end with it.
    pub boxed: bool,
}

impl Scenario {
    /// One child, a fair consumer, and nobody else.
    pub fn new(name: &'static str, script: Script) -> Self {
        Scenario {
            name,
            children: vec![(script, Consumer::Fair)],
            calls: Vec::new(),
            policy: Policy::default(),
            late: 1,
            horizon: Duration::from_secs(600),
            bound: None,
            buffer_max: None,
            harmless: false,
            bug: 0,
            boxed: false,
        }
    }

    /// Whether a stack with these offers can be asked this.
    pub fn suits(&self, offers: &[Call]) -> bool {
        self.calls.iter().all(|call| match call {
            Call::WaitAndGo => offers.contains(&Call::Wait),
            Call::Wait | Call::Exited | Call::Kill | Call::Close | Call::Shutdown | Call::Boxes => {
                offers.contains(call)
            }
        })
    }
}

/// What is known of the callers of one execution.
#[derive(Debug, Default, Hash)]
struct Callers {
    consumer_waits: bool,
    waiters: u32,
    close_pending: bool,
    shutdown: bool,
    killed: bool,
}

/// One execution of a scenario.
struct Case {
    process: Process,
    callers: RefCell<Callers>,
    /// Stands for what is known of the callers.
    called: ObjectId,
    fair: bool,
    name: String,
}

impl Case {
    fn note(&self, change: impl FnOnce(&mut Callers)) {
        let mut callers = self.callers.borrow_mut();
        change(&mut callers);
        note_value(self.called, &*callers);
    }
}

/// A run of a stack in a scenario.
pub(crate) struct Session {
    run: Entered,
    cases: Rc<Vec<Case>>,
    scenario: Arc<Scenario>,
    verdict: Box<dyn Fn() -> Result<(), Broken>>,
    kept: Box<dyn Fn(usize) -> u32>,
}

impl std::ops::Deref for Session {
    type Target = Run;

    fn deref(&self) -> &Run {
        &self.run
    }
}

/// A step that was made, with all that can be compared.
pub(crate) struct Recorded {
    pub(crate) before: Snapshot,
    pub(crate) after: Snapshot,
    /// What it broke, whatever the witnesses have seen before.
    pub(crate) broken: Option<Broken>,
    /// Time passed while nothing else could: whether it may, the witnesses were asked.
    pub(crate) due: bool,
    /// What the witnesses were told, each by its execution.
    pub(crate) told: Vec<(usize, Seen)>,
}

/// What a witness adds to the footprint.
pub(crate) fn witness_share(execution: usize, witness: &Witness) -> u128 {
    const WITNESS: u128 = 100;
    mix(&[WITNESS, execution as u128, hash_of(witness)])
}

/// Starts a run.
pub(crate) fn enter<S: Stack>(scenario: &Arc<Scenario>, mode: Mode) -> Session {
    let made = RefCell::new(None);
    let run = Run::enter(Mode { early: scenario.late, ..mode }, || {
        made.replace(Some(begin::<S>(scenario)));
    });
    let Some((cases, verdict, kept)) = made.into_inner() else { unreachable!("it was begun") };
    Session { run, cases, scenario: Arc::clone(scenario), verdict, kept }
}

type Begun = (Rc<Vec<Case>>, Box<dyn Fn() -> Result<(), Broken>>, Box<dyn Fn(usize) -> u32>);

fn begin<S: Stack>(scenario: &Arc<Scenario>) -> Begun {
    let several = scenario.children.len() > 1;
    let mut children = Vec::new();
    let mut cases = Vec::new();
    for (number, (script, consumer)) in scenario.children.iter().enumerate() {
        let name = match (scenario.boxed, several, number) {
            (true, _, 0) => "box".to_owned(),
            (_, true, _) => format!("child {}", (b'A' + number as u8) as char),
            (_, false, _) => "child".to_owned(),
        };
        let mut child = child::spawn(&name, *script, number);
        child.boxed = scenario.boxed;
        child.bug = scenario.bug;
        if scenario.harmless {
            child.process.expect_no_signal();
        }
        if let Some(bytes) = scenario.buffer_max {
            child.process.bound(bytes);
        }
        cases.push(Case {
            process: child.process.clone(),
            callers: RefCell::default(),
            called: run::object(),
            fair: !matches!(consumer, Consumer::Stops(_)),
            name,
        });
        children.push(child);
    }
    let cases = Rc::new(cases);
    let mut stacks = Vec::new();
    for (number, child) in children.into_iter().enumerate() {
        let stack = Rc::new(S::start(child, &scenario.policy));
        let (_, consumer) = scenario.children[number];
        let name =
            if several { format!("consumer {}", cases[number].name) } else { "consumer".into() };
        let work =
            consume(Rc::clone(&stack), Rc::clone(&cases), number, consumer, Arc::clone(scenario));
        task::spawn(name, work);
        stacks.push(stack);
    }
    if scenario.boxed {
        task::spawn("kernel", end_with_the_box(Rc::clone(&cases)));
    }
    for (number, &call) in scenario.calls.iter().enumerate() {
        let same = scenario.calls[..number].iter().filter(|&&earlier| earlier == call).count();
        let name = match (call, same) {
            (Call::Wait | Call::Exited, same) => format!("waiter {}", same + 1),
            (Call::WaitAndGo, _) => "waiter who goes".to_owned(),
            (Call::Kill, _) => "killer".to_owned(),
            (Call::Close, _) => "closer".to_owned(),
            (Call::Shutdown, _) => "shutdown".to_owned(),
            (Call::Boxes, _) => continue,
        };
        task::spawn(name, ask(Rc::clone(&stacks[0]), Rc::clone(&cases), call));
    }
    let stacks = Rc::new(stacks);
    let kept = Rc::clone(&stacks);
    let verdict = Box::new(move || stacks.iter().try_for_each(|stack| stack.verdict()));
    (cases, verdict, Box::new(move |number| kept[number].kept()))
}

/// Members of a box die with it.
async fn end_with_the_box(cases: Rc<Vec<Case>>) {
    cases[0].process.ended().await;
    for case in &cases[1..] {
        case.process.kill_rest(Signal::KILL);
    }
}

async fn consume<S: Stack>(
    stack: Rc<S>,
    cases: Rc<Vec<Case>>,
    number: usize,
    consumer: Consumer,
    scenario: Arc<Scenario>,
) {
    let case = &cases[number];
    if consumer == Consumer::Late {
        case.process.ended().await;
    }
    let (mut taken, mut left) = (0, false);
    loop {
        if consumer == Consumer::Stops(taken) {
            return;
        }
        task::remember(&(matches!(consumer, Consumer::Stops(_)).then_some(taken), left));
        case.note(|callers| callers.consumer_waits = true);
        let mut event = None;
        if consumer == Consumer::Reconnects && !left {
            left = true;
            event = give_up(stack.next()).await;
        }
        let event = match event {
            Some(event) => event,
            None => stack.next().await,
        };
        case.note(|callers| callers.consumer_waits = false);
        let Some(event) = event else {
            case.process.see(Seen::NoMore);
            break;
        };
        taken += 1;
        run::note(|| format!("is handed {}", told(&event)));
        if let Event::Exit(_) = event
            && scenario.boxed
            && number == 0
        {
            cases[1..].iter().for_each(|case| case.process.see(Seen::BoxExited));
        }
        case.process.see(Seen::Event(event));
    }
}

async fn ask<S: Stack>(stack: Rc<S>, cases: Rc<Vec<Case>>, call: Call) {
    let case = &cases[0];
    let wait_kind = match call {
        Call::Wait => Some(Until::Terminal),
        Call::Exited => Some(Until::Exited),
        Call::WaitAndGo | Call::Kill | Call::Close | Call::Shutdown | Call::Boxes => None,
    };
    if let Some(until) = wait_kind {
        choice(At::Await, Some("waits")).await;
        case.note(|callers| callers.waiters += 1);
        let status = match until {
            Until::Terminal => stack.wait().await,
            Until::Exited => stack.exited().await,
        };
        case.note(|callers| callers.waiters -= 1);
        run::note(|| format!("is told: {status}"));
        case.process.see(Seen::Resolved { until, status });
        return;
    }
    match call {
        Call::WaitAndGo => {
            choice(At::Await, Some("waits")).await;
            let _status = give_up(stack.wait()).await;
            run::note(|| "goes".to_owned());
        }
        Call::Kill => {
            choice(At::Await, Some("asks for a kill")).await;
            case.note(|callers| callers.killed = true);
            stack.kill().await;
        }
        Call::Close => {
            choice(At::Await, Some("asks for a close")).await;
            case.note(|callers| callers.close_pending = true);
            case.process.see(Seen::CloseCalled);
            stack.close().await;
            case.note(|callers| callers.close_pending = false);
            run::note(|| "the close returns".to_owned());
            case.process.see(Seen::CloseReturned);
        }
        Call::Shutdown => {
            choice(At::Await, Some("asks for a shutdown")).await;
            case.note(|callers| callers.shutdown = true);
            case.process.see(Seen::ShutdownCalled);
            stack.shutdown().await;
        }
        Call::Wait | Call::Exited | Call::Boxes => {}
    }
}

/// Polls it twice, and drops it: whoever was waiting goes away.
async fn give_up<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut polls = 0;
    std::future::poll_fn(|cx| {
        polls += 1;
        run::learn(&polls);
        if polls > 2 {
            return Poll::Ready(None);
        }
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// What a consumer is handed, in words.
pub(crate) fn told(event: &Event) -> String {
    match event {
        Event::Chunk { stream, chunk } => {
            format!("{:?} of {stream}", String::from_utf8_lossy(chunk))
        }
        Event::Gap { stream, bytes } => format!("a gap of {bytes} in {stream}"),
        Event::End { stream, end } => format!("the end of {stream}: {}", end.name()),
        Event::Exit(terminal) => format!("the exit: {}", terminal.status),
    }
}

impl Session {
    /// What may go on next; nothing once the horizon is passed.
    pub(crate) fn choices(&self, choices: &mut Vec<Choice>) {
        self.run.choices(choices);
        if choices.last() == Some(&Choice::Time) && self.run.next_timer() > self.scenario.horizon {
            choices.pop();
        }
    }

    /// Makes a step, and has the contract judge it.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule.
    pub(crate) fn take(&self, choice: Choice) -> Result<(), Broken> {
        self.make(choice)?;
        self.run.finding::<Broken>().map_or(Ok(()), Err)
    }

    /// As [`Session::take`], but for the judgement of the witnesses.
    fn make(&self, choice: Choice) -> Result<(), Broken> {
        let due = choice == Choice::Time && !self.run.is_busy();
        if due {
            self.check_due()?;
        }
        self.run.take(choice);
        (self.verdict)()
    }

    /// As [`Session::take`], and says what the step touched.
    pub(crate) fn record(&self, choice: Choice) -> Recorded {
        let due = choice == Choice::Time && !self.run.is_busy();
        let before = self.snapshot();
        let _of_steps_before = self.run.listen();
        let broken = self.make(choice).err();
        if due {
            // What was looked at before time passed.
            self.run.glance(self.run.clock());
            for case in &*self.cases {
                self.run.glance(case.called);
                self.run.glance(case.process.object());
            }
        }
        Recorded { before, broken, due, told: self.run.listen(), after: self.snapshot() }
    }

    /// What each witness knows.
    pub(crate) fn witnesses(&self) -> impl Iterator<Item = Witness> {
        self.cases.iter().map(|case| case.process.with_witness(Witness::clone))
    }

    /// Stands for the state: equal footprints have equal futures.
    pub(crate) fn footprint(&self) -> u128 {
        let shares = self.cases.iter().enumerate().map(|(execution, case)| {
            case.process.with_witness(|witness| witness_share(execution, witness))
        });
        shares.fold(self.run.footprint(), u128::wrapping_add)
    }

    /// Time must not be needed for what is there (C5), nor more of it than the bound (C6).
    fn check_due(&self) -> Result<(), Broken> {
        for case in self.cases.iter().filter(|case| case.fair) {
            let waits = case.callers.borrow().consumer_waits;
            if waits && case.process.with_witness(Witness::is_due) {
                let why = "all is read and the root is gone: the terminal waits for time to pass";
                return Err(Broken { rule: Rule::C5, why });
            }
        }
        self.check_bound()
    }

    fn check_bound(&self) -> Result<(), Broken> {
        let Some(bound) = self.scenario.bound else { return Ok(()) };
        for case in self.cases.iter().filter(|case| case.fair) {
            let Some(since) = case.process.ended_at() else { continue };
            let over = case.process.with_witness(Witness::is_over);
            if !over && self.run.time().saturating_sub(since) > bound {
                let why = "the terminal came later than the bound after the root's end";
                return Err(Broken { rule: Rule::C6, why });
            }
        }
        Ok(())
    }

    /// What must hold when nothing can happen any more.
    ///
    /// # Errors
    ///
    /// [`Broken`] names the rule.
    pub(crate) fn finish(&self) -> Result<(), Broken> {
        let slow = self.cases.iter().any(|case| !case.fair);
        for (number, case) in self.cases.iter().enumerate() {
            let callers = case.callers.borrow();
            let quiet = Quiet {
                consumer_waits: case.fair && callers.consumer_waits,
                waiters: if case.fair { callers.waiters } else { 0 },
                close_pending: callers.close_pending,
                running: case.process.is_running(),
                zombie: case.process.is_zombie(),
                shutdown: callers.shutdown,
                killed: callers.killed,
                unfair: !case.fair,
                stdin: case.process.waits_for_stdin(),
                kept: (self.kept)(number),
                neighbour: slow && case.fair,
                may_wait: false,
            };
            case.process.with_witness(|witness| witness.finish(quiet))?;
        }
        Ok(())
    }
}

/// Streams that fake children have.
pub const STREAMS: [StreamId; 2] = [StreamId::Stdout, StreamId::Stderr];
