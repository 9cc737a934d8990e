//! Running commands, side by side with everybody else who runs commands, in one run.
//!
//! `cargo bench --bench process` takes some twelve minutes; `-- --quick` one. Peers take turns, and
//! each is a process of its own; medians with their spread go to `target/bench-process.md` and
//! `target/bench-process.svg`. Every byte is counted, in every run; a first run of each peer hashes
//! every byte, timed runs every 509th. No time is asserted.
//!
//! `-- --only CASE` is one of stream, collect, echo, many, lines, syscalls; `-- --growth` shows how
//! the cost of `lastbyte` grows instead.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on fails")]

mod child;
mod growth;
mod measured;
mod peers;
mod plot;
mod rust;
mod syscalls;
mod table;

use std::fs;

use measured::{Case, Unit};

const MIB: u64 = 1024 * 1024;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--write", bytes] => child::write_long(number(bytes)).expect("it is read"),
        ["--lines", lines] => {
            child::write(number(lines) * child::LINE as u64, child::LINE).expect("it is read");
        }
        ["--peer", peer, what, count, stride, child] => {
            let stride = stride.parse().expect("a stride");
            let (what, child) = ((*what).to_owned(), (*child).to_owned());
            let task = rust::Task { what, number: number(count), stride, child };
            rust::run(peer, &task).expect("it says what it took");
        }
        options => compare(options),
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

fn cases(quick: bool) -> Vec<Case> {
    let sized = |name, title, unit, full: (u64, usize), small: (u64, usize), checked| {
        let (number, rounds) = if quick { small } else { full };
        Case { name, title, number, checked, rounds, unit }
    };
    let long = (2048 * MIB, 5);
    vec![
        sized(
            "stream",
            "One long output, both streams piped, bytes consumed in order",
            Unit::Gigabytes,
            long,
            (256 * MIB, 3),
            16 * MIB,
        ),
        sized(
            "collect",
            "One long output, collected",
            Unit::Gigabytes,
            (2048 * MIB, 3),
            (128 * MIB, 3),
            16 * MIB,
        ),
        sized(
            "echo",
            "`echo`, both streams piped, one after the other",
            Unit::Microseconds,
            (1000, 5),
            (100, 3),
            10,
        ),
        sized(
            "many",
            "Commands at once, each a second long, all started at once",
            Unit::Seconds,
            (2000, 3),
            (100, 1),
            10,
        ),
        sized(
            "lines",
            "Lines, one unbuffered write each",
            Unit::Thousands,
            (1_000_000, 5),
            (100_000, 3),
            1000,
        ),
    ]
}

fn compare(options: &[&str]) {
    raise_limit();
    let only = options.iter().position(|&word| word == "--only");
    let only = only.and_then(|place| options.get(place + 1));
    let quick = options.contains(&"--quick");
    let target = peers::target();
    let peers = peers::here(&target);
    if options.contains(&"--growth") {
        return growth::show(&peers, quick);
    }
    let mut results = Vec::new();
    let mut text = String::new();
    for case in cases(quick) {
        if only.is_some_and(|&only| only != case.name) {
            continue;
        }
        let taken = measured::measure(&case, &peers);
        let table = table::of_case(&case, &taken);
        println!("{table}");
        text.push_str(&table);
        results.push((case, taken));
    }
    if only.is_none_or(|&only| only == "syscalls") {
        let table = syscalls::table(&peers, if quick { 64 * MIB } else { 256 * MIB });
        println!("{table}");
        text.push_str(&table);
    }
    let written = target.join("bench-process.md");
    fs::write(&written, text).expect("target can be written");
    fs::write(target.join("bench-process.svg"), plot::svg(&results)).expect("and once more");
    println!("written: {} and bench-process.svg beside it", written.display());
}

/// Two thousand commands have four thousand pipes.
fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current: _, maximum } = getrlimit(Resource::Nofile);
    let most = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, most).expect("up to the hard limit");
}
