//! One short command on a network whose every message is held: what can happen next is a choice.
//!
//! Choices are the first message on its way on each connection and each direction (a connection's
//! own order is TCP's, which hides any other from whoever reads), the next thing that the child
//! does, and the reactor's telling of it. Each choice is followed by all that follows from it at
//! its host, and one millisecond; no timer of the product is as short as an order is long.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lastbyte::{
    DrainPolicy,
    machine::{Status, StreamId},
    monitor::{Broken, Rule},
    remote::{runner::config::Config, wire::BoxRequest},
};
use tokio::sync::Notify;
use turmoil::{Protocol, Segment, Sim};

use super::{
    child::{Act, Child, Manner, News},
    hosts::{self, Children, RUNNER, Script},
    judge::Judge,
    log::Log,
    orders::{Choice, Run},
    reader::{self, Design, Eyes},
};

const CLIENT: &str = "client";
const AT_RUNNER: usize = 0;
const AT_CLIENT: usize = 1;

/// The hosts of a small network.
pub const HOSTS: usize = 2;

/// No order of a small network has more choices.
const STEPS_MAX: u32 = 1000;

/// A small command by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Small {
    /// It ends and writes nothing.
    Silent,
    /// It writes once and ends.
    Short,
    /// It writes twice and ends.
    Twice,
    /// It writes to both streams and ends.
    Both,
    /// It writes once and ends, and may do so before the answer to its start arrives.
    Start,
}

impl Small {
    /// All of them.
    pub const ALL: [Small; 5] =
        [Small::Silent, Small::Short, Small::Twice, Small::Both, Small::Start];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Small::Silent => "silent",
            Small::Short => "short",
            Small::Twice => "twice",
            Small::Both => "both",
            Small::Start => "start",
        }
    }

    fn acts(self) -> Vec<Act> {
        let write = |stream, text: &str| Act::Write(stream, text.into());
        let (out, err) = (StreamId::Stdout, StreamId::Stderr);
        let mut acts = match self {
            Small::Silent => vec![],
            Small::Short | Small::Start => vec![write(out, "hi\n")],
            Small::Twice => vec![write(out, "hi\n"), write(out, "there\n")],
            Small::Both => vec![write(out, "hi\n"), write(err, "oops\n")],
        };
        acts.push(Act::Exit(Status::Exited { code: 3 }));
        acts
    }

    /// What the reactor tells of at once, so that it is no choice when.
    fn prompt(self) -> &'static [News] {
        const ERR: News = News::Readable(StreamId::Stderr);
        match self {
            Small::Silent | Small::Short | Small::Twice => &[ERR],
            Small::Both => &[],
            Small::Start => &[ERR, News::Exited],
        }
    }
}

/// A run of a small command.
pub struct SmallRun {
    sim: Sim<'static>,
    small: Small,
    log: Log,
    children: Children,
    acts: Vec<Act>,
    acted: usize,
    judge: Judge,
    done: bool,
    steps: u32,
    finished: Option<Result<(), Broken>>,
}

impl SmallRun {
    /// A run of it that stands before its first choice.
    pub fn start(small: Small, design: Design) -> Self {
        let log = Log::default();
        // One act without a time: it is led, not scripted.
        let script = Script { manner: Manner::default(), acts: vec![(None, Act::LetGo)] };
        let children = Children::new(vec![script], log.clone());
        let mut sim = turmoil::Builder::new()
            .rng_seed(0)
            .tick_duration(Duration::from_millis(1))
            .min_message_latency(Duration::ZERO)
            .max_message_latency(Duration::ZERO)
            .build();
        let kept = children.clone();
        sim.host(RUNNER, move || hosts::serve(kept.clone(), Config::default(), 0));
        let gate = Arc::new(Gate::default());
        let (eyes, before, after) = (Eyes::new(&log, 0, 0), Arc::clone(&gate), Arc::clone(&gate));
        sim.client(CLIENT, async move {
            let id = reader::client().create_box(&BoxRequest::default()).await?.id;
            let is_before = small == Small::Start;
            if is_before {
                before.arrive().await;
            }
            let started = async move {
                if !is_before {
                    after.arrive().await;
                }
            };
            let pause = Duration::ZERO;
            reader::run(design, &id, 0, DrainPolicy::UntilEof, pause, eyes, started).await?;
            Ok(())
        });
        let judge = Judge::new(log.clone(), false);
        let mut run = SmallRun {
            sim,
            small,
            log,
            children,
            acts: small.acts(),
            acted: 0,
            judge,
            done: false,
            steps: 0,
            finished: None,
        };
        while !gate.is_there.load(Ordering::Relaxed) && !run.done {
            run.step();
        }
        run.sim.hold(CLIENT, RUNNER);
        gate.open.notify_one();
        run.step();
        run
    }

    fn step(&mut self) {
        self.log.set_time(self.sim.elapsed());
        self.steps += 1;
        match self.sim.step() {
            Ok(done) => self.done |= done && self.steps > 1,
            Err(error) => {
                self.log.say(super::log::Who::World, format!("a host failed: {error}"));
                let why = "a client failed although its runner is there";
                self.finished = Some(Err(Broken { rule: Rule::C14, why }));
                self.done = true;
            }
        }
    }

    /// What was seen, as text.
    pub fn text(&self) -> String {
        self.log.text()
    }

    fn child(&self) -> Option<Child> {
        self.children.child(0)
    }

    /// The first message of each connection and direction, in the order of their being sent.
    fn messages(&self) -> Vec<(SocketAddr, SocketAddr, String)> {
        let mut heads = Vec::new();
        let mut seen = BTreeSet::new();
        self.sim.links(|links| {
            for link in links {
                for sent in link {
                    let (from, to) = sent.pair();
                    if seen.insert((from, to)) {
                        heads.push((from, to, kind(sent.protocol())));
                    }
                }
            }
        });
        heads
    }

    fn deliver(&self, what: &str) {
        self.sim.links(|links| {
            for link in links {
                for sent in link {
                    let (from, to) = sent.pair();
                    let kind = kind(sent.protocol());
                    if name(from, to, &kind) == what {
                        sent.deliver();
                        return;
                    }
                }
            }
        });
    }
}

/// What a message is, with the bytes that it carries counted.
fn kind(protocol: &Protocol) -> String {
    match protocol {
        Protocol::Tcp(Segment::Data(_, bytes)) => format!("{} bytes", bytes.len()),
        Protocol::Tcp(Segment::Syn(_)) => "connect".to_owned(),
        Protocol::Tcp(Segment::Fin(_)) => "close".to_owned(),
        Protocol::Tcp(Segment::Rst) => "reset".to_owned(),
        Protocol::Udp(_) => "datagram".to_owned(),
    }
}

fn name(from: SocketAddr, to: SocketAddr, kind: &str) -> String {
    format!("{}>{} {kind}", port(from), port(to))
}

/// The client's ports tell connections apart; the runner has one.
fn port(address: SocketAddr) -> String {
    match address.port() {
        80 => "runner".to_owned(),
        port => format!("client:{port}"),
    }
}

impl Run for SmallRun {
    fn choices(&mut self) -> Vec<Choice> {
        if self.done {
            return Vec::new();
        }
        let mut choices = Vec::new();
        for (from, to, kind) in self.messages() {
            let host = if to.port() == 80 { AT_RUNNER } else { AT_CLIENT };
            choices.push(Choice { host, what: name(from, to, &kind) });
        }
        if let Some(child) = self.child() {
            if let Some(act) = self.acts.get(self.acted) {
                choices.push(Choice { host: AT_RUNNER, what: format!("child: {act:?}") });
            }
            for news in child.news() {
                choices.push(Choice { host: AT_RUNNER, what: format!("reactor: {news:?}") });
            }
        }
        choices
    }

    fn take(&mut self, choice: &Choice) {
        let child = self.child();
        if let Some(child) = &child
            && choice.what.starts_with("child: ")
        {
            child.act(&self.acts[self.acted]);
            self.acted += 1;
            for news in child.news() {
                if self.small.prompt().contains(&news) {
                    child.tell(news);
                }
            }
            self.step();
            return;
        }
        let mut news = child.iter().flat_map(Child::news);
        match news.find(|news| choice.what == format!("reactor: {news:?}")) {
            Some(news) => child.iter().for_each(|child| child.tell(news)),
            None => self.deliver(&choice.what),
        }
        self.step();
        // What is left when nobody has a choice is a matter of time, which is not held.
        let mut patience = 10;
        while !self.done && patience > 0 && self.choices().is_empty() {
            self.step();
            patience -= 1;
        }
    }

    fn judge(&mut self) -> Result<(), Broken> {
        if let Some(finished) = self.finished {
            return finished;
        }
        assert!(self.steps < STEPS_MAX, "an order without end: {}", self.log.text());
        self.judge.judge()?;
        if self.choices().is_empty() {
            let finished = self.judge.finish().map(drop);
            self.finished = Some(finished);
            return finished;
        }
        Ok(())
    }
}

/// Where the client waits until messages are held.
#[derive(Default)]
struct Gate {
    is_there: AtomicBool,
    open: Notify,
}

impl Gate {
    async fn arrive(&self) {
        self.is_there.store(true, Ordering::Relaxed);
        self.open.notified().await;
    }
}
