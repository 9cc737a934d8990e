//! What is run: shell scripts that any POSIX shell has the commands for, and what must come back.

use std::time::Duration;

/// One kind of thing that goes wrong with commands.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What it shows, in a few words.
    pub(super) what: &'static str,
    scripts: fn(Duration) -> Vec<Script>,
}

/// One command for the shell, and what must come back.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) stdout: Vec<u8>,
    /// `None`: whatever comes, for a banner or a warning on stderr is nobody's loss.
    pub(super) stderr: Option<Vec<u8>>,
    pub(super) end: Expected,
}

/// How the shell ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    Code(i32),
    /// By this signal: told as such, or as a shell tells it, with 128 added.
    Signal(i32),
}

impl Case {
    /// The commands of this case, which its runs take in turn. A run lasts at most `timeout`.
    pub(super) fn scripts(&self, timeout: Duration) -> Vec<Script> {
        (self.scripts)(timeout)
    }
}

pub(super) const ALL: [Case; 11] = [
    Case { name: "short", what: "one short line", scripts: |_| vec![out("echo hello", "hello\n")] },
    Case {
        name: "exit-codes",
        what: "output before any exit code",
        scripts: |_| [0, 1, 2, 7, 42, 126, 127, 254].into_iter().map(exit_code).collect(),
    },
    Case {
        name: "both-streams",
        what: "a line on each stream",
        scripts: |_| {
            vec![Script { stderr: text("err\n"), ..out("echo out; echo err >&2", "out\n") }]
        },
    },
    Case {
        name: "big",
        what: "1.3 MB on stdout",
        scripts: |_| vec![out(&count(200_000), &counted(200_000))],
    },
    Case { name: "big-both", what: "0.3 MB on stderr, then on stdout", scripts: big_both },
    Case { name: "binary", what: "each byte from 0 to 255", scripts: binary },
    Case {
        name: "no-newline",
        what: "a line without its end",
        scripts: |_| vec![out("printf end", "end")],
    },
    Case { name: "one-byte", what: "200 writes of one byte", scripts: one_byte },
    Case { name: "grandchild", what: "a background process holds stdout", scripts: grandchild },
    Case {
        name: "stdin-eof",
        what: "a command that reads an empty stdin to its end",
        scripts: |_| vec![out("cat; echo end", "end\n")],
    },
    Case {
        name: "signals",
        what: "output before death by a signal",
        scripts: |_| vec![signal("TERM", 15), signal("KILL", 9)],
    },
];

fn text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

/// A script that writes this to stdout and exits with 0.
fn out(script: &str, stdout: &str) -> Script {
    Script {
        text: script.to_owned(),
        stdout: stdout.as_bytes().to_vec(),
        stderr: None,
        end: Expected::Code(0),
    }
}

fn exit_code(code: i32) -> Script {
    let script = out(&format!("echo code {code}; exit {code}"), &format!("code {code}\n"));
    Script { end: Expected::Code(code), ..script }
}

fn signal(name: &str, number: i32) -> Script {
    let script = out(&format!("echo before; kill -{name} $$"), "before\n");
    Script { end: Expected::Signal(number), ..script }
}

/// Numbered lines: a hole in them shows where it is.
fn count(lines: u32) -> String {
    format!("awk 'BEGIN{{for(i=1;i<={lines};i++)print i}}'")
}

fn counted(lines: u32) -> String {
    (1..=lines).map(|line| format!("{line}\n")).collect()
}

/// Whoever reads one stream to its end and then the other waits for ever here.
fn big_both(_: Duration) -> Vec<Script> {
    let (awk, lines) = (count(50_000), counted(50_000));
    vec![Script { stderr: text(&lines), ..out(&format!("{awk} >&2; {awk}"), &lines) }]
}

fn binary(_: Duration) -> Vec<Script> {
    let bytes: Vec<u8> = (0..=255).collect();
    let octal: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    vec![Script { stdout: bytes, ..out(&format!("printf '{octal}'"), "") }]
}

fn one_byte(_: Duration) -> Vec<Script> {
    let script = "i=0; while [ $i -lt 200 ]; do printf x; i=$((i+1)); done";
    vec![out(script, &"x".repeat(200))]
}

/// The background process outlives the bound, so that whoever waits for it is seen to hang.
fn grandchild(timeout: Duration) -> Vec<Script> {
    let seconds = timeout.as_secs() + 5;
    vec![out(&format!("sleep {seconds} & echo started"), "started\n")]
}
