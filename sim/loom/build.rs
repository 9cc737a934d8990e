//! Compiles this package, and no other, with `cfg(loom)`: no RUSTFLAGS, plain `cargo test`. Makes
//! the sabotaged copies of the ordering core that the models are tried on.
#![expect(clippy::expect_used, reason = "a build that cannot go on must fail")]

use std::{env, fmt::Write, fs, path::PathBuf};

#[path = "edits.rs"]
mod edits;

const SOURCE: &str = "../../src/ordering.rs";

fn main() {
    for file in ["build.rs", "edits.rs", SOURCE] {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rustc-cfg=loom");
    // The production package has these features; here they are left off, and not even offered.
    println!(
        "cargo::rustc-check-cfg=cfg(feature, values(\"capi\", \"json\", \"process\", \"remote\", \"tokio\"))"
    );

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to build"));
    let text = fs::read_to_string(SOURCE).expect("the production source is there");
    let mut modules = format!("pub(crate) const SABOTAGES: [&str; {}] = [\n", edits::EDITS.len());
    for edit in edits::EDITS {
        writeln!(modules, "    {:?},", edit.name).expect("a string takes it");
    }
    modules.push_str("];\n");
    for edit in edits::EDITS {
        let path = out.join(format!("{}.rs", edit.name));
        fs::write(&path, edit.apply(&text)).expect("the copy is written");
        writeln!(modules, "sabotaged!({}, {path:?}, {:?});", edit.name, edit.wrong)
            .expect("a string takes it");
    }
    fs::write(out.join("sabotaged.rs"), modules).expect("the list is written");
}
