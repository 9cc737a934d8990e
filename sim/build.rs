//! Makes the copies of the registry of boxes with one mistake each that its tests must catch.
#![expect(clippy::expect_used, reason = "a build that cannot go on must fail")]

use std::{env, fmt::Write, fs, path::PathBuf};

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

fn main() {
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
