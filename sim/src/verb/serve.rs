//! `lastbyte serve`: a runner on this machine, until it is told to end.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use lastbyte::{
    Error, ErrorKind,
    remote::{
        client::connect::Address,
        runner::{Listener, Runner, Token, config::Config, local::Local},
    },
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::out::{print, say};

/// Where the token is if no file has it.
pub(super) const TOKEN: &str = "LASTBYTE_TOKEN";

/// How much is logged.
const LOG: &str = "LASTBYTE_LOG";

/// Run commands for others, who ask by HTTP.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte serve
  lastbyte serve --listen unix:/run/lastbyte.sock --state-dir /var/lib/lastbyte

Exit codes: 0 when it was asked to end; 125 when it cannot listen, or its configuration cannot be read.")]
pub(crate) struct Serve {
    /// Where to listen: `HOST:PORT` (port 0 is any that is free) or `unix:PATH`.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
    /// The file with the token that clients must show [default: that of LASTBYTE_TOKEN, or none].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Images, limits and times: see docs/runner.md.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where boxes have their directories [default: one of its own in the temporary directory].
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(&self) -> ExitCode {
        match self.serve() {
            Ok(code) => code,
            Err(error) => {
                say(&format!("failed to {error}"));
                ExitCode::from(error.exit_code())
            }
        }
    }

    fn serve(&self) -> Result<ExitCode, Error> {
        start_log()?;
        let address = Address::parse(&self.listen)?;
        let token = token(self.token_file.as_deref())?;
        let config = match &self.config {
            Some(file) => {
                Config::parse(&read(file, "--config")?).map_err(|error| of(&error, file))?
            }
            None => Config::default(),
        };
        if let Some(dir) = &self.state_dir {
            let what = format!("make `{}` for --state-dir", dir.display());
            fs::create_dir_all(dir).map_err(|error| failed(&what, error))?;
        }
        raise_descriptors();
        let root = match &self.state_dir {
            Some(dir) => dir.clone(),
            None => std::env::temp_dir().join(format!("lastbyte-{}", std::process::id())),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed("start a runtime", error))?;
        let served = runtime.block_on(listen(&address, token, config, &root));
        if self.state_dir.is_none() {
            // Its boxes have removed their own; what is left is an empty directory, or none.
            let _removed = fs::remove_dir(&root);
        }
        served
    }
}

/// Logs to stderr, so much as the environment says.
fn start_log() -> Result<(), Error> {
    let level = match std::env::var(LOG) {
        Ok(level) => level.parse().map_err(|_| {
            let op = format!("read {LOG}: no level; use error, warn, info, debug, trace or off");
            Error::new(ErrorKind::InvalidArgument, op)
        })?,
        Err(_) => LevelFilter::INFO,
    };
    tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(io::stderr).init();
    Ok(())
}

async fn listen(
    address: &Address,
    token: Option<Token>,
    config: Config,
    root: &Path,
) -> Result<ExitCode, Error> {
    let listener = Listener::bind(address, token.is_some()).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| failed("catch SIGTERM", e))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| failed("catch SIGINT", e))?;
    let runner = Runner::new(config, token, &life(), Local::new(root));
    if let Err(code) = print(&format!("listening on {listener}\n")) {
        return Ok(code);
    }
    let stop = async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    listener.serve(runner, stop).await;
    Ok(ExitCode::SUCCESS)
}

/// What tells this life of a runner from every other on this machine: when it began.
fn life() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{:x}", now.unwrap_or_default().as_micros())
}

/// The token in a file, or else in the environment.
pub(super) fn token(file: Option<&Path>) -> Result<Option<Token>, Error> {
    match (file, std::env::var(TOKEN)) {
        (Some(file), _) => {
            let text = read(file, "--token-file")?;
            Token::parse(&text).map(Some).map_err(|error| of(&error, file))
        }
        (None, Ok(token)) => {
            Token::parse(&token).map(Some).map_err(|error| of(&error, Path::new(TOKEN)))
        }
        (None, Err(_)) => Ok(None),
    }
}

fn read(file: &Path, option: &str) -> Result<String, Error> {
    let what = format!("read `{}` for {option}", file.display());
    fs::read_to_string(file).map_err(|error| failed(&what, error))
}

/// What is wrong, and in which file or variable.
fn of(error: &Error, place: &Path) -> Error {
    Error::new(error.kind(), format!("{error}; it stands in `{}`", place.display()))
}

fn failed(what: &str, error: io::Error) -> Error {
    let op = format!("{what}: {error}; name another, or see to it that it can be used");
    Error::new(ErrorKind::InvalidArgument, op).with_source(error)
}

/// A thousand executions and their connections have several thousand descriptors; the soft limit
/// is often 1024, for programs that use select(2).
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current: _, maximum } = getrlimit(Resource::Nofile);
    let _raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
