//! `lastbyte racy`: a runner of commands that is wrong on purpose, so that a probe can be seen to
//! find it. Hidden: nobody runs anything with it.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
};

use clap::{Args, ValueEnum};

use crate::{OWN_ERROR, out::refuse};

/// Run a command, and be wrong in one way.
#[derive(Args, Debug)]
pub(crate) struct Racy {
    /// In which way.
    #[arg(long, value_enum, default_value_t = Bug::Race)]
    bug: Bug,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bug {
    /// The stock race: output goes from thread to thread, and the exit does not wait for it.
    Race,
    /// Waits for the end of the output, which a background process may hold for ever.
    WaitsForEof,
    /// Bytes become text on their way.
    Text,
    /// Death by a signal is told as success.
    Code,
    /// Reads one stream to its end, then the other.
    OneByOne,
    /// Stdin is a pipe that nobody closes.
    OpenStdin,
    /// The end of a large output is thrown away.
    Head,
}

/// What [`Bug::Head`] passes on of a stream.
const HEAD: usize = 64 * 1024;

impl Racy {
    pub(crate) fn run(&self) -> ExitCode {
        match self.follow() {
            Ok(code) => ExitCode::from(code),
            Err(error) => refuse(&format!("failed to run it: {error}")),
        }
    }

    fn follow(&self) -> io::Result<u8> {
        let Some((program, args)) = self.command.split_first() else {
            unreachable!("clap asks for one")
        };
        let open = self.bug == Bug::OpenStdin;
        let mut child = Command::new(program)
            .args(args)
            .stdin(if open { Stdio::piped() } else { Stdio::inherit() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let _kept_open = child.stdin.take();
        self.pump(&mut child);
        let status = child.wait()?;
        let signal = if self.bug == Bug::Code { None } else { status.signal() };
        let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or_default();
        Ok(u8::try_from(code).unwrap_or(OWN_ERROR))
    }

    /// Passes output on; only some of the bugs wait for it.
    fn pump(&self, child: &mut Child) {
        let bug = self.bug;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        if bug == Bug::OneByOne {
            stdout.into_iter().for_each(|from| copy(from, io::stdout(), bug));
            stderr.into_iter().for_each(|from| copy(from, io::stderr(), bug));
            return;
        }
        let stdout = stdout.map(|from| thread::spawn(move || copy(from, io::stdout(), bug)));
        let stderr = stderr.map(|from| thread::spawn(move || copy(from, io::stderr(), bug)));
        if bug != Bug::Race {
            stdout.into_iter().chain(stderr).for_each(|pump| drop(pump.join()));
        }
    }
}

/// Hands what is read to a second thread, as runners with an event queue do, and passes it on there.
fn copy(mut from: impl Read + Send, mut to: impl Write, bug: Bug) {
    let (queue, queued) = mpsc::channel::<Vec<u8>>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut block = [0; 8192];
            while let Ok(len @ 1..) = from.read(&mut block) {
                if queue.send(block[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut passed = 0;
        for chunk in queued {
            let chunk = match bug {
                Bug::Text => String::from_utf8_lossy(&chunk).into_owned().into_bytes(),
                Bug::Head => chunk[..chunk.len().min(HEAD - passed)].to_vec(),
                Bug::Race | Bug::WaitsForEof | Bug::Code | Bug::OneByOne | Bug::OpenStdin => chunk,
            };
            passed += chunk.len();
            // Whoever reads us has gone; the probe has seen enough.
            let _written = to.write_all(&chunk).and_then(|()| to.flush());
        }
    });
}
