//! The book tells the truth: its commands are run, its code is compiled, its links lead somewhere.
//!
//! - A block marked `console` has commands after `$ ` and what they print, where `...` stands for
//!   anything; they are run one by one in a folder of their own.
//! - Rust is compiled and run by the doctests of `sim/src/book.rs`.
//! - TOML and JSON are read. Other command lines of `lastbyte` are parsed, and not run.
//! - The table of exit codes is run.
#![expect(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::verbs;
use lastbyte_sim::command_line;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Every page, by its path below docs/.
fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut folders = vec![docs()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(docs()).expect("it is below").display().to_string();
                pages.push((name, fs::read_to_string(path).expect("text")));
            }
        }
    }
    pages.sort();
    assert!(pages.len() > 20, "the book has lost its pages");
    pages
}

/// The fenced blocks of a page with this mark, each with the line that it begins at.
fn blocks<'a>(page: &'a str, mark: &str) -> Vec<(usize, Vec<&'a str>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, usize, Vec<&str>)> = None;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => {
                let (is_meant, begin, lines) = open.take().expect("it is open");
                if is_meant {
                    blocks.push((begin, lines));
                }
            }
            (Some(found), None) => open = Some((found == mark, at + 1, Vec::new())),
            (None, Some((_, _, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A folder of its own, which is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = name.replace('/', "-");
        let folder = env::temp_dir().join(format!("lastbyte-book-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        symlink(docs().join("../vectors"), folder.join("vectors")).expect("a link");
        Folder(folder)
    }

    /// Runs a line as a shell does, with the command under test first on its path.
    fn run(&self, line: &str) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_lastbyte"));
        let mut path = binary.parent().expect("it is in a folder").as_os_str().to_owned();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let line = format!("exec 2>&1; {line}");
        Command::new("sh")
            .args(["-c", &line])
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .current_dir(&self.0)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("sh starts")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// Whether a text is as shown, where `...` stands for anything.
fn is_as_shown(shown: &str, text: &str) -> bool {
    // A line of its own stands for any number of lines, also for none.
    let shown = shown.replace("\n...\n", "\n...");
    let mut parts = shown.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

fn trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// If this were red, a reader who types what the book shows would get something else.
#[test]
fn what_the_book_shows_is_what_its_commands_print() {
    let mut commands = 0;
    for (name, page) in pages() {
        let folder = Folder::new(&name);
        for (begin, lines) in blocks(&page, "console") {
            let mut lines = lines.iter().copied().peekable();
            while let Some(line) = lines.next() {
                let command = line.strip_prefix("$ ");
                let command =
                    command.unwrap_or_else(|| panic!("{name}:{begin}: {line} is no command"));
                let mut shown = Vec::new();
                while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                    shown.push(line);
                }
                let output = folder.run(command);
                let printed = String::from_utf8_lossy(&output.stdout);
                let printed = trimmed(printed.lines());
                let shown = trimmed(shown.into_iter());
                assert!(
                    is_as_shown(&shown, &printed),
                    "{name}:{begin}: `{command}` printed\n{printed}\nand not\n{shown}"
                );
                commands += 1;
            }
        }
    }
    assert!(commands >= 12, "only {commands} commands were run");
}

/// If this were red, the comparison above would let anything pass.
#[test]
fn what_is_left_out_stands_for_anything_and_nothing_else_does() {
    assert!(is_as_shown("a\nb", "a\nb"));
    assert!(is_as_shown("a...b", "a and b"));
    assert!(is_as_shown("a\n...\nz", "a\nb\nc\nz"));
    assert!(is_as_shown("a\n...\nz", "a\nz"));
    assert!(is_as_shown("...", ""));
    assert!(is_as_shown("a...", "a\nb"));
    for (shown, text) in [("a", "ab"), ("a", "b"), ("a...z", "a\nb"), ("a...b...c", "a c b")] {
        assert!(!is_as_shown(shown, text), "{shown:?} {text:?}");
    }
}

/// The command lines of `lastbyte` in a line of a block: of a pipeline each, without comments.
fn command_lines(line: &str) -> Vec<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default().trim_start_matches("$ ");
    let line = line.replace("cargo run --release -- ", "lastbyte ");
    if line.contains('[') || line.contains("|unix") {
        return Vec::new();
    }
    let parts = line.split(['|', ';', '>']).map(str::trim);
    // Forms with places to fill in are no command lines.
    let parts = parts.filter(|part| part.starts_with("lastbyte ") && !part.contains(['<', '(']));
    let stands_for_another = |word: &str| word.chars().all(|c| c.is_ascii_uppercase());
    parts
        .filter(|part| !part.contains("..."))
        .filter(|part| !part.split_whitespace().any(stands_for_another))
        .map(|part| part.split_whitespace().skip(1).map(|word| word.replace('\'', "")).collect())
        .collect()
}

/// If this were red, a command in the docs or in a help would not be one.
#[test]
fn every_command_line_in_the_docs_can_be_read() {
    let mut read = 0;
    let readme = docs().join("../README.md");
    let readme = ("README.md".to_owned(), fs::read_to_string(readme).expect("text"));
    for (name, page) in pages().into_iter().chain([readme]) {
        for mark in ["text", "sh", "console"] {
            for (begin, lines) in blocks(&page, mark) {
                for words in lines.into_iter().flat_map(command_lines) {
                    let shown = words.join(" ");
                    let told = command_line::check(words.into_iter().map(Into::into));
                    // A help is no mistake.
                    let is_fine = told.as_ref().err().is_none_or(|told| !told.starts_with("error"));
                    assert!(is_fine, "{name}:{begin}: {shown}: {told:?}");
                    read += 1;
                }
            }
        }
    }
    assert!(read > 20, "only {read} command lines were read");
}

/// If this were red, a configuration or an object from the book would be refused where it is pasted.
#[test]
fn toml_and_json_in_the_book_are_toml_and_json() {
    let book = fs::read_to_string(docs().join("book.toml")).expect("text");
    assert!(book.parse::<toml::Table>().is_ok(), "docs/book.toml");
    for (name, page) in pages() {
        for (begin, lines) in blocks(&page, "toml") {
            let parsed: Result<toml::Table, _> = lines.join("\n").parse();
            assert!(parsed.is_ok(), "{name}:{begin}: {parsed:?}");
        }
        for (begin, lines) in blocks(&page, "json") {
            let text = lines.join("\n");
            let values = serde_json::Deserializer::from_str(&text);
            for value in values.into_iter::<serde_json::Value>() {
                assert!(value.is_ok(), "{name}:{begin}: {value:?}");
            }
        }
    }
}

/// If this were red, a reader who follows a link would stand before nothing.
#[test]
fn every_link_leads_to_a_page_and_every_page_is_in_the_book() {
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).expect("text");
    for (name, page) in pages() {
        let listed = summary.contains(&format!("]({name})")) || name == "SUMMARY.md";
        assert!(listed, "{name} is not in docs/SUMMARY.md");
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            if path.is_empty() || link.contains("://") || link.contains(char::is_whitespace) {
                continue;
            }
            let from = docs().join(&name);
            let target = from.parent().expect("a folder").join(path);
            assert!(target.exists(), "{name} links to {link}");
            // The book is made of docs/ alone.
            let inside = target.canonicalize().expect("it exists");
            let is_inside = inside.starts_with(docs().canonicalize().expect("it exists"));
            assert!(is_inside, "{name} links out of the book, to {link}");
        }
    }
}

/// If this were red, Rust in the book would be neither compiled nor run.
#[test]
fn every_page_with_rust_is_a_doctest() {
    let doctests = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/book.rs"));
    let doctests = doctests.expect("text");
    for (name, page) in pages() {
        if !blocks(&page, "rust").is_empty() {
            let included = format!("include_str!(\"../../docs/{name}\")");
            assert!(doctests.contains(&included), "{name} is not in sim/src/book.rs");
        }
    }
}

/// A row of the table of exit codes.
struct Row<'a> {
    verb: &'a str,
    code: &'a str,
    command: Option<&'a str>,
    ends_with: Option<i32>,
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [verb, code, _, command] = cells[..] else { panic!("{line} has not four cells") };
        let (command, shown) = match command.strip_prefix('`').and_then(|it| it.split_once('`')) {
            Some((command, rest)) => (Some(command), rest.trim().trim_start_matches("= ")),
            None => (None, ""),
        };
        let ends_with = shown.parse().or_else(|_| code.parse()).ok();
        rows.push(Row { verb: verb.trim_matches('`'), code, command, ends_with });
    }
    rows
}

/// If this were red, a script that acts on an exit code would act on the wrong one.
#[test]
fn every_row_of_the_table_of_exit_codes_is_true() {
    let page = fs::read_to_string(docs().join("exit-codes.md")).expect("text");
    let folder = Folder::new("exit-codes");
    let mut bare = Vec::new();
    for Row { verb, code, command, ends_with } in rows(&page) {
        let Some(command) = command else {
            bare.push((verb, code));
            continue;
        };
        let output = folder.run(command);
        assert!(ends_with.is_some(), "{verb} {code}: {command} needs a code");
        assert_eq!(output.status.code(), ends_with, "{verb}: {command}: {output:?}");
    }
    assert_eq!(bare, [("sample", "1"), ("vectors", "0")], "rows without a command");
}

/// If this were red, the exit codes of a verb would stand nowhere.
#[test]
fn every_verb_has_its_exit_codes_and_examples() {
    let folder = Folder::new("verbs");
    let page = fs::read_to_string(docs().join("exit-codes.md")).expect("text");
    let told = rows(&page).into_iter().map(|row| row.verb.to_owned());
    let told: BTreeSet<String> = told.filter(|verb| *verb != "any").collect();
    let verbs = verbs();
    assert_eq!(verbs, told, "docs/exit-codes.md has other verbs than `lastbyte --help`");
    for verb in verbs {
        let help = folder.run(&format!("lastbyte {verb} --help"));
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let has_verbs = help.contains("\nCommands:");
        assert!(has_verbs || help.contains("Example"), "lastbyte {verb} --help shows no example");
    }
}

/// The verbs that take `--json`, those of `network` and `trace` by both names.
fn with_json(folder: &Folder) -> BTreeSet<String> {
    let listed = |verb: &str| -> Vec<String> {
        let help = folder.run(&format!("lastbyte {verb} --help"));
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let below = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
        let below = below.take_while(|line| !line.is_empty());
        let names = below.filter_map(|line| line.split_whitespace().next());
        let names = names.filter(|name| *name != "help");
        names.map(|name| format!("{verb} {name}").trim().to_owned()).collect()
    };
    let takes = |verb: &String| {
        let help = folder.run(&format!("lastbyte {verb} --help"));
        String::from_utf8_lossy(&help.stdout).contains("--json")
    };
    let verbs = listed("").into_iter().flat_map(|verb| {
        let below = listed(&verb);
        if below.is_empty() { vec![verb] } else { below }
    });
    verbs.filter(takes).collect()
}

/// If this were red, a program that reads what a verb prints would find other fields than it was told.
#[test]
fn what_is_printed_as_json_has_the_fields_of_the_table() {
    let page = fs::read_to_string(docs().join("json.md")).expect("text");
    let folder = Folder::new("json");
    let mut run = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [verb, fields, command] = cells[..] else { panic!("{line} has not three cells") };
        let Some(command) = command.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        let output = folder.run(command);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!printed.is_empty(), "{command}: {output:?}");
        for line in printed.lines() {
            let object: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("{command}: {output:?}"));
            for field in object.as_object().expect("an object").keys() {
                assert!(fields.contains(&format!("`{field}`")), "{verb}: `{field}` is not told");
            }
            // The first of them is one of the object's own, and not of what is in it.
            let first = fields.split('`').nth(1).unwrap_or_default();
            assert!(object.get(first).is_some(), "{verb}: there is no `{first}`");
        }
        run.insert(verb.trim_matches('`').to_owned());
    }
    assert_eq!(run, with_json(&folder), "docs/json.md has other verbs than those with --json");
}
