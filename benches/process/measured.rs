//! One run of one peer, and what many of them say.

use std::process::Command;

use crate::{
    child::{LINE, expected},
    peers::Peer,
};

/// One case: what is run, how large, how often.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Bytes, or a number of commands or lines.
    pub(crate) number: u64,
    /// The size at which each byte is hashed, before anything is timed.
    pub(crate) checked: u64,
    pub(crate) rounds: usize,
    pub(crate) unit: Unit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// 10^9 bytes a second: more is better.
    Gigabytes,
    /// 10^3 lines a second: more is better.
    Thousands,
    /// Microseconds for each command: less is better.
    Microseconds,
    /// Seconds for all: less is better.
    Seconds,
}

impl Unit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Unit::Gigabytes => "GB/s",
            Unit::Thousands => "thousand lines/s",
            Unit::Microseconds => "us",
            Unit::Seconds => "s",
        }
    }

    pub(crate) const fn more_is_better(self) -> bool {
        matches!(self, Unit::Gigabytes | Unit::Thousands)
    }

    pub(crate) fn of(self, seconds: f64, number: u64) -> f64 {
        match self {
            Unit::Gigabytes => number as f64 / seconds / 1e9,
            Unit::Thousands => number as f64 / seconds / 1e3,
            Unit::Microseconds => seconds * 1e6 / number as f64,
            Unit::Seconds => seconds,
        }
    }
}

/// Every so many-th byte is hashed while it is timed: the hash is to cost nothing.
const STRIDE: usize = 509;

/// A peer that needs longer for one round is not asked for another, in seconds.
const PATIENCE: f64 = 20.0;

/// What one peer took, over all rounds.
pub(crate) struct Taken {
    pub(crate) peer: &'static str,
    pub(crate) seconds: Vec<f64>,
    /// Processor time of the peer and its children, in each round.
    cpu: Vec<f64>,
    pub(crate) peak_kb: u64,
    /// Times that its main thread went to sleep, in the median round.
    pub(crate) sleeps: u64,
}

impl Taken {
    fn of(peer: &'static str) -> Self {
        Taken { peer, seconds: Vec::new(), cpu: Vec::new(), peak_kb: 0, sleeps: 0 }
    }

    /// The median of the processor time of a round: less moved by what else the machine does.
    pub(crate) fn cpu(&self) -> f64 {
        let mut cpu = self.cpu.clone();
        cpu.sort_by(f64::total_cmp);
        cpu[cpu.len() / 2]
    }

    /// Median, least and most, in the unit of the case.
    pub(crate) fn spread(&self, case: &Case) -> [f64; 3] {
        let mut values: Vec<f64> =
            self.seconds.iter().map(|&each| case.unit.of(each, case.number)).collect();
        values.sort_by(f64::total_cmp);
        [values[values.len() / 2], values[0], values[values.len() - 1]]
    }

    /// How many times the time of `other` it took: the median over the rounds, each by itself, for
    /// what others do on the machine moves both peers of a round.
    pub(crate) fn times(&self, other: &Taken) -> f64 {
        let rounds = self.seconds.iter().zip(&other.seconds);
        let mut ratios: Vec<f64> = rounds.map(|(ours, theirs)| ours / theirs).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }
}

struct Once {
    seconds: f64,
    cpu: f64,
    peak_kb: u64,
    sleeps: u64,
}

/// Runs each peer in turn, so many rounds. A peer that fails is left out, and it is said why.
pub(crate) fn measure(case: &Case, peers: &[Peer]) -> Vec<Taken> {
    let mut taken: Vec<(&Peer, Taken)> = Vec::new();
    for peer in peers.iter().filter(|peer| peer.cases.contains(&case.name)) {
        match once(peer, case, case.checked, 1) {
            Ok(_) => taken.push((peer, Taken::of(peer.name))),
            Err(why) => println!("{}: left out of {}: {why}", peer.name, case.name),
        }
    }
    let mut out = Vec::new();
    for _ in 0..case.rounds {
        for (peer, taken) in &mut taken {
            if out.contains(&peer.name) {
                continue;
            }
            match once(peer, case, case.number, STRIDE) {
                Ok(Once { seconds, cpu, peak_kb, sleeps }) => {
                    taken.seconds.push(seconds);
                    taken.cpu.push(cpu);
                    taken.peak_kb = taken.peak_kb.max(peak_kb);
                    taken.sleeps = sleeps;
                    if seconds > PATIENCE {
                        println!("{}: {seconds:.0} s for one round of {}", peer.name, case.name);
                        out.push(peer.name);
                    }
                }
                Err(why) => {
                    println!("{}: left out of {}: {why}", peer.name, case.name);
                    out.push(peer.name);
                }
            }
        }
    }
    taken.into_iter().map(|(_, taken)| taken).filter(|taken| !taken.seconds.is_empty()).collect()
}

/// One run, whose bytes and hash must be right.
fn once(peer: &Peer, case: &Case, number: u64, stride: usize) -> Result<Once, String> {
    let child = std::env::current_exe().map_err(|error| error.to_string())?;
    let before = processor_time_of_children();
    let ran = Command::new(&peer.argv[0])
        .args(&peer.argv[1..])
        .args([case.name, &number.to_string(), &stride.to_string()])
        .arg(child)
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&ran.stdout);
    let words: Vec<&str> = said.split_whitespace().collect();
    let &[seconds, bytes, hash, peak_kb, sleeps] = words.as_slice() else {
        let errors = String::from_utf8_lossy(&ran.stderr);
        let last = errors.lines().last().unwrap_or_default();
        return Err(format!("it ended with {} and said {said:?}, {last:?}", ran.status));
    };
    let right = match case.name {
        "echo" | "many" => (3 * number, hash_of_echoes(number, stride)),
        "lines" => (number * LINE as u64, expected(number * LINE as u64, stride)),
        _ => (number, expected(number, stride)),
    };
    let parse = |word: &str| word.parse::<u64>().map_err(|_| format!("it said {said:?}"));
    let seen = (parse(bytes)?, parse(hash)?);
    // A peer that loses bytes is not slow, it is wrong.
    assert_eq!(
        seen,
        (right.0, u64::from(right.1)),
        "{}: bytes and hash of {}",
        peer.name,
        case.name
    );
    let seconds = seconds.parse().map_err(|_| format!("it said {said:?}"))?;
    let cpu = processor_time_of_children() - before;
    Ok(Once { seconds, cpu, peak_kb: parse(peak_kb)?, sleeps: parse(sleeps)? })
}

/// Seconds that all children have had a processor, those of children included, in steps of a
/// hundredth (`proc_pid_stat(5)`).
fn processor_time_of_children() -> f64 {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = told.rsplit(") ").next().unwrap_or_default();
    // `cutime` and `cstime` are the fields 16 and 17; the name is the second.
    let ticks: u64 = behind_name
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok())
        .sum();
    ticks as f64 / 100.0
}

fn hash_of_echoes(number: u64, stride: usize) -> u32 {
    let mut sampler = crate::child::Sampler::new(stride);
    for _ in 0..number {
        sampler.take(b"hi\n");
    }
    sampler.hash()
}
