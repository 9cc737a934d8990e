//! `lastbyte run`: one command, its bytes through, its exit after the last of them.
//!
//! The driver has a thread of its own, so that a blocked stdout of ours delays neither timeout nor
//! kill; this thread takes events and writes them.

mod json;
mod options;
mod plain;
mod signals;
mod terminal;

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use lastbyte::{
    BufferPolicy, Command, DrainPolicy, Error, Event, Handle, OutputLimit, Over, Terminal,
    blocking::{self, Execution},
    error::shell_exit_code,
};

use crate::OWN_ERROR;

/// A filter whose reader has gone exits as SIGPIPE would have ended it.
const BROKEN_PIPE: u8 = 128 + 13;

/// Run a command: every byte of its output, then its exit.
#[derive(Args, Debug)]
#[command(after_help = options::EXAMPLES, after_long_help = options::LONG_EXAMPLES)]
pub(crate) struct Run {
    /// Print one JSON object a line instead of the bytes.
    #[arg(long)]
    json: bool,
    /// How long output may go on after the exit, while a descendant holds it:
    /// `eof` (for ever), `after=DUR`, or `idle=DUR,max=DUR` [default: idle=200ms,max=5s].
    #[arg(long, value_name = "POLICY", value_parser = options::drain)]
    drain: Option<DrainPolicy>,
    /// Kill the command when it has run this long; then exit with 124.
    #[arg(long, value_name = "DUR", value_parser = options::duration)]
    timeout: Option<Duration>,
    /// From the first signal of a kill to SIGKILL [default: 2s].
    #[arg(long, value_name = "DUR", value_parser = options::duration)]
    grace: Option<Duration>,
    /// Drop what a stream has beyond this many bytes, and say so.
    #[arg(long, value_name = "BYTES", value_parser = options::bytes)]
    max_output: Option<u64>,
    /// Let the command wait when this much of a stream was not taken yet [default: 256KiB].
    #[arg(long, value_name = "BYTES", value_parser = options::bytes)]
    buffer: Option<u64>,
    /// Run the command on a terminal of its own.
    #[arg(long)]
    pty: bool,
    /// Start in this directory.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Set an environment variable; any number of times.
    #[arg(long, value_name = "K=V", value_parser = options::variable)]
    env: Vec<(String, String)>,
    /// Check every step against the contract, and say at the end what was seen.
    #[arg(long)]
    monitor: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<std::ffi::OsString>,
}

/// Where events go.
trait Sink {
    /// The command has started.
    fn start(&mut self, pid: Option<u32>) -> io::Result<()>;
    /// One event, the exit among them.
    fn event(&mut self, event: &Event) -> io::Result<()>;
    /// The command could not be started.
    fn refused(&mut self, error: &Error) -> io::Result<()>;
}

impl Run {
    pub(crate) fn run(&self) -> ExitCode {
        let mut sink: Box<dyn Sink> =
            if self.json { Box::new(json::Json) } else { Box::new(plain::Plain) };
        let code = match self.start() {
            Ok((execution, _terminal)) => self.follow(execution, sink.as_mut()),
            Err(error) => match sink.refused(&error) {
                Ok(()) => error.exit_code(),
                Err(write_error) => cannot_write(&write_error),
            },
        };
        ExitCode::from(code)
    }

    /// Starts the command, and what belongs to it: the guard of our terminal, the relay of stdin.
    fn start(&self) -> Result<(Execution, Option<terminal::Raw>), Error> {
        let mut command = self.command();
        let relay = terminal::prepare(&mut command, self.pty);
        let caught = signals::catch();
        let mut execution = blocking::spawn(&command)?;
        if let Some(caught) = caught {
            signals::forward(caught, execution.handle());
        }
        let raw = if self.pty { terminal::Raw::enter() } else { None };
        if relay && let Some(stdin) = execution.stdin() {
            terminal::relay(stdin);
        }
        Ok((execution, raw))
    }

    fn command(&self) -> Command {
        // clap has seen to it that there is one.
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map_or(std::ffi::OsStr::new(""), |word| word));
        command.args(words).envs(self.env.iter().map(|(key, value)| (key, value)));
        command.monitor(self.monitor);
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        if let Some(drain) = self.drain {
            command.drain(drain);
        }
        if let Some(timeout) = self.timeout {
            command.timeout(timeout);
        }
        if let Some(grace) = self.grace {
            command.grace(grace);
        }
        if let Some(bytes_max) = self.max_output {
            command.limit(OutputLimit { bytes_max, over: Over::Truncate });
        }
        if let Some(bytes_max) = self.buffer {
            command.buffer(BufferPolicy { bytes_max, ..BufferPolicy::default() });
        }
        command
    }

    /// Passes events on until the exit; returns the exit code.
    fn follow(&self, mut execution: Execution, sink: &mut dyn Sink) -> u8 {
        let handle = execution.handle();
        let mut written = sink.start(execution.id());
        while written.is_ok() {
            match execution.next() {
                Some(event) => {
                    written = sink.event(&event);
                    if let (Event::Exit(terminal), Ok(())) = (&event, &written) {
                        return self.end(terminal, &handle);
                    }
                }
                // Nobody else closes it; the exit came before.
                None => return OWN_ERROR,
            }
        }
        execution.close();
        written.err().map_or(OWN_ERROR, |error| cannot_write(&error))
    }

    fn end(&self, terminal: &Terminal, handle: &Handle) -> u8 {
        if let Some(verdict) = handle.verdict() {
            if let Some(violation) = verdict.violation {
                eprintln!("lastbyte: monitor: {violation}");
                return OWN_ERROR;
            }
            eprintln!("lastbyte: monitor: {} steps, no rule broken", verdict.steps);
        }
        shell_exit_code(terminal)
    }
}

/// A reader of ours that has gone is no error of ours; anything else is said.
fn cannot_write(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return BROKEN_PIPE;
    }
    eprintln!("lastbyte: failed to write the output: {error}; the command was ended");
    OWN_ERROR
}
