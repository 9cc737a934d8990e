//! How the cost of a simulated network grows: with its hosts, and with the executions on each.
//!
//! `cargo bench -p lastbyte-sim --bench cluster`. One thread, one runner, no faults. Every reader of
//! every execution is judged, and must have had all of it. Each cluster is run three times, and the
//! shortest time is told; no time is asserted.
#![expect(clippy::expect_used, reason = "a cluster that does not run is no measurement")]

use std::{
    future::ready,
    time::{Duration, Instant},
};

use lastbyte::{
    DrainPolicy,
    machine::{Status, StreamId},
    remote::{
        runner::config::{Config, Share},
        wire::BoxRequest,
    },
};
use lastbyte_sim::network::{
    child::{Act, Manner},
    hosts::{self, Children, RUNNER, Script},
    judge::Judge,
    log::Log,
    reader::{self, Design, Eyes},
};
use tokio::task::JoinSet;

const RUNS: usize = 3;

/// Each child writes so often, so much, so long after the last time.
const WRITES: usize = 10;
const BYTES: usize = 80;
const APART: Duration = Duration::from_millis(7);

/// Hosts with clients, and the executions of each.
const CLUSTERS: [(usize, usize); 12] = [
    (1, 1),
    (1, 4),
    (1, 16),
    (1, 64),
    (1, 256),
    (1, 1024),
    (4, 256),
    (16, 64),
    (64, 16),
    (256, 4),
    (16, 4),
    (64, 1),
];

fn main() {
    println!("| hosts | executions | virtual s | steps | real ms | us an execution |");
    println!("|---|---|---|---|---|---|");
    for (clients, each) in CLUSTERS {
        let runs = (0..RUNS).map(|_| cluster(clients, each));
        let shortest = runs.min_by_key(|ran| ran.real).expect("it was run");
        let Ran { took, steps, real } = shortest;
        let all = clients * each;
        let (ms, us) = (real.as_secs_f64() * 1e3, real.as_secs_f64() * 1e6 / all as f64);
        let took = took.as_secs_f64();
        println!("| {} | {all} | {took:.2} | {steps} | {ms:.1} | {us:.0} |", clients + 1);
    }
}

/// What a run took.
struct Ran {
    took: Duration,
    steps: u64,
    real: Duration,
}

fn cluster(clients: usize, each: usize) -> Ran {
    let log = Log::default();
    let children = Children::new(vec![script(); clients * each], log.clone());
    let mut sim = turmoil::Builder::new()
        .rng_seed(1)
        .tick_duration(Duration::from_millis(5))
        .simulation_duration(Duration::from_secs(600))
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::from_millis(10))
        .tcp_capacity(64 * 1024)
        .build();
    sim.host(RUNNER, move || hosts::serve(children.clone(), config(), 0));
    for client in 0..clients {
        let log = log.clone();
        sim.client(format!("client-{client}"), run(client * each..(client + 1) * each, log));
    }
    let mut judge = Judge::new(log.clone(), false);
    let (began, mut steps) = (Instant::now(), 0);
    loop {
        log.set_time(sim.elapsed());
        let over = sim.step().expect("no host fails");
        judge.judge().expect("no rule is broken");
        steps += 1;
        if over {
            break;
        }
    }
    let endings = judge.finish().expect("nothing is missing");
    let real = began.elapsed();
    assert_eq!(endings.complete, (clients * each) as u64, "each reader had all");
    Ran { took: sim.elapsed(), steps, real }
}

/// What one host does: starts each of these children's commands in a box of its own, and reads it.
async fn run(children: std::ops::Range<usize>, log: Log) -> turmoil::Result {
    let id = reader::client().create_box(&BoxRequest::default()).await?.id;
    let mut reading = JoinSet::new();
    for child in children {
        let (id, eyes) = (id.clone(), Eyes::new(&log, child, 0));
        reading.spawn(async move {
            let (drain, pause) = (DrainPolicy::default(), Duration::ZERO);
            reader::run(Design::Lastbyte, &id, child, drain, pause, eyes, ready(())).await
        });
    }
    while let Some(read) = reading.join_next().await {
        read??;
    }
    Ok(())
}

fn script() -> Script {
    let write = (Some(APART), Act::Write(StreamId::Stdout, vec![b'x'; BYTES]));
    let exit = (Some(APART), Act::Exit(Status::Exited { code: 0 }));
    let acts = std::iter::repeat_n(write, WRITES).chain([exit]).collect();
    Script { manner: Manner::default(), acts }
}

/// A runner with room for all.
fn config() -> Config {
    let total = Share { cpus: 1 << 20, memory_mib: 1 << 40, disk_size_gb: 1 << 40 };
    Config { total, ..Config::default() }
}
