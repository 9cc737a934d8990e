//! The runner: boxes and executions on this machine, for whoever is at the other end of HTTP.
//!
//! [`Runner`] drives [`Lifecycle`]: it makes one step for everything that happens and carries out
//! what follows. It decides nothing about boxes and nothing about output; the first is decided
//! there, the second in each execution's own machine.

mod actions;
mod attach;
mod auth;
mod boxes;
pub mod config;
mod executions;
mod fault;
pub mod host;
mod input;
mod listen;
pub mod local;
mod metrics;
mod names;
mod output;
mod record;
mod requests;
mod retained;
mod routes;
mod serve;
mod stdin;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::oneshot, task::AbortHandle};

pub use auth::Token;
use config::Config;
use host::{Host, Order, Place};
pub use listen::Listener;
use metrics::Metrics;
use names::Names;
use record::Record;
pub use routes::OPENAPI;
use serve::Connections;

use super::lifecycle::{
    Action, BoxId, Call, Done, ExecId, Input, Lifecycle, Refusal, Report, Request,
};
use crate::{Error, ErrorKind};

/// A runner. Clones are the same one.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    token: Option<Token>,
    names: Names,
    host: Box<dyn Host>,
    metrics: Metrics,
    connections: Connections,
    state: Mutex<State>,
}

struct State {
    lifecycle: Lifecycle,
    next_call: u64,
    next_request: u64,
    calls: BTreeMap<Call, Caller>,
    boxes: BTreeMap<BoxId, Arc<Place>>,
    records: BTreeMap<ExecId, Kept>,
}

/// A record, and the task that keeps it.
struct Kept {
    record: Arc<Record>,
    keeper: Option<AbortHandle>,
}

/// Somebody who waits for an answer of the lifecycle.
struct Caller {
    answer: oneshot::Sender<Result<Done, Error>>,
    /// What he is doing; reads after "failed to".
    op: String,
    /// Why his command could not be started, where the refusal says only its kind.
    why: Option<Error>,
}

/// What comes with a request that the lifecycle does not look at.
enum Beside {
    Nothing,
    Box(Place),
    Exec(Box<Order>),
}

impl Runner {
    /// A runner on this host. Without a token it asks nobody who he is. `life` tells its boxes and
    /// executions from those of every other runner on the host, one before a restart included:
    /// letters and digits.
    pub fn new(config: Config, token: Option<Token>, life: &str, host: impl Host) -> Self {
        let state = State {
            lifecycle: Lifecycle::new(config.limits()),
            next_call: 0,
            next_request: 0,
            calls: BTreeMap::new(),
            boxes: BTreeMap::new(),
            records: BTreeMap::new(),
        };
        Runner {
            shared: Arc::new(Shared {
                config,
                token,
                names: Names::new(life),
                host: Box::new(host),
                metrics: Metrics::default(),
                connections: Connections::default(),
                state: Mutex::new(state),
            }),
        }
    }

    /// Ends everything: refuses what is new, ends every execution, removes every box. Returns when
    /// nothing is left; every waiter has been resolved (C13).
    pub async fn shutdown(&self) {
        tracing::info!("shutting down");
        let _nothing_left = self.ask(Request::Shutdown, Beside::Nothing, "shut down").await;
        tracing::info!("nothing is left");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the lifecycle, and waits for its one answer. Whoever drops this has asked all the
    /// same.
    async fn ask(&self, request: Request, beside: Beside, op: &str) -> Result<Done, Error> {
        let (answer, answered) = oneshot::channel();
        let (actions, order) = {
            let mut state = self.state();
            let call = Call(state.next_call);
            state.next_call += 1;
            state.calls.insert(call, Caller { answer, op: op.to_owned(), why: None });
            let actions = state.step(Input::Request(call, request));
            let order = state.adopt(&actions, beside, &self.shared.names);
            (actions, order.map(|order| (call, order)))
        };
        self.carry_out(actions, order);
        answered.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Internal, format!("{op}: no answer from the lifecycle")))
        })
    }

    fn report(&self, report: Report) {
        let actions = self.state().step(Input::Report(report));
        self.carry_out(actions, None);
    }

    /// Carries out what follows from a step, in its order.
    fn carry_out(&self, actions: Vec<Action>, mut order: Option<(Call, Box<Order>)>) {
        for action in actions {
            match action {
                Action::SetUp { id, anew } => self.set_up(id, anew),
                Action::Launch(id) => {
                    if let Some((call, order)) = order.take() {
                        self.launch(id, call, &order);
                    }
                }
                Action::Kill(id) => {
                    if let Some(record) = self.record(id) {
                        record.shut_down();
                    }
                }
                Action::TearDown(id) => self.tear_down(id),
                Action::BoxEnded(id) => {
                    tracing::info!(id = self.shared.names.of_box(id), "box ended");
                }
                Action::Remove(id) => self.remove(id),
                Action::Reply { call, answer } => self.reply(call, answer),
            }
        }
    }

    fn reply(&self, call: Call, answer: Result<Done, Refusal>) {
        let Some(caller) = self.state().calls.remove(&call) else { return };
        let Caller { answer: sender, op, why } = caller;
        let answer = answer.map_err(|refusal| match (refusal, why) {
            (Refusal::NotStarted(_), Some(why)) => why,
            (refusal, _) => refusal.error(&op),
        });
        // A caller who has gone needs no answer.
        let _answered = sender.send(answer);
    }

    fn place(&self, id: BoxId) -> Option<Arc<Place>> {
        self.state().boxes.get(&id).cloned()
    }

    fn record(&self, id: ExecId) -> Option<Arc<Record>> {
        self.state().records.get(&id).map(|kept| Arc::clone(&kept.record))
    }
}

impl State {
    fn step(&mut self, input: Input) -> Vec<Action> {
        self.lifecycle.step(input).unwrap_or_else(|illegal| {
            tracing::error!(%illegal, "the lifecycle refused a report");
            Vec::new()
        })
    }

    /// Files what came with a request under what the lifecycle has made of it. Returns the order
    /// to launch, if there is one.
    fn adopt(&mut self, actions: &[Action], beside: Beside, names: &Names) -> Option<Box<Order>> {
        match beside {
            Beside::Nothing => None,
            Beside::Exec(order) => Some(order),
            Beside::Box(mut place) => {
                let made = actions.iter().find_map(|action| match action {
                    Action::SetUp { id, .. } => Some(*id),
                    Action::Launch(_)
                    | Action::Kill(_)
                    | Action::TearDown(_)
                    | Action::BoxEnded(_)
                    | Action::Remove(_)
                    | Action::Reply { .. } => None,
                });
                if let Some(id) = made {
                    place.name = names.of_box(id);
                    self.boxes.insert(id, Arc::new(place));
                }
                None
            }
        }
    }
}
