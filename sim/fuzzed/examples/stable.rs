//! A fuzzer for any compiler: `cargo run -p lastbyte-fuzzed --example stable -- TARGET [RUNS] [SEED]`
//! changes inputs of the corpus by chance. It does not see what they reach, as libFuzzer does: it
//! finds what is near. An input that fails is written down, and said how to run again.

use std::{env, fs, panic, path::Path, process::ExitCode};

use lastbyte_fuzzed::{TARGETS, seeds::seeds};
use lastbyte_sim::vectors::store;

/// Longer inputs show nothing else.
const LONGEST: usize = 4096;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    let number = |place: usize, usual: u64| args.get(place).map_or(Ok(usual), |it| it.parse());
    let target = TARGETS.iter().find(|(name, _)| args.get(1).is_some_and(|it| it == name));
    let (Some((name, run)), Ok(runs), Ok(seed)) = (target, number(2, 100_000), number(3, 1)) else {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("stable: name a target, and perhaps runs and a seed: {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    match fuzz(name, *run, runs, Chance(seed)) {
        Ok(()) => {
            println!("{name}: {runs} runs, nothing found");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("stable: {why}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(name: &str, run: fn(&[u8]), runs: u64, mut chance: Chance) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let vectors = store::read(&root.join("vectors")).map_err(|error| error.to_string())?;
    let mut inputs: Vec<Vec<u8>> =
        seeds(&vectors).into_iter().filter(|(of, _)| *of == name).map(|(_, bytes)| bytes).collect();
    let kept = fs::read_dir(root.join("fuzz/corpus").join(name));
    inputs.extend(kept.into_iter().flatten().flatten().filter_map(|it| fs::read(it.path()).ok()));
    for number in 1..=runs {
        let input = chance.changed(&inputs);
        if panic::catch_unwind(|| run(&input)).is_err() {
            let path = env::temp_dir().join(format!("lastbyte-{name}-{number}"));
            fs::write(&path, &input).map_err(|error| error.to_string())?;
            return Err(format!(
                "run {number} fails; again: put {} into fuzz/corpus/{name}, and \
                 `cargo test -p lastbyte-fuzzed`",
                path.display()
            ));
        }
    }
    Ok(())
}

/// A sequence of numbers from a seed (splitmix64, Steele et al., OOPSLA 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a>(&mut self, inputs: &'a [Vec<u8>]) -> &'a [u8] {
        inputs.get(self.below(inputs.len())).map_or(&[], Vec::as_slice)
    }

    /// One of the inputs with a few changes.
    fn changed(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(inputs).to_vec();
        for _change in 0..=self.below(8) {
            let at = self.below(input.len());
            match self.below(7) {
                0 | 1 if !input.is_empty() => input[at] = self.next() as u8,
                2 if !input.is_empty() => input[at] ^= 1 << self.below(8),
                3 => input.insert(at, self.next() as u8),
                4 if !input.is_empty() => {
                    let end = (at + self.below(8)).min(input.len());
                    input.drain(at..end);
                }
                5 => {
                    // From one input into another.
                    let other = self.pick(inputs);
                    let from = self.below(other.len());
                    let to = (from + self.below(64)).min(other.len());
                    input.splice(at..at, other[from..to].iter().copied());
                }
                // Numbers at the edges, as they are written.
                _ => {
                    let edges = ["18446744073709551615", "0", "-1", "9223372036854775808", "1e99"];
                    let edge = edges[self.below(edges.len())];
                    let digits = input[at..].iter().take_while(|it| it.is_ascii_digit()).count();
                    input.splice(at..at + digits, edge.bytes());
                }
            }
        }
        input.truncate(LONGEST);
        input
    }
}
