//! The runner: boxes and executions on this machine, for whoever is at the other end of HTTP.
//!
//! [`Runner`] drives [`Lifecycle`]: it makes one step for everything that happens and carries out
//! what follows. It decides nothing about boxes and nothing about output; the first is decided
//! there, the second in each execution's own machine.

mod actions;
mod attach;
mod auth;
mod boxes;
mod budget;
pub mod config;
mod executions;
mod fault;
mod first;
pub mod host;
mod input;
mod kept;
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
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

pub use auth::Token;
use budget::Budget;
use config::Config;
use host::{Host, Order, Place};
use kept::Kept;
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
    budget: Arc<Budget>,
    /// Told when somebody who read an execution's output has gone.
    left: Arc<Notify>,
    state: Mutex<State>,
}

struct State {
    lifecycle: Lifecycle,
    next_call: u64,
    next_request: u64,
    calls: BTreeMap<Call, Caller>,
    boxes: BTreeMap<BoxId, Arc<Place>>,
    kept: Kept,
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
        let budget = Arc::new(Budget::new(config.retain_total_bytes));
        let state = State {
            lifecycle: Lifecycle::new(config.limits()),
            next_call: 0,
            next_request: 0,
            calls: BTreeMap::new(),
            boxes: BTreeMap::new(),
            kept: Kept::new(config.kept_executions_max as usize, Arc::clone(&budget)),
        };
        Runner {
            shared: Arc::new(Shared {
                config,
                token,
                names: Names::new(life),
                host: Box::new(host),
                metrics: Metrics::default(),
                connections: Connections::default(),
                budget,
                left: Arc::default(),
                state: Mutex::new(state),
            }),
        }
    }

    /// Ends everything: refuses what is new, ends every execution, removes every box. Returns when
    /// nothing is left; every waiter has been resolved (C13).
    ///
    /// # Cancel safety
    ///
    /// Once polled the shutdown goes on without it.
    pub async fn shutdown(&self) {
        tracing::info!("shutting down");
        let _nothing_left = self.ask(Request::Shutdown, Beside::Nothing, "shut down").await;
        tracing::info!("nothing is left");
    }

    /// Waits until nobody who has begun to read an execution's output lacks the rest, at most this
    /// long. For after a [shutdown](Runner::shutdown): no more output is to come.
    ///
    /// # Cancel safety
    ///
    /// Dropping it affects nobody.
    pub async fn output_read(&self, max: Duration) {
        let read = async {
            loop {
                let left = self.shared.left.notified();
                let mut left = pin!(left);
                left.as_mut().enable();
                if !self.state().kept.is_any_half_read() {
                    return;
                }
                left.await;
            }
        };
        if timeout(max, read).await.is_err() {
            tracing::warn!("somebody has not read an execution's output to its end");
        }
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
            if let Request::Exec(_) = request {
                state.take_place()?;
            }
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
        self.state().kept.get(id)
    }
}

impl State {
    fn step(&mut self, input: Input) -> Vec<Action> {
        self.lifecycle.step(input).unwrap_or_else(|illegal| {
            tracing::error!(%illegal, "the lifecycle refused a report");
            Vec::new()
        })
    }

    /// A place among what is kept for one more execution.
    fn take_place(&mut self) -> Result<(), Error> {
        for id in self.kept.take_place()? {
            self.expired(id);
        }
        Ok(())
    }

    /// An ended execution is no longer kept. Its box may have gone before.
    fn expired(&mut self, id: ExecId) {
        if self.lifecycle.find(id).is_ok() {
            self.step(Input::Report(Report::Expired(id)));
        }
    }

    /// Files what came with a request under what the lifecycle has made of it. Returns the order
    /// to launch, if there is one.
    fn adopt(&mut self, actions: &[Action], beside: Beside, names: &Names) -> Option<Box<Order>> {
        match beside {
            Beside::Nothing => None,
            Beside::Exec(order) => {
                if actions.iter().any(|action| matches!(action, Action::Launch(_))) {
                    return Some(order);
                }
                self.kept.leave_place();
                None
            }
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
