//! `lastbyte completions` and `lastbyte man`: made from the command line itself.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, Command};
use clap_complete::{Shell, generate};
use clap_mangen::{Man as Page, generate_to};

use crate::out::{refuse, tell};

/// Print what completes this command line in a shell.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte completions bash > ~/.local/share/bash-completion/completions/lastbyte
  lastbyte completions zsh > \"${fpath[1]}/_lastbyte\"
  lastbyte completions fish > ~/.config/fish/completions/lastbyte.fish")]
pub(crate) struct Completions {
    /// Which shell.
    shell: Shell,
}

/// Print the man page, or write one for each verb.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lastbyte man | man -l -
  lastbyte man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Write lastbyte.1, lastbyte-run.1 and so on to this directory.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Completions {
    /// Exit code 0. 125: it cannot be written.
    pub(crate) fn run(&self, command: &Command) -> ExitCode {
        let mut text = Vec::new();
        generate(self.shell, &mut shown(command), "lastbyte", &mut text);
        tell(&String::from_utf8_lossy(&text), true)
    }
}

impl Man {
    /// Exit code 0. 125: it cannot be written.
    pub(crate) fn run(&self, command: Command) -> ExitCode {
        let Some(dir) = &self.dir else {
            let mut text = Vec::new();
            // Writing to memory does not fail.
            let _never = Page::new(command).render(&mut text);
            return tell(&String::from_utf8_lossy(&text), true);
        };
        match fs::create_dir_all(dir).and_then(|()| generate_to(command, dir)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&format!(
                "failed to write man pages to {}: {error}; give --dir a folder that can be written",
                dir.display()
            )),
        }
    }
}

/// The command without the verbs that a user is not shown: some shells would complete them.
fn shown(command: &Command) -> Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let about = command.get_about().cloned().unwrap_or_default();
    Command::new("lastbyte").about(about).version(env!("CARGO_PKG_VERSION")).subcommands(verbs)
}
