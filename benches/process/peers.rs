//! Who is measured: each peer is a program that does one case and prints what it took.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One peer that can run here.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The program and its first arguments; the case follows.
    pub(crate) argv: Vec<String>,
    /// The cases that it has.
    pub(crate) cases: &'static [&'static str],
}

const ALL: &[&str] = &["stream", "collect", "echo", "many", "lines"];
const ONE: &[&str] = &["stream", "collect", "echo", "lines"];

/// All that can run here. Says of the others why they cannot.
pub(crate) fn here(target: &Path) -> Vec<Peer> {
    let mut peers = Vec::new();
    let me = std::env::current_exe().expect("a program").to_string_lossy().into_owned();
    let mut rust = |name, cases| {
        peers.push(Peer {
            name,
            argv: vec![me.clone(), "--peer".to_owned(), name.to_owned()],
            cases,
        });
    };
    rust("lastbyte", ALL);
    rust("lastbyte::blocking", ONE);
    rust("tokio", ALL);
    rust("std", ONE);
    rust("async-process", ONE);
    rust("duct", ONE);
    let source = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/process");
        folder.join(name).to_string_lossy().into_owned()
    };
    let built = |name: &str| target.join(name).to_string_lossy().into_owned();
    let c = built("bench-peer-c");
    if runs("C", "cc", &["-O2", "-o", &c, &source("peer.c")]) {
        peers.push(Peer { name: "C", argv: vec![c.clone(), "default".to_owned()], cases: ONE });
        let argv = vec![c, "big".to_owned()];
        peers.push(Peer { name: "C, 1 MiB pipe", argv, cases: &["stream", "collect", "lines"] });
    }
    let go = built("bench-peer-go");
    // Go that is there, or else the one that its port has installed or installs.
    let with_go = Path::new(env!("CARGO_MANIFEST_DIR")).join("ports/go/with-go");
    if runs("Go", &with_go.to_string_lossy(), &["go", "build", "-o", &go, &source("peer.go")]) {
        peers.push(Peer { name: "Go", argv: vec![go, "exec".to_owned()], cases: ALL });
    }
    if runs("Python", "python3", &["--version"]) {
        for (name, kind, cases) in
            [("Python", "subprocess", ONE), ("Python asyncio", "asyncio", ALL)]
        {
            let argv = ["python3", &source("peer.py"), kind].map(str::to_owned).to_vec();
            peers.push(Peer { name, argv, cases });
        }
    }
    if runs("Node", "node", &["--version"]) {
        let argv = ["node", &source("peer.mjs"), "events"].map(str::to_owned).to_vec();
        peers.push(Peer { name: "Node", argv, cases: ALL });
    }
    peers
}

/// Whether this succeeds; if not, its peer is left out.
fn runs(peer: &str, program: &str, args: &[&str]) -> bool {
    let ran = Command::new(program).args(args).stdout(Stdio::null()).status();
    match ran {
        Ok(status) if status.success() => true,
        Ok(status) => {
            println!("{peer}: left out, `{program}` ended with {status}");
            false
        }
        Err(error) => {
            println!("{peer}: left out, `{program}` does not start: {error}");
            false
        }
    }
}

/// Where figures and plots go.
pub(crate) fn target() -> PathBuf {
    // The program is in target/release/deps.
    let me = std::env::current_exe().expect("a program");
    me.ancestors().nth(3).map_or_else(|| PathBuf::from("target"), Path::to_path_buf)
}
