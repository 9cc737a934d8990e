//! The public surface as a list, `tests/api.txt`: nobody changes what others build on without seeing it.
//!
//! `unreachable_pub` is a warning, and warnings are errors in CI: what is `pub` in the source can be
//! reached from outside. So the source's own lines are the list.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

const LIST: &str = "tests/api.txt";

/// Set, the test writes the list instead of comparing it.
const BLESS: &str = "LASTBYTE_BLESS";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file, by name. The C ABI has its own list: the header.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("capi") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The list of one file: what rustfmt has put in lines of their own, put together again.
struct Lister<'a> {
    lines: std::iter::Peekable<std::str::Lines<'a>>,
    /// The `impl` around, if it is not of a trait.
    inside: String,
    list: Vec<String>,
}

impl Lister<'_> {
    fn run(mut self) -> Vec<String> {
        while let Some(line) = self.lines.next() {
            let code = line.trim_start();
            let indent = line.len() - code.len();
            if code.starts_with("#[cfg(test)]") {
                break;
            }
            if indent == 0 && !code.is_empty() && !code.starts_with(['/', '#', '}']) {
                self.inside.clear();
            }
            if indent == 0 && code.starts_with("impl") {
                self.inside = format!("{}: ", self.until(code, &["{"]));
            } else if code.starts_with("pub enum ") {
                let head = self.until(code, &["{"]);
                let body = self.body(indent);
                self.list.push(format!("{head} {{ {body} }}"));
            } else if code.starts_with("pub trait ") {
                let head = self.until(code, &["{"]);
                self.list.push(head.clone());
                self.trait_items(&head, indent);
            } else if code.starts_with("pub struct ") {
                let head = self.until(code, &["{", ";"]);
                self.inside = format!("{head}: ");
                self.list.push(head);
            } else if code.starts_with("pub use ") {
                let used = self.until(code, &[";"]);
                self.list.push(used);
            } else if code.starts_with("pub ") {
                let ends: &[&str] =
                    if code.contains(" fn ") { &["{", ";"] } else { &["{", ";", ","] };
                let item = self.until(code, ends);
                self.list.push(format!("{}{item}", self.inside));
            }
        }
        self.list
    }

    /// From here to the line that ends with one of these, as one line.
    fn until(&mut self, first: &str, ends: &[&str]) -> String {
        let mut text = first.to_owned();
        loop {
            let code = text.trim_end();
            if let Some(end) = ends.iter().find(|end| code.ends_with(*end)) {
                return code.strip_suffix(end).unwrap_or(code).trim_end().to_owned();
            }
            if code.ends_with('}') {
                return code.to_owned();
            }
            match self.lines.next() {
                Some(line) => {
                    text.push(' ');
                    text.push_str(line.trim());
                }
                None => return text,
            }
        }
    }

    /// The lines of a block, without comments and attributes.
    fn body(&mut self, indent: usize) -> String {
        let mut body = Vec::new();
        for line in self.lines.by_ref() {
            let code = line.trim_start();
            if line.len() - code.len() == indent && code.starts_with('}') {
                break;
            }
            if !code.is_empty() && !code.starts_with("//") && !code.starts_with('#') {
                body.push(code.to_owned());
            }
        }
        body.join(" ")
    }

    fn trait_items(&mut self, head: &str, indent: usize) {
        while let Some(line) = self.lines.next() {
            let code = line.trim_start();
            let at = line.len() - code.len();
            if at == indent && code.starts_with('}') {
                break;
            }
            if at == indent + 4
                && ["fn ", "async fn ", "type ", "const "].iter().any(|it| code.starts_with(it))
            {
                let item = self.until(code, &["{", ";"]);
                self.list.push(format!("{head}: {item}"));
            }
        }
    }
}

fn list() -> String {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut list = String::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let lister =
            Lister { lines: text.lines().peekable(), inside: String::new(), list: Vec::new() };
        let items = lister.run();
        if !items.is_empty() {
            let shown = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
            writeln!(list, "{shown}").expect("a string takes it");
            for item in items {
                writeln!(list, "    {item}").expect("a string takes it");
            }
        }
    }
    list
}

/// If this were red, a change that breaks those who build on lastbyte would go out as one that does not.
/// A line that is gone or other than before is such a change: the version says so, or the line comes
/// back. New lines are none. `LASTBYTE_BLESS=1 cargo test --test api` writes the list.
#[test]
fn the_public_surface_is_the_one_that_is_listed() {
    let (listed, found) = (root().join(LIST), list());
    if std::env::var_os(BLESS).is_some() {
        fs::write(&listed, &found).expect("it is ours");
        return;
    }
    let listed = fs::read_to_string(&listed).expect("the list is there");
    let gone: Vec<&str> =
        listed.lines().filter(|line| !found.lines().any(|it| it == *line)).collect();
    let new: Vec<&str> =
        found.lines().filter(|line| !listed.lines().any(|it| it == *line)).collect();
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
    assert_eq!(listed, found, "the same lines, in another order");
}
