//! What the ordering core costs by itself: a step, a chunk, an execution that waits.
//!
//! `cargo bench --bench ordering` prints a table; `--quick` takes two seconds. With
//! `--features capi` the queue of the C ABI is measured too. It asserts what is delivered and
//! that no step allocates, and no time.
//!
//! `--once machine N` and `--once core N` make N rounds and print nothing: for counting their
//! instructions, as `.ci/instructions` does.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on fails")]

mod allocations;
mod executions;
#[cfg(feature = "capi")]
mod queue;
mod steps;

use std::time::Duration;

#[global_allocator]
static COUNTING: allocations::Counting = allocations::Counting;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(place) = words.iter().position(|word| word == "--once") {
        let what = words.get(place + 1).map(String::as_str);
        let rounds = words.get(place + 2).and_then(|word| word.parse().ok());
        return once(what.unwrap_or_default(), rounds.unwrap_or(1));
    }
    #[cfg(feature = "capi")]
    if let Some(place) = words.iter().position(|word| word == "--packets") {
        let packets = words.get(place + 1).and_then(|word| word.parse().ok());
        return queue::write_packets(packets.expect("a number of packets"));
    }
    let quick = words.iter().any(|word| word == "--quick");
    let rounds = if quick { 100_000 } else { 400_000 };
    println!("{:44} {:>10} {:>10} {:>10}", "", "median", "least", "to reach");
    row("machine: a step, bytes of no owner", steps::machine_of_lengths(rounds), "15 ns");
    row("machine: a step, reference-counted bytes", steps::machine_of_data(rounds), "15 ns");
    row("core: a chunk through push and drain", steps::core(rounds), "40 ns");
    row("core: the same, a consumer that polls", steps::polled_core(rounds), "40 ns");
    executions::idle();
    executions::live(if quick { 10_000 } else { 100_000 });
    #[cfg(feature = "capi")]
    queue::events(if quick { 50_000 } else { 1_000_000 });
    #[cfg(not(feature = "capi"))]
    println!("queue of the C ABI: not measured; add `--features capi`");
}

/// Rounds of 16 chunks through one of them, for whoever counts instructions.
fn once(what: &str, rounds: u64) {
    match what {
        "machine" => steps::Lengths::new().rounds(rounds),
        "core" => steps::Shared::new().rounds(rounds),
        _ => {
            eprintln!("--once {what}: nothing of this name; say `machine` or `core`");
            std::process::exit(2);
        }
    }
}

/// Nanoseconds of one thing, in each of several samples.
struct Samples(Vec<f64>);

/// How many samples are taken.
const SAMPLES: usize = 11;

/// Times `work`, which does `count` things, several times over: processor time, so that it is the
/// same when others want the processor too.
fn sample(count: u64, mut work: impl FnMut()) -> Samples {
    work();
    let mut samples: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let began = processor_time();
            work();
            (processor_time() - began).as_secs_f64() * 1e9 / count as f64
        })
        .collect();
    samples.sort_by(f64::total_cmp);
    Samples(samples)
}

/// How long this thread has had a processor.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let first = told.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(first.expect("a number"))
}

fn row(name: &str, Samples(samples): Samples, to_reach: &str) {
    let (median, least) = (samples[SAMPLES / 2], samples[0]);
    println!("{name:44} {median:>7.1} ns {least:>7.1} ns {to_reach:>10}");
}
