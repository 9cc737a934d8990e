//! Carrying out what the lifecycle asks for: boxes are set up and removed, commands started.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use tokio::time::{Sleep, sleep};

use super::{Call, Order, Report, Runner, record::Record};
use crate::{
    Error, ErrorKind, Execution,
    remote::lifecycle::{BoxId, ExecId},
};

impl Runner {
    pub(super) fn set_up(&self, id: BoxId, anew: bool) {
        let Some(place) = self.place(id) else {
            // A box without a place was never asked for.
            return self.report(Report::SetUpFailed(id, ErrorKind::Internal));
        };
        let doing = self.shared.host.set_up(&place, anew);
        let runner = self.clone();
        tokio::spawn(async move {
            match doing.await {
                Ok(()) => {
                    tracing::info!(id = place.name, image = place.image, "box is up");
                    runner.report(Report::Up(id));
                }
                Err(error) => {
                    tracing::warn!(id = place.name, %error, "box could not be set up");
                    runner.report(Report::SetUpFailed(id, error.kind()));
                }
            }
        });
    }

    pub(super) fn tear_down(&self, id: BoxId) {
        let Some(place) = self.place(id) else { return self.report(Report::TornDown(id)) };
        let doing = self.shared.host.tear_down(&place);
        let runner = self.clone();
        tokio::spawn(async move {
            doing.await;
            runner.report(Report::TornDown(id));
        });
    }

    pub(super) fn remove(&self, id: BoxId) {
        let Some(place) = self.place(id) else { return self.report(Report::Removed(id)) };
        let doing = self.shared.host.remove(&place);
        let runner = self.clone();
        tokio::spawn(async move {
            doing.await;
            runner.state().boxes.remove(&id);
            tracing::info!(id = place.name, "box is gone");
            runner.report(Report::Removed(id));
        });
    }

    pub(super) fn launch(&self, id: ExecId, call: Call, order: &Order) {
        let launched = match self.place(id.home) {
            Some(place) => self.shared.host.launch(&place, order, order.policy),
            None => Err(Error::new(ErrorKind::Internal, "start a command: its box has no place")),
        };
        match launched {
            Ok(execution) => self.launched(id, order, execution),
            Err(error) => {
                tracing::info!(program = order.program, %error, "command refused");
                let kind = error.kind();
                let mut state = self.state();
                state.kept.leave_place();
                if let Some(caller) = state.calls.get_mut(&call) {
                    caller.why = Some(error);
                }
                drop(state);
                self.report(Report::LaunchRefused(id, kind));
            }
        }
    }

    fn launched(&self, id: ExecId, order: &Order, mut execution: Execution) {
        let bound = self.shared.config.bound();
        let beside = (Arc::clone(&self.shared.budget), Arc::clone(&self.shared.left));
        let away_max = self.shared.config.orphan();
        let record = Record::new(id, &mut execution, order.detach, bound, away_max, beside);
        let record = Arc::new(record);
        let name = self.shared.names.of_execution(id);
        tracing::info!(id = name, program = order.program, pid = execution.id(), "started");
        self.shared.metrics.started();
        self.state().kept.insert(Arc::clone(&record));
        self.report(Report::Launched(id));
        let runner = self.clone();
        let task = tokio::spawn(async move { runner.keep(record, execution, name).await });
        self.state().kept.is_kept_by(id, task.abort_handle());
    }

    /// Records an execution to its end, and keeps it for a while.
    async fn keep(&self, record: Arc<Record>, execution: Execution, name: String) {
        let id = record.id;
        self.record_to_end(&record, execution).await;
        let terminal = record.handle.wait().await;
        tracing::info!(id = name, status = %terminal.status, "ended");
        self.shared.metrics.ended(record.extent().0);
        drop(record);
        self.report(Report::Ended(id));
        self.state().kept.has_ended(id);
        sleep(self.shared.config.keep()).await;
        let mut state = self.state();
        if state.kept.expire(id) {
            tracing::debug!(id = name, "expired");
            state.expired(id);
        }
    }

    /// One that is not detached is ended when nobody has been attached for too long.
    async fn record_to_end(&self, record: &Record, execution: Execution) {
        let mut recording = pin!(record.keep(execution));
        let orphan = self.shared.config.orphan();
        let mut grace: Option<(u64, Pin<Box<Sleep>>)> = None;
        poll_fn(|cx| {
            if recording.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Poll::Ready(since) = record.poll_abandoned(cx) else { return Poll::Pending };
            let (_, sleep) = match &mut grace {
                Some(running) if running.0 == since => running,
                other => other.insert((since, Box::pin(sleep(orphan)))),
            };
            if sleep.as_mut().poll(cx).is_ready() && !record.is_shutting_down() {
                tracing::info!(pid = record.handle.id(), "nobody is attached: ending it");
                record.shut_down();
            }
            Poll::Pending
        })
        .await;
    }
}
