//! The page for C programmers: its program is compiled and run, and so is the way to link it.

use std::{fs, process::Command};

use crate::library::{NATIVE_LIBRARIES, library, manifest, program_from, run, scratch, text};

fn page() -> String {
    fs::read_to_string(manifest("docs/c.md")).expect("the page")
}

/// The first block of this language after `from`.
fn block<'a>(page: &'a str, from: &str, language: &str) -> &'a str {
    let rest = page.split_once(from).expect("the heading").1;
    let rest = rest.split_once(&format!("```{language}\n")).expect("a block").1;
    rest.split_once("```").expect("its end").0
}

/// If this were red, the first program that a reader copies would not compile, or would lie about
/// what it prints.
#[test]
fn the_program_of_the_page_prints_what_the_page_says() {
    let page = page();
    let source = scratch("page.c");
    fs::write(&source, block(&page, "## A program", "c")).expect("written");
    let output = run(&mut Command::new(program_from(&source, &[])));
    assert_eq!(text(&output.stdout), block(&page, "It prints:", "text"));
    assert_eq!(text(&output.stderr), "");
}

/// If this were red, a program that links as the pkg-config file says would not link.
#[test]
fn the_pkg_config_file_names_what_a_static_link_needs() {
    let told = fs::read_to_string(manifest("lastbyte.pc.in")).expect("the template");
    assert!(told.contains(&format!("Libs.private: {}\n", NATIVE_LIBRARIES.join(" "))));
    assert!(told.contains("@prefix@") && told.contains("Version: @version@"));
    assert!(page().contains(&NATIVE_LIBRARIES.join(" ")));
}

/// If this were red, a program could be linked with the static library only.
#[test]
fn a_program_runs_with_the_shared_library() {
    let source = scratch("page-shared.c");
    fs::write(&source, block(&page(), "## A program", "c")).expect("written");
    let binary = scratch("page-shared");
    run(Command::new("gcc")
        .args(["-std=c99", "-I"])
        .arg(manifest("include"))
        .arg(&source)
        .arg("-L")
        .arg(library())
        .arg(format!("-Wl,-rpath,{}", library().display()))
        .args(["-llastbyte", "-o"])
        .arg(&binary));
    run(&mut Command::new(binary));
}
