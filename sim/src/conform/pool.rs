//! Asks all vectors of as many shims as there are jobs, and starts a new one where one fails.

use std::{
    ffi::OsString,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread::scope,
    time::Duration,
};

use super::{Outcomes, Trouble, Verdict, judge, shim::Shim};
use crate::vectors::Vector;

/// A worker starts no new shim after so many that failed to answer.
const TROUBLES_MAX: usize = 5;

/// How vectors are asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The shim and its arguments.
    pub shim: Vec<OsString>,
    /// Shims at once, at least 1.
    pub jobs: usize,
    /// For one answer.
    pub bound: Duration,
    /// For the first answer of all, before which a shim may build itself.
    pub first: Duration,
}

/// Asks each vector, and tells `watch` of each answer.
///
/// # Errors
///
/// What to tell the user: the shim cannot be started.
pub fn ask(
    vectors: Vec<Vector>,
    asking: &Asking,
    watch: &(dyn Fn() + Sync),
) -> Result<Outcomes, String> {
    let next = AtomicUsize::new(0);
    let jobs = asking.jobs.clamp(1, vectors.len().max(1));
    let work = || work(&vectors, &next, asking, watch);
    let done: Vec<Result<Done, String>> = scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| worker.join();
        workers
            .into_iter()
            .map(|worker| join(worker).unwrap_or_else(|it| resume_unwind(it)))
            .collect()
    });
    let mut verdicts = vec![Verdict::NotAsked; vectors.len()];
    let mut outcomes = Outcomes::default();
    for done in done {
        let Done { judged, ending } = done?;
        judged.into_iter().for_each(|(place, verdict)| verdicts[place] = verdict);
        outcomes.endings.extend(ending);
    }
    outcomes.all = vectors.into_iter().zip(verdicts).collect();
    Ok(outcomes)
}

#[derive(Default)]
struct Done {
    judged: Vec<(usize, Verdict)>,
    ending: Option<String>,
}

fn work(
    vectors: &[Vector],
    next: &AtomicUsize,
    asking: &Asking,
    watch: &(dyn Fn() + Sync),
) -> Result<Done, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("failed to start a runtime: {error}"))?;
    runtime.block_on(async {
        let mut done = Done::default();
        let mut troubles = 0;
        let mut bound = asking.first.max(asking.bound);
        let mut shim = Shim::start(&asking.shim, asking.bound)?;
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(vector) = vectors.get(place) else { break };
            let verdict = match shim.ask(&judge::question(vector), bound).await {
                Ok(answer) => judge::judge(vector, &answer),
                Err(trouble) => Verdict::Trouble(trouble),
            };
            // What is started anew has been built.
            bound = asking.bound;
            let failed = matches!(verdict, Verdict::Trouble(_));
            done.judged.push((place, verdict));
            watch();
            if failed {
                shim.close().await;
                troubles += 1;
                if troubles == TROUBLES_MAX {
                    return Ok(done);
                }
                shim = Shim::start(&asking.shim, asking.bound)?;
            }
        }
        done.ending = shim.finish().await.err();
        Ok(done)
    })
}

impl Outcomes {
    /// How often the shim failed to answer, by what it did instead.
    pub fn troubles(&self) -> impl Iterator<Item = (&Vector, &Trouble)> {
        self.all.iter().filter_map(|(vector, verdict)| match verdict {
            Verdict::Trouble(trouble) => Some((vector, trouble)),
            Verdict::Passed | Verdict::Differs(_) | Verdict::NotAsked => None,
        })
    }
}
