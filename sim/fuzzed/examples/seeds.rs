//! Writes the seeds of the fuzzers: `cargo run -p lastbyte-fuzzed --example seeds -- DIR` makes a
//! folder for each target in DIR, with a file for each seed. What is there already is kept.

use std::{env, fs, path::Path, process::ExitCode};

use lastbyte_fuzzed::seeds::seeds;
use lastbyte_sim::vectors::store;

fn main() -> ExitCode {
    match write() {
        Ok(count) => {
            println!("{count} seeds");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("seeds: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<usize, Box<dyn std::error::Error>> {
    let folder =
        env::args_os().nth(1).ok_or("no folder is named; name one, such as fuzz/corpus")?;
    let vectors = store::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors"))?;
    let seeds = seeds(&vectors);
    for (target, bytes) in &seeds {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name(bytes)), bytes)?;
    }
    Ok(seeds.len())
}

/// FNV-1a.
fn name(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
