//! `lastbyte run`: one command, its bytes through, its exit after the last of them.
//!
//! The driver has a thread of its own, so that a blocked stdout of ours delays neither timeout nor
//! kill; this thread takes events and writes them.

mod far;
mod json;
pub(super) mod options;
mod plain;
mod signals;
mod terminal;

use std::{
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser},
};
use lastbyte::{
    BufferPolicy, Command, DrainPolicy, Error, Event, Handle, OutputLimit, Over, Terminal,
    blocking::{self, Execution},
    error::shell_exit_code,
};

use crate::{
    OWN_ERROR,
    out::{say, unwritten},
};

/// Run a command: every byte of its output, then its exit.
#[derive(Args, Debug)]
#[command(after_help = options::EXAMPLES, after_long_help = options::LONG_EXAMPLES)]
pub(crate) struct Run {
    /// Print one JSON object a line instead of the bytes.
    #[arg(long)]
    json: bool,
    /// How long output may go on after the exit [default: idle=200ms,max=5s].
    ///
    /// Matters only while a process that the command left behind holds its output.
    /// `eof`: until it lets go, for ever if it does not.
    /// `after=DUR`: at most so long.
    /// `idle=DUR,max=DUR`: until it is silent for so long, at most until `max`.
    #[arg(long, value_name = "POLICY", value_parser = options::drain, verbatim_doc_comment)]
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
    #[arg(
        long,
        value_name = "K=V",
        value_parser = OsStringValueParser::new().try_map(options::variable)
    )]
    env: Vec<(OsString, OsString)>,
    #[command(flatten)]
    far: far::Far,
    /// Check every step against the contract, and say at the end what was seen.
    #[arg(long)]
    monitor: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Where events go. An error says that nobody can be told any more.
trait Sink {
    /// The command has started.
    fn start(&mut self, pid: Option<u32>) -> io::Result<()>;
    /// One event before the exit.
    fn event(&mut self, event: &Event) -> io::Result<()>;
    /// The exit; our terminal is as it was before.
    fn exit(&mut self, terminal: &Terminal) -> io::Result<()>;
    /// The command could not be started.
    fn refused(&mut self, error: &Error) -> io::Result<()>;
}

/// A command that runs, and what must live as long.
struct Started {
    execution: Execution,
    raw: Option<terminal::Raw>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Run {
    pub(crate) fn run(&self) -> ExitCode {
        let mut sink: Box<dyn Sink> = if self.json {
            Box::new(json::Json::new())
        } else {
            Box::new(plain::Plain::new(self.drain, self.timeout))
        };
        let code = match self.start() {
            Ok(Started { execution, raw, runtime }) => {
                let handle = execution.handle();
                let (terminal, written) = follow(execution, sink.as_mut());
                drop(raw);
                drop(runtime);
                let written = written.and_then(|()| sink.exit(&terminal));
                exit_code(&terminal, &handle, self.monitor, written)
            }
            Err(error) => match sink.refused(&error) {
                Ok(()) => error.exit_code(),
                Err(write_error) => unwritten(&write_error, "the command was not started"),
            },
        };
        ExitCode::from(code)
    }

    /// Starts the command, and what belongs to it: the guard of our terminal, the relay of stdin.
    fn start(&self) -> Result<Started, Error> {
        let mut command = self.command();
        let relay = terminal::prepare(&mut command, self.pty);
        let caught = signals::catch();
        let (mut execution, runtime) = match self.far.place() {
            Some(place) => {
                let (execution, runtime) = self.far.start(place, &mut command, self.pty)?;
                (execution, Some(runtime))
            }
            None => (blocking::spawn(&command)?, None),
        };
        let relay = relay || runtime.is_some();
        if let Some(caught) = caught {
            signals::forward(caught, execution.handle());
        }
        let raw = if self.pty { terminal::Raw::enter() } else { None };
        if relay && let Some(stdin) = execution.stdin() {
            terminal::relay(stdin);
        }
        Ok(Started { execution, raw, runtime })
    }

    fn command(&self) -> Command {
        // clap has seen to it that there is one.
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map_or(OsStr::new(""), |word| word));
        command.args(words).envs(self.env.iter().map(|(key, value)| (key, value)));
        // It is started by our first thread, which is the last to end.
        command.monitor(self.monitor).dies_with_us(true);
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
}

/// Passes events on up to the exit. When they can be passed on no more, ends the command: it is
/// asked to, and killed at the latest when the bound of a shutdown is over.
fn follow(mut execution: Execution, sink: &mut dyn Sink) -> (Terminal, io::Result<()>) {
    let handle = execution.handle();
    let mut written = sink.start(execution.id());
    if written.is_err() {
        handle.shutdown();
    }
    loop {
        match execution.next() {
            Some(Event::Exit(terminal)) => return (terminal, written),
            Some(event) => {
                let passed = sink.event(&event);
                if written.is_ok() && passed.is_err() {
                    handle.shutdown();
                    written = passed;
                }
            }
            // A signal to us has closed it.
            None => return (blocking::block_on(handle.wait()), written),
        }
    }
}

/// `asked`: somebody wants to know that no rule was broken, and not only if one was.
fn exit_code(terminal: &Terminal, handle: &Handle, asked: bool, written: io::Result<()>) -> u8 {
    if let Some(verdict) = handle.verdict() {
        if let Some(violation) = verdict.violation {
            say(&format!("monitor: {violation}"));
            return OWN_ERROR;
        }
        if asked {
            say(&format!("monitor: {} steps, no rule broken", verdict.steps));
        }
    }
    match written {
        Ok(()) => shell_exit_code(terminal),
        Err(error) => unwritten(&error, "the command was ended"),
    }
}
