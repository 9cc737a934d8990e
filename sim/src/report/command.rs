//! The command line that a page was made by, as a shell takes it.

use std::{env::args_os, ffi::OsString, os::unix::ffi::OsStrExt, path::Path};

/// The command line of this process, without where the page goes: what makes the same again.
pub fn command_line() -> String {
    let mut words: Vec<OsString> = Vec::new();
    let mut args = args_os();
    let name = args.next().unwrap_or_else(|| "lastbyte".into());
    words.push(Path::new(&name).file_name().map_or_else(|| name.clone(), OsString::from));
    while let Some(word) = args.next() {
        match word.as_bytes() {
            // What follows is somebody else's.
            b"--" => {
                words.push(word);
                words.extend(args);
                break;
            }
            b"--html" => {
                args.next();
            }
            bytes if bytes.starts_with(b"--html=") => {}
            _ => words.push(word),
        }
    }
    quoted(&words)
}

/// Words as a POSIX shell takes them.
pub fn quoted(words: &[OsString]) -> String {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"_-./:=@%+,{}".contains(&c);
    let quote = |word: &OsString| {
        let text = word.to_string_lossy();
        match word.as_bytes() {
            bytes if !bytes.is_empty() && bytes.iter().all(|&c| plain(c)) => text.into_owned(),
            _ => format!("'{}'", text.replace('\'', r"'\''")),
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
