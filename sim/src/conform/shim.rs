//! A shim as a child: started by our own `Command`, asked a line, given a bound for its answer.

use std::{ffi::OsString, future::Future, time::Duration};

use lastbyte::{Command, Event, Execution, Status, Stdin, Stdio, StreamId};
use tokio::{join, time::timeout};

use super::{Trouble, judge::shown};

/// The longest line that can be an answer.
const LINE_MAX: usize = 64 << 20;

/// So much of the last that a shim says on stderr is told when it dies.
const STDERR_MAX: usize = 2000;

pub(super) struct Shim {
    execution: Execution,
    stdin: Option<Stdin>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    bound: Duration,
}

impl Shim {
    /// Starts a shim.
    ///
    /// # Errors
    ///
    /// What to tell the user: it cannot be started.
    pub(super) fn start(words: &[OsString], bound: Duration) -> Result<Self, String> {
        let (program, args) =
            words.split_first().ok_or("no shim is named; give its command after `--`")?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::Piped);
        let mut execution = command
            .spawn()
            .map_err(|error| format!("failed to start the shim: failed to {error}"))?;
        let stdin = execution.stdin();
        Ok(Shim { execution, stdin, stdout: Vec::new(), stderr: Vec::new(), bound })
    }

    /// Asks one line, and waits for one, so long at most.
    pub(super) async fn ask(&mut self, line: &str, bound: Duration) -> Result<String, Trouble> {
        let Shim { execution, stdin, stdout, stderr, .. } = self;
        let write = async {
            // A shim that does not read any more ends, or answers no more: that is told.
            if let Some(stdin) = stdin {
                let _written = stdin.write_all(line.as_bytes()).await;
            }
        };
        let both = async { join!(write, read_line(execution, stdout, stderr)).1 };
        within(bound, both).await
    }

    /// Ends its input, and waits for its end.
    pub(super) async fn finish(mut self) -> Result<(), String> {
        drop(self.stdin.take());
        let bound = self.bound;
        let rest = read_line(&mut self.execution, &mut self.stdout, &mut self.stderr);
        let told = match within(bound, rest).await {
            Err(Trouble::Died(how)) if how == "exited with code 0" => Ok(()),
            Err(Trouble::Died(how)) => {
                Err(format!("at the end of its input the shim {how}; it is to exit with 0 there"))
            }
            Err(trouble) => Err(format!(
                "at the end of its input the shim {}; it is to exit with 0 there",
                trouble.name()
            )),
            Ok(line) => Err(format!(
                "after its last answer the shim printed {}; one line answers one",
                shown(line.trim_end())
            )),
        };
        self.close().await;
        told
    }

    /// Ends it now.
    pub(super) async fn close(self) {
        let _terminal = self.execution.close().await;
    }
}

async fn within<T>(
    bound: Duration,
    what: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    timeout(bound, what).await.unwrap_or(Err(Trouble::Hung(bound)))
}

async fn read_line(
    execution: &mut Execution,
    stdout: &mut Vec<u8>,
    stderr: &mut Vec<u8>,
) -> Result<String, Trouble> {
    let mut looked = 0;
    loop {
        if let Some(end) = stdout[looked..].iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = stdout.drain(..=looked + end).collect();
            return String::from_utf8(line)
                .map_err(|_| Trouble::Rubbish("it is not UTF-8".to_owned()));
        }
        looked = stdout.len();
        if looked > LINE_MAX {
            return Err(Trouble::Rubbish(format!("a line of more than {LINE_MAX} bytes")));
        }
        match execution.next().await {
            Some(Event::Chunk { stream: StreamId::Stderr, chunk }) => {
                stderr.extend_from_slice(&chunk);
                let excess = stderr.len().saturating_sub(STDERR_MAX);
                stderr.drain(..excess);
            }
            Some(Event::Chunk { chunk, .. }) => stdout.extend_from_slice(&chunk),
            Some(Event::Gap { .. } | Event::End { .. }) => {}
            Some(Event::Exit(terminal)) => return Err(died(terminal.status, stdout, stderr)),
            None => return Err(Trouble::Died("it had ended before".to_owned())),
        }
    }
}

fn died(status: Status, stdout: &[u8], stderr: &[u8]) -> Trouble {
    let mut how = status.to_string();
    for (bytes, what) in [(stdout, "without the end of this line"), (stderr, "its stderr")] {
        if !bytes.is_empty() {
            let text = String::from_utf8_lossy(bytes);
            how = format!("{how}; {what}: {}", text.trim_end());
        }
    }
    Trouble::Died(how)
}
