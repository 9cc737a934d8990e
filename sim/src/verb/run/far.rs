//! `lastbyte run --runner`: the command runs in a box of a runner, and everything else is as here.

use std::path::PathBuf;

use clap::Args;
use lastbyte::{
    Command, Error, ErrorKind, Stdio,
    blocking::Execution,
    remote::client::{Client, connect::Address},
};
use tokio::runtime::{Builder, Runtime};

use crate::verb::serve::token;

/// Where to run the command, if not here.
#[derive(Args, Debug)]
pub(super) struct Far {
    /// Run the command at this runner: `http://HOST:PORT` or `unix:PATH`.
    #[arg(long, value_name = "URL", requires = "box_id")]
    runner: Option<String>,
    /// The box of the runner to run it in.
    #[arg(long = "box", id = "box_id", value_name = "ID", requires = "runner")]
    box_id: Option<String>,
    /// The file with the token that the runner asks for [default: that of LASTBYTE_TOKEN].
    #[arg(long, value_name = "FILE", requires = "runner")]
    token_file: Option<PathBuf>,
}

impl Far {
    /// The box to run in, if it is one of a runner.
    pub(super) fn place(&self) -> Option<(&str, &str)> {
        Some((self.runner.as_deref()?, self.box_id.as_deref()?))
    }

    /// Starts the command there. It needs the runtime for as long as it lives.
    pub(super) fn start(
        &self,
        (runner, box_id): (&str, &str),
        command: &mut Command,
        pty: bool,
    ) -> Result<(Execution, Runtime), Error> {
        if !pty {
            command.stdin(Stdio::Piped);
        }
        let address = Address::parse(runner)?;
        let token = token(self.token_file.as_deref())?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| {
            Error::new(ErrorKind::OverQuota, format!("start a runtime: {error}")).with_source(error)
        })?;
        let client = Client::new(address, token.as_ref());
        let execution = runtime.block_on(client.spawn(box_id, command))?;
        Ok((execution.into(), runtime))
    }
}
