//! House rules that a machine can check: what stands where, and that docs tell the truth.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `folder` with this extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn rust_files() -> Vec<PathBuf> {
    ["benches", "src", "sim", "tests"].iter().flat_map(|folder| files(folder, "rs")).collect()
}

/// If this were red, a reader would have to read a file to learn what it is.
#[test]
fn every_file_says_first_what_it_is() {
    for path in rust_files() {
        // A crate's front page is its README.
        let first = read(&path).lines().next().unwrap_or_default().to_owned();
        let opens = first.starts_with("//!") || first.contains("include_str!");
        assert!(opens, "{} does not open with `//!`", shown(&path));
    }
}

/// If this were red, a reader of a C program would have to guess what it shows.
#[test]
fn every_c_file_says_first_what_it_is() {
    for folder in ["benches", "include", "tests", "ports"] {
        for path in files(folder, "c").into_iter().chain(files(folder, "h")) {
            assert!(read(&path).starts_with("/*"), "{} does not open with `/*`", shown(&path));
        }
    }
}

/// If this were red, a reader of the port to Go would have to read a file to learn what it is.
#[test]
fn every_go_file_says_first_what_it_is() {
    let files = files("ports/go", "go");
    assert!(!files.is_empty(), "no file of the port to Go was found");
    for path in files {
        assert!(read(&path).starts_with("// "), "{} does not open with `//`", shown(&path));
    }
}

/// If this were red, what loom proves would not be what ships.
#[test]
fn one_production_file_says_loom() {
    let saying: Vec<String> = files("src", "rs")
        .iter()
        .filter(|path| read(path).contains("loom"))
        .map(|path| shown(path))
        .collect();
    assert_eq!(saying, ["src/sync.rs"]);
}

/// If this were red, the machine would depend on something that an explorer cannot explore.
#[test]
fn machine_and_monitor_import_only_the_machine() {
    for folder in ["src/machine", "src/monitor"] {
        for path in files(folder, "rs") {
            for line in read(&path).lines().map(str::trim) {
                let Some(import) = line.strip_prefix("use ").or(line.strip_prefix("pub use "))
                else {
                    continue;
                };
                let own = ["alloc::", "core::", "super::", "crate::machine"]
                    .iter()
                    .chain(&["backlog::", "input::", "lane::", "output::", "policy::"])
                    .chain(&["rule::", "signal::", "stream::", "terminal::", "watch::"])
                    .any(|allowed| import.starts_with(allowed));
                assert!(own, "{} imports {import}", shown(&path));
            }
        }
    }
}

/// If this were red, the registry of boxes would depend on something that an explorer cannot
/// explore: a clock, a runtime, I/O.
#[test]
fn the_lifecycle_imports_only_itself_and_the_table_of_errors() {
    for path in files("src/remote/lifecycle", "rs") {
        for line in read(&path).lines().map(str::trim) {
            let Some(import) = line.strip_prefix("use ").or(line.strip_prefix("pub use ")) else {
                continue;
            };
            let own = ["core::fmt", "std::collections::BTreeMap", "super::", "crate::error::"]
                .iter()
                .chain(&["input::", "output::", "registry::", "resources::", "state::"])
                .any(|allowed| import.starts_with(allowed));
            assert!(own, "{} imports {import}", shown(&path));
        }
    }
}

/// If this were red, a test would pass or fail by how busy the computer is.
#[test]
fn no_test_sleeps() {
    // Built here, so that this file does not match itself.
    let sleeps = ["thread::sle", "time::sle"].map(|prefix| format!("{prefix}ep("));
    // There time is virtual, and sleeping is what is explored.
    let virtual_time = ["sim/src/executor/", "sim/src/zoo/"];
    for path in files("tests", "rs").into_iter().chain(files("sim", "rs")) {
        if virtual_time.iter().any(|folder| shown(&path).starts_with(folder)) {
            continue;
        }
        let text = read(&path);
        for sleep in &sleeps {
            assert!(!text.contains(sleep), "{} calls {sleep})", shown(&path));
        }
    }
}

/// If this were red, a rule of the contract would have no test that a reader could find by name.
#[test]
fn every_rule_that_exists_has_a_test_of_its_name() {
    let tests: String = rust_files().iter().map(|path| read(path)).collect();
    let contract = read(&root().join("docs/contract.md"));
    for rule in 1..=20 {
        assert!(contract.contains(&format!("**C{rule} ")), "C{rule} is not in the contract");
        assert!(tests.contains(&format!("fn c{rule:02}_")), "no test is named after C{rule}");
    }
}

/// If this were red, the docs would send a reader to a file that is not there.
#[test]
fn every_path_in_the_docs_exists() {
    let docs = files("docs", "md").into_iter().chain([root().join("README.md")]);
    for doc in docs {
        for word in read(&doc).split(|c: char| c.is_whitespace() || "`(),;".contains(c)) {
            let is_path =
                ["src/", "sim/", "tests/", "docs/", "fuzz/", "vectors/", "ports/", "benches/"]
                    .iter()
                    .any(|folder| word.starts_with(folder));
            if !is_path || word.contains('{') {
                continue;
            }
            let path = word.trim_end_matches(['.', ':']);
            assert!(root().join(path).exists(), "{} names {path}", shown(&doc));
        }
    }
}

/// If this were red, a reader with the README's compiler could not build.
#[test]
fn the_readme_names_the_minimum_rust_version() {
    let manifest = read(&root().join("Cargo.toml"));
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .expect("Cargo.toml states rust-version");
    assert!(read(&root().join("README.md")).contains(&format!("Rust {version} or newer")));
}

/// If this were red, whoever copies the first examples would copy what does not compile.
#[test]
fn the_first_examples_compile_as_they_are_copied() {
    for page in ["README.md", "docs/start.md"] {
        let text = read(&root().join(page));
        let examples: Vec<&str> = text.split("```rust\n").skip(1).collect();
        assert!(!examples.is_empty(), "{page} has no example");
        for example in examples {
            let code = example.split("```").next().unwrap_or_default();
            // A doctest hides such lines, and a reader of Markdown sees them.
            let hidden = code.lines().find(|line| line.starts_with("# "));
            assert_eq!(hidden, None, "{page}");
            assert!(code.contains("fn main()"), "{page} has an example without its main");
        }
    }
}
