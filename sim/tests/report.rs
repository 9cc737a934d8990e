//! Reports as their readers have them: in a browser, with mouse and keys, light and dark, on a
//! phone, on paper and without scripts.
//!
//! It asks a headless Chromium. Where there is none the tests say so and pass; with
//! `LASTBYTE_NEED_CHROMIUM` set they fail. With `LASTBYTE_SCREENSHOTS=DIR` they leave pictures there.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

#[path = "report/browser.rs"]
mod browser;
#[path = "report/look.rs"]
mod look;
#[path = "report/other.rs"]
mod other;
#[path = "report/sheets.rs"]
mod sheets;
#[path = "report/steer.rs"]
mod steer;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use browser::Browser;

/// A report that was written, and is deleted at the end.
struct Page(PathBuf);

impl Page {
    /// Runs `lastbyte` with these words and `--html`, and expects this exit code.
    fn of(name: &str, words: &[&str], code: i32) -> Self {
        let file =
            std::env::temp_dir().join(format!("lastbyte-{}-{name}.html", std::process::id()));
        let page = Page(file);
        let path = page.0.to_str().expect("a path in UTF-8");
        let (words, shim) = match words.iter().position(|&word| word == "--") {
            Some(at) => words.split_at(at),
            None => (words, &[][..]),
        };
        let output = lastbyte(&[words, &["--html", path], shim].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        page
    }

    /// All of `check`, with little in each place.
    fn of_check(name: &str) -> Self {
        Page::of(name, &["check", "--chunks", "1", "--waiters", "1", "--samples", "0"], 0)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).expect("the page was written")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

fn lastbyte(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lastbyte"))
        .args(words)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("lastbyte starts")
}

/// A browser, or a line that says that there is none.
fn browser() -> Option<Browser> {
    let found = Browser::start();
    if found.is_none() {
        assert!(
            std::env::var_os("LASTBYTE_NEED_CHROMIUM").is_none(),
            "LASTBYTE_NEED_CHROMIUM is set, and there is no chromium; `apt-get install chromium`, \
             or name one in LASTBYTE_CHROMIUM"
        );
        eprintln!("skipped: there is no chromium; `apt-get install chromium`");
    }
    found
}
