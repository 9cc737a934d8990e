//! The hosts of a simulated network: the production runner with children that are no processes, and
//! the way of a client to it.

use std::{
    collections::BTreeMap,
    future::ready,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lastbyte::{
    Error, ErrorKind, Execution, Policy, Streams,
    remote::{
        client::connect::{Connect, Connecting, Io},
        runner::{
            Runner,
            config::Config,
            host::{Doing, Host, Order, Place},
        },
    },
};
use tokio::time::sleep;
use turmoil::net::{TcpListener, TcpStream};

use super::{
    child::{Act, Child, Manner},
    log::{Log, Who},
};

/// The runner's host by name.
pub const RUNNER: &str = "runner";

const PORT: u16 = 80;

/// A child that a command stands for.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// How it is.
    pub manner: Manner,
    /// What it does, each so long after the one before. Without a time it waits to be led.
    pub acts: Vec<(Option<Duration>, Act)>,
}

/// The children that a runner's commands stand for, and those that were started.
#[derive(Clone, Default)]
pub struct Children {
    scripts: Arc<Vec<Script>>,
    started: Arc<Mutex<BTreeMap<usize, Child>>>,
    log: Log,
}

impl Children {
    /// Children that will do this when they are started.
    pub fn new(scripts: Vec<Script>, log: Log) -> Self {
        Children { scripts: Arc::new(scripts), started: Arc::default(), log }
    }

    fn started(&self) -> MutexGuard<'_, BTreeMap<usize, Child>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The child of this number, once it was started.
    pub fn child(&self, number: usize) -> Option<Child> {
        self.started().get(&number).cloned()
    }

    /// Their host has crashed.
    pub fn vanish(&self) {
        self.started().values().for_each(Child::vanish);
    }

    fn start(&self, number: usize, policy: Policy) -> Result<Execution, Error> {
        let Some(script) = self.scripts.get(number) else {
            return Err(Error::new(ErrorKind::CannotSpawn, "start a command: there is none"));
        };
        let child = Child::start(number, script.manner.clone(), self.log.clone());
        let execution = Execution::on_backend(child.backend(), Streams::Separate, policy)?;
        self.started().insert(number, child.clone());
        let timed: Option<Vec<(Duration, Act)>> =
            script.acts.iter().map(|(after, act)| Some(((*after)?, act.clone()))).collect();
        if let Some(timed) = timed {
            tokio::spawn(async move {
                for (after, act) in timed {
                    sleep(after).await;
                    child.act(&act);
                    child.tell_all();
                }
            });
        }
        Ok(execution)
    }
}

/// The machine that the runner runs on.
struct Machine(Children);

impl Host for Machine {
    fn set_up(&self, _: &Place, _: bool) -> Doing<Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn launch(&self, _: &Place, order: &Order, policy: Policy) -> Result<Execution, Error> {
        let number = order.program.parse().unwrap_or(usize::MAX);
        self.0.start(number, policy)
    }

    fn tear_down(&self, _: &Place) -> Doing<()> {
        Box::pin(ready(()))
    }

    fn remove(&self, _: &Place) -> Doing<()> {
        Box::pin(ready(()))
    }
}

/// The software of the runner's host: the production runner, of one life.
///
/// # Errors
///
/// The network's, when it cannot listen.
pub async fn serve(children: Children, config: Config, life: usize) -> turmoil::Result {
    let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    children.log.say(Who::World, format!("the runner begins its life {life}"));
    let runner = Runner::new(config, None, &life.to_string(), Machine(children));
    loop {
        let (stream, _) = listener.accept().await?;
        let runner = runner.clone();
        tokio::spawn(async move { runner.serve_connection(stream).await });
    }
}

/// The way of a client to the runner.
#[derive(Clone, Copy, Debug)]
pub struct Way;

impl Way {
    /// A connection.
    ///
    /// # Errors
    ///
    /// The network's.
    pub async fn stream(self) -> io::Result<TcpStream> {
        TcpStream::connect((RUNNER, PORT)).await
    }
}

impl Connect for Way {
    fn connect(&self) -> Connecting {
        Box::pin(async move { Ok(Box::new(Way.stream().await?) as Box<dyn Io>) })
    }

    fn authority(&self) -> String {
        RUNNER.to_owned()
    }
}
