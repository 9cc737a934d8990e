//! Faults by seed: several executions at once on a network that delays, breaks and heals, with a
//! runner or a client that crashes. A seed is the whole of a run: the same one gives the same log,
//! byte for byte.

use std::{
    cell::RefCell,
    fmt,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use lastbyte::{
    DrainPolicy, Policy,
    machine::{Status, StreamId},
    monitor::Broken,
    remote::{client::Client, runner::config::Config, wire::BoxRequest},
};
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    time::sleep,
};
use turmoil::Sim;

use crate::dice::Dice;

use super::{
    child::{Act, Manner},
    hosts::{self, Children, RUNNER, Script},
    judge::{Endings, Judge},
    log::{Log, Who},
    reader::{self, Design, Eyes, LOST_AFTER},
    wrong,
};

/// Where executions are started and read.
const CLIENT: &str = "client";

/// Where some are read a second time.
const SECOND: &str = "second";

const TICK: Duration = Duration::from_millis(5);

/// No run takes longer, in virtual time, unless something hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// What is done to the network or a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing passes between the runner and this client; what is on its way is lost.
    Partition(&'static str),
    /// Nothing passes to the runner.
    PartitionTo(&'static str),
    /// Nothing passes from the runner.
    PartitionFrom(&'static str),
    /// Everything is held back.
    Hold(&'static str),
    /// The runner vanishes, and another begins where it was.
    CrashRunner,
    /// A client vanishes for ever.
    CrashClient(&'static str),
}

/// One fault: when it begins and how long it lasts.
#[derive(Clone, Copy, Debug)]
struct Planned {
    at: Duration,
    lasts: Duration,
    fault: Fault,
}

/// An execution as it is planned.
#[derive(Clone, Debug)]
struct Execution {
    script: Script,
    drain: DrainPolicy,
    after: Duration,
    pause: Duration,
    /// A second reader attaches so much later.
    second: Option<Duration>,
}

/// Everything about a run that is not a choice of the product.
#[derive(Clone, Debug)]
struct Plan {
    latency: Duration,
    executions: Vec<Execution>,
    faults: Vec<Planned>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The rule that broke.
    pub broken: Option<Broken>,
    /// How its executions ended for their readers.
    pub endings: Endings,
    /// Executions that were planned.
    pub executions: u64,
    /// Faults that were planned.
    pub faults: u64,
    /// Virtual time.
    pub took: Duration,
    /// Everything that was seen.
    pub log: String,
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Plan {
    fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let latency = ms([2, 10, 50, 200][dice.below(4)]);
        let executions = (0..=dice.below(12)).map(|_| Execution::of(&mut dice)).collect();
        // One run in three has no fault: then nothing may be lost.
        let faults = if dice.below(3) == 0 { 0 } else { 1 + dice.below(3) };
        let faults = (0..faults).map(|_| Planned::of(&mut dice)).collect();
        Plan { latency, executions, faults }
    }

    /// Whether readers may be told that the runner is lost.
    fn may_lose(&self) -> bool {
        let outage: Duration = self.faults.iter().map(|fault| fault.lasts).sum();
        let crashes = |fault: &Planned| matches!(fault.fault, Fault::CrashRunner);
        outage * 2 > LOST_AFTER || self.faults.iter().any(crashes)
    }
}

impl Execution {
    fn of(dice: &mut Dice) -> Self {
        let mut manner = Manner { ignores_term: dice.below(4) == 0, ..Manner::default() };
        let stream = |dice: &mut Dice| [StreamId::Stdout, StreamId::Stderr][dice.below(2)];
        if dice.below(5) == 0 {
            manner.held[stream(dice)] = true;
        }
        let after = |dice: &mut Dice| Some(ms([0, 0, 1, 7, 40][dice.below(5)]));
        let mut acts = Vec::new();
        let mut counter = 0_u8;
        let mut bytes = |dice: &mut Dice| -> Vec<u8> {
            let len = [1, 3, 80, 3000][dice.below(4)];
            let mut next = || {
                counter = counter.wrapping_add(1);
                counter
            };
            (0..len).map(|_| next()).collect()
        };
        for _ in 0..dice.below(7) {
            acts.push((after(dice), Act::Write(stream(dice), bytes(dice))));
        }
        let status = Status::Exited { code: i32::from(dice.below(3) == 0) };
        acts.push((after(dice), Act::Exit(status)));
        for _ in 0..dice.below(3) {
            acts.push((after(dice), Act::WriteLate(stream(dice), bytes(dice))));
        }
        acts.push((Some(ms([1, 100, 700][dice.below(3)])), Act::LetGo));
        let drain = match dice.below(4) {
            0 => DrainPolicy::UntilEof,
            1 => DrainPolicy::After(ms(0)),
            2 => DrainPolicy::After(ms(50)),
            _ => DrainPolicy::default(),
        };
        Execution {
            script: Script { manner, acts },
            drain,
            after: ms([0, 0, 5, 100][dice.below(4)]),
            pause: ms([0, 0, 0, 30][dice.below(4)]),
            second: (dice.below(4) == 0).then(|| ms([0, 20, 300][dice.below(3)])),
        }
    }
}

impl Planned {
    fn of(dice: &mut Dice) -> Self {
        let client = [CLIENT, CLIENT, SECOND][dice.below(3)];
        let fault = match dice.below(10) {
            0 | 1 => Fault::Partition(client),
            2 | 3 => Fault::PartitionTo(client),
            4 | 5 => Fault::PartitionFrom(client),
            6 | 7 => Fault::Hold(client),
            8 => Fault::CrashRunner,
            _ => Fault::CrashClient(client),
        };
        let at = ms(u64::from(dice.number() % 600));
        Planned { at, lasts: ms([20, 90, 400, 900, 6000][dice.below(5)]), fault }
    }
}

/// Runs a seed, with readers of this design.
pub fn run(seed: u64, design: Design) -> Outcome {
    let plan = Plan::of(seed);
    let mut world = World::start(seed, design, &plan);
    let broken = world.run(&plan);
    let finished = broken.map_or_else(|| world.judge.finish(), Err);
    Outcome {
        seed,
        broken: finished.err(),
        endings: finished.unwrap_or_default(),
        executions: plan.executions.len() as u64,
        faults: plan.faults.len() as u64,
        took: world.sim.elapsed(),
        log: world.log.text(),
    }
}

struct World {
    sim: Sim<'static>,
    log: Log,
    judge: Judge,
    children: Children,
    executions: usize,
    /// Readers that are not done.
    reading: Arc<AtomicU64>,
    begun: Arc<AtomicBool>,
}

impl World {
    fn start(seed: u64, design: Design, plan: &Plan) -> Self {
        let log = Log::default();
        for planned in &plan.faults {
            log.say(Who::World, planned.to_string());
        }
        let scripts = plan.executions.iter().map(|it| it.script.clone()).collect();
        let children = Children::new(scripts, log.clone());
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .simulation_duration(LONGEST * 2)
            .min_message_latency(Duration::ZERO)
            .max_message_latency(plan.latency)
            .tcp_capacity(1024)
            .build();
        let config = Config { retain_bytes: 4096, ..Config::default() };
        let lives = Arc::new(AtomicUsize::new(0));
        let kept = children.clone();
        sim.host(RUNNER, move || {
            let life = lives.fetch_add(1, Ordering::Relaxed);
            hosts::serve(kept.clone(), config.clone(), life)
        });
        let (reading, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (to_second, at_second) = mpsc::unbounded_channel();
        let clients = Clients {
            design,
            log: log.clone(),
            reading: Arc::clone(&reading),
            executions: plan.executions.clone(),
            to_second,
        };
        let (clients, started) = (RefCell::new(Some(clients)), Arc::clone(&begun));
        sim.host(CLIENT, move || {
            let (clients, started) = (clients.borrow_mut().take(), Arc::clone(&started));
            async move {
                if let Some(clients) = clients {
                    clients.run().await;
                }
                started.store(true, Ordering::Relaxed);
                std::future::pending().await
            }
        });
        let at_second = RefCell::new(Some(at_second));
        sim.host(SECOND, move || {
            let at_second = at_second.borrow_mut().take();
            async move {
                if let Some(mut at_second) = at_second {
                    while let Some(attach) = at_second.recv().await {
                        tokio::spawn(Attach::read(attach));
                    }
                }
                std::future::pending().await
            }
        });
        let judge = Judge::new(log.clone(), plan.may_lose());
        let executions = plan.executions.len();
        World { sim, log, judge, children, executions, reading, begun }
    }

    /// Runs until every reader is done. The rule that broke on the way.
    fn run(&mut self, plan: &Plan) -> Option<Broken> {
        let mut faults = Vec::new();
        for planned in &plan.faults {
            faults.push((planned.at, planned.fault, true));
            faults.push((planned.at + planned.lasts, planned.fault, false));
        }
        faults.sort_by_key(|&(at, ..)| at);
        let mut faults = faults.into_iter().peekable();
        while self.sim.elapsed() < LONGEST {
            while let Some((_, fault, begins)) =
                faults.next_if(|&(at, ..)| at <= self.sim.elapsed())
            {
                self.apply(fault, begins);
            }
            self.log.set_time(self.sim.elapsed());
            if let Err(error) = self.sim.step() {
                self.log.say(Who::World, format!("a host failed: {error}"));
            }
            if let Err(broken) = self.judge.judge() {
                return Some(broken);
            }
            let begun = self.begun.load(Ordering::Relaxed) || !self.sim.is_host_running(CLIENT);
            if begun && self.reading.load(Ordering::Relaxed) == 0 {
                break;
            }
        }
        None
    }

    fn apply(&mut self, fault: Fault, begins: bool) {
        let sim = &mut self.sim;
        self.log.say(Who::World, format!("{fault:?} {}", if begins { "begins" } else { "ends" }));
        match (fault, begins) {
            (Fault::Partition(client), true) => sim.partition(client, RUNNER),
            (Fault::Partition(client), false) => sim.repair(client, RUNNER),
            (Fault::PartitionTo(client), true) => sim.partition_oneway(client, RUNNER),
            (Fault::PartitionTo(client), false) => sim.repair_oneway(client, RUNNER),
            (Fault::PartitionFrom(client), true) => sim.partition_oneway(RUNNER, client),
            (Fault::PartitionFrom(client), false) => sim.repair_oneway(RUNNER, client),
            (Fault::Hold(client), true) => sim.hold(client, RUNNER),
            (Fault::Hold(client), false) => sim.release(client, RUNNER),
            (Fault::CrashRunner, true) => {
                // A machine that crashes says no more, and in which order its tasks are dropped is
                // nobody's to see.
                for client in [CLIENT, SECOND] {
                    sim.partition(client, RUNNER);
                }
                self.children.vanish();
                sim.crash(RUNNER);
            }
            (Fault::CrashRunner, false) => {
                for client in [CLIENT, SECOND] {
                    sim.repair(client, RUNNER);
                }
                sim.bounce(RUNNER);
            }
            (Fault::CrashClient(client), true) => {
                sim.partition(client, RUNNER);
                for child in 0..self.executions {
                    self.log.gone(Who::Reader(child, usize::from(client == SECOND)));
                }
                sim.crash(client);
            }
            (Fault::CrashClient(_), false) => {}
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Planned { at, lasts, fault } = self;
        write!(f, "planned: {fault:?} at {} ms for {} ms", at.as_millis(), lasts.as_millis())
    }
}

/// What the client's host does.
struct Clients {
    design: Design,
    log: Log,
    reading: Arc<AtomicU64>,
    executions: Vec<Execution>,
    to_second: UnboundedSender<Attach>,
}

/// A second reader's order.
struct Attach {
    box_id: String,
    execution_id: String,
    after: Duration,
    reading: Reading,
}

impl Clients {
    async fn run(self) {
        let client = reader::client();
        let id = match client.create_box(&BoxRequest::default()).await {
            Ok(created) => created.id,
            Err(error) => return self.log.say(Who::World, format!("no box: {error}")),
        };
        for (child, execution) in self.executions.iter().cloned().enumerate() {
            let reading = Reading::new(&self.log, &self.reading, child, 0);
            let second = execution.second.map(|after| {
                let reading = Reading::new(&self.log, &self.reading, child, 1);
                (after, self.to_second.clone(), reading)
            });
            let (id, design, client) = (id.clone(), self.design, client.clone());
            tokio::spawn(async move {
                sleep(execution.after).await;
                let eyes = reading.eyes.clone();
                let ran = match second {
                    None => {
                        let Execution { drain, pause, .. } = execution;
                        reader::run(design, &id, child, drain, pause, eyes, ready(())).await
                    }
                    Some((after, to, second)) => {
                        let of = (id.as_str(), child, &execution);
                        twice(&client, of, eyes, |execution_id| {
                            let box_id = id.clone();
                            let attach = Attach { box_id, execution_id, after, reading: second };
                            // A host that has crashed attaches to nothing.
                            let _told = to.send(attach);
                        })
                        .await
                    }
                };
                reading.over(ran);
            });
        }
    }
}

/// Starts a command whose name is known, so that another may attach to it, and reads it.
async fn twice(
    client: &Client,
    (box_id, child, execution): (&str, usize, &Execution),
    eyes: Eyes,
    tell: impl FnOnce(String),
) -> Result<(), lastbyte::Error> {
    let id = wrong::start(box_id, child, execution.drain).await?;
    tell(id.clone());
    let attached = client.attach(box_id, &id, 0, false, Policy::default()).await?;
    reader::read(attached, execution.pause, eyes).await;
    Ok(())
}

impl Attach {
    async fn read(self) {
        let Attach { box_id, execution_id, after, reading } = self;
        sleep(after).await;
        let (client, policy) = (reader::client(), Policy::default());
        let attached = client.attach(&box_id, &execution_id, 0, false, policy).await;
        let read = match attached {
            Ok(execution) => {
                reader::read(execution, Duration::ZERO, reading.eyes.clone()).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        reading.over(read);
    }
}

/// A reader, for as long as he is there.
struct Reading {
    eyes: Eyes,
    count: Arc<AtomicU64>,
    over: bool,
}

impl Reading {
    fn new(log: &Log, count: &Arc<AtomicU64>, child: usize, number: usize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Reading { eyes: Eyes::new(log, child, number), count: Arc::clone(count), over: false }
    }

    /// He is done.
    fn over(mut self, how: Result<(), lastbyte::Error>) {
        if let Err(error) = how {
            self.eyes.say(format!("nothing to read: {error}"));
        }
        self.over = true;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        if !self.over {
            self.eyes.gone();
        }
    }
}
