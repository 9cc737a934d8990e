//! Makes the copies of the registry of boxes with one mistake each that its tests must catch, and names
//! the code that simulates by its text.
#![expect(clippy::expect_used, reason = "a build that cannot go on must fail")]

use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

#[path = "tests/lifecycle/edits.rs"]
mod edits;

const FOLDER: &str = "../src/remote/lifecycle";

/// What stands around a copy: the vocabulary is the production one.
const ROOT: &str = "//! The registry with one mistake.
#![allow(warnings, clippy::all, reason = \"a copy with a mistake of text that is checked where it stands\")]
mod home;
mod registry;
use lastbyte::remote::lifecycle::{
    Action, BoxId, BoxState, Call, Done, ExecId, ExecState, Illegal, Input, Limits, Refusal,
    Report, Request, Resources,
};
pub(crate) use registry::Lifecycle;
";

/// What decides what a seed of the simulated network comes to, beside the versions of libraries.
const SIMULATED: [&str; 4] = ["../src", "src/network", "src/executor", "src/dice.rs"];

fn main() {
    println!("cargo::rustc-env=LASTBYTE_CODE={}", code());
    let sources = ["home.rs", "registry.rs"].map(|name| (name, format!("{FOLDER}/{name}")));
    for file in ["build.rs", "tests/lifecycle/edits.rs", &sources[0].1, &sources[1].1] {
        println!("cargo::rerun-if-changed={file}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to build"));
    let texts = sources.map(|(name, path)| {
        (name, fs::read_to_string(path).expect("the production source is there"))
    });
    let mut modules = String::new();
    for edit in edits::EDITS {
        let folder = out.join(edit.name);
        fs::create_dir_all(&folder).expect("the copy has a place");
        edit.check(&texts);
        for (name, text) in &texts {
            let copy = edit.apply(text).replace("crate::error", "lastbyte::error");
            fs::write(folder.join(name), copy).expect("the copy is written");
        }
        let root = folder.join("mod.rs");
        fs::write(&root, ROOT).expect("the copy is written");
        writeln!(modules, "mistaken!({}, {root:?});", edit.name).expect("a string takes it");
    }
    writeln!(
        modules,
        "fn caught() -> Vec<(&'static str, &'static str, BTreeSet<Promise>)> {{ vec!["
    )
    .expect("a string takes it");
    for edit in edits::EDITS {
        let (name, breaks) = (edit.name, edit.breaks.join(" "));
        let make = format!("|limits| Mutant(Box::new({name}::Lifecycle::new(limits)))");
        writeln!(modules, "({name:?}, {breaks:?}, broken({make})),").expect("a string takes it");
    }
    modules.push_str("] }\n");
    fs::write(out.join("mistaken.rs"), modules).expect("the list is written");
}

/// A name for the code that simulates: the same for the same text.
fn code() -> String {
    let mut files = vec![PathBuf::from("../Cargo.lock")];
    for path in SIMULATED {
        println!("cargo::rerun-if-changed={path}");
        gather(Path::new(path), &mut files);
    }
    println!("cargo::rerun-if-changed=../Cargo.lock");
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        // The name too: a file that moves is another text.
        let text = fs::read(&file).expect("the source is there");
        let name = file.to_string_lossy().into_owned();
        for byte in name.bytes().chain([0]).chain(text).chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

fn gather(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the folder is there") {
            gather(&entry.expect("the folder is there").path(), files);
        }
    } else {
        files.push(path.to_owned());
    }
}
