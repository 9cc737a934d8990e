//! The header: made from the source, checked in, and one that C and C++ take.

use std::{fs, path::Path, process::Command};

use crate::library::{manifest, scratch};

fn generated() -> String {
    let config = cbindgen::Config::from_file(manifest("cbindgen.toml")).expect("a configuration");
    // It reads the modules that this one names.
    let builder =
        cbindgen::Builder::new().with_config(config).with_src(manifest("src/capi/mod.rs"));
    let mut header = Vec::new();
    builder.generate().expect("cbindgen reads the sources").write(&mut header);
    String::from_utf8(header).expect("a header is text")
}

/// If this were red, C programs would be compiled against another ABI than they are linked with.
/// `UPDATE_HEADER=1 cargo test --test capi header` writes it anew.
#[test]
fn the_header_is_the_one_that_the_source_makes() {
    let path = manifest("include/lastbyte.h");
    let header = generated();
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, &header).expect("the header is written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == header, "include/lastbyte.h differs; UPDATE_HEADER=1 writes it anew");
}

fn compiles(compiler: &str, standard: &str, extension: &str) {
    let source = scratch(&format!("header-{standard}.{extension}"));
    fs::write(&source, "#include <lastbyte.h>\nint main(void) { return 0; }\n").expect("written");
    let compiled = Command::new(compiler)
        .args([&format!("-std={standard}"), "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(["-fsyntax-only", "-I"])
        .arg(manifest("include"))
        .arg(&source)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
}

/// If this were red, a C program in its oldest usual dialect, or one in C++, could not use it.
#[test]
fn the_header_is_c99_and_cpp() {
    compiles("gcc", "c99", "c");
    compiles("gcc", "c17", "c");
    compiles("g++", "c++11", "cc");
    compiles("g++", "c++20", "cc");
}

/// If this were red, a reader of the header would not be told what a function does.
#[test]
fn every_function_of_the_header_says_what_it_does() {
    let header = fs::read_to_string(manifest("include/lastbyte.h")).expect("the header");
    let mut before = "";
    let mut functions = 0;
    for line in header.lines() {
        if !line.starts_with([' ', '/']) && line.contains("lastbyte_") && line.contains('(') {
            functions += usize::from(!line.starts_with("typedef"));
            assert!(before.starts_with("//"), "{line}");
        }
        before = line;
    }
    assert_eq!(functions, crate::symbols::documented().len());
    assert!(Path::new(&manifest("docs/c.md")).exists());
}
