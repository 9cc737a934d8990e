//! Values of the options of `run`: durations, sizes, policies, variables.

use std::{
    ffi::{OsStr, OsString},
    num::NonZeroUsize,
    os::unix::ffi::OsStrExt,
};

pub(super) use lastbyte::remote::policy::drain;
pub(crate) use lastbyte::remote::policy::duration;

pub(super) const EXAMPLES: &str = "\
Exit codes: the command's own; 128+N when signal N ended it; 124 after a timeout; 126 and 127 when it
could not be started; 125 for an error of lastbyte itself. See --help for examples.";

pub(super) const LONG_EXAMPLES: &str = "\
Examples:
  lastbyte run -- make -j4
      as `make -j4`, and it says on stderr if output was cut short
  lastbyte run --json -- sh -c 'echo hi; exit 3'
      one JSON object a line, the exit last
  lastbyte run --drain after=0 -- sh -c 'echo hi; sleep 60 &'
      all that the shell itself wrote, and no waiting for what it left behind
  lastbyte run --timeout 10s --grace 1s -- ./slow
      SIGTERM to its process group after 10 s, SIGKILL 1 s later, exit code 124
  lastbyte run --pty -- top
      on a terminal of its own

Durations are like 0, 200ms, 5s, 1m30s; sizes like 65536, 64KiB, 1MB.

Exit codes: the command's own; 128+N when signal N ended it; 124 after a timeout; 126 and 127 when it
could not be started; 125 for an error of lastbyte itself; 141 when the reader of its output has gone.";

/// A size of at least 1 byte: `65536`, `64KiB`, `1MB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    match parse_size::parse_size(text) {
        Ok(0) => Err("too small; write 1 or more".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(format!("{error}; write bytes, as in 65536, 64KiB, 1MB")),
    }
}

/// A count of at least 1.
pub(crate) fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "no count; write a whole number, 1 or more".to_owned())
}

/// A variable: `K=V`, in any encoding.
pub(super) fn variable(text: OsString) -> Result<(OsString, OsString), String> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at @ 1..) => {
            let (key, value) = (&bytes[..at], &bytes[at + 1..]);
            Ok((OsStr::from_bytes(key).to_owned(), OsStr::from_bytes(value).to_owned()))
        }
        Some(0) | None => Err("no name and value; write NAME=VALUE".to_owned()),
    }
}
