//! System calls that a long output costs whoever reads it, counted by `strace -c`.

use core::fmt::Write;
use std::process::Command;

use crate::peers::Peer;

/// For each peer how many there were in its main thread, for each MiB. Without strace one line
/// that says so.
pub(crate) fn table(peers: &[Peer], bytes: u64) -> String {
    let mut text = String::from("\n## System calls of the thread that reads, for each MiB\n\n");
    text.push_str("| peer | calls | of them reads | of them waits |\n|---|---|---|---|\n");
    let mib = bytes as f64 / (1024.0 * 1024.0);
    for peer in peers.iter().filter(|peer| peer.cases.contains(&"stream")) {
        match count(peer, bytes) {
            Ok(Counted { all, reads, waits }) => {
                let [all, reads, waits] = [all, reads, waits].map(|calls| calls as f64 / mib);
                let _row = writeln!(text, "| {} | {all:.2} | {reads:.2} | {waits:.2} |", peer.name);
            }
            Err(why) => {
                let _row = writeln!(text, "\nnot counted: {why}");
                return text;
            }
        }
    }
    text
}

struct Counted {
    all: u64,
    reads: u64,
    waits: u64,
}

fn count(peer: &Peer, bytes: u64) -> Result<Counted, String> {
    let child = std::env::current_exe().map_err(|error| error.to_string())?;
    let ran = Command::new("strace")
        // Without -f: neither the child nor other threads.
        .args(["-c", "-U", "calls,name", "--"])
        .args(&peer.argv)
        .args(["stream", &bytes.to_string(), "509"])
        .arg(child)
        .output()
        .map_err(|error| format!("`strace` does not start: {error}"))?;
    if !ran.status.success() {
        return Err(format!("`strace` ended with {}", ran.status));
    }
    let report = String::from_utf8_lossy(&ran.stderr).into_owned();
    let calls = |name: &str| {
        let lines = report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let found = lines.filter_map(|words| match words.as_slice() {
            [calls, found] if *found == name => calls.parse::<u64>().ok(),
            _ => None,
        });
        found.sum::<u64>()
    };
    let waits = ["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "futex"];
    Ok(Counted {
        all: calls("total"),
        reads: calls("read") + calls("readv"),
        waits: waits.into_iter().map(calls).sum(),
    })
}
