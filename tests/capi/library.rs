//! The library as C links it, and C programs built against it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// A file of the project.
pub(crate) fn manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the tests' own.
pub(crate) fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The folder with `liblastbyte.a` and `liblastbyte.so`.
pub(crate) fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// As cargo-c builds them: the crate types are asked for, the manifest names none.
fn build() -> PathBuf {
    let target = scratch("library");
    let built = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--locked", "--package", "lastbyte", "--lib"])
        .args(["--no-default-features", "--features", "capi"])
        .args(["--crate-type", "cdylib", "--crate-type", "staticlib", "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "cargo builds the library");
    target.join("debug")
}

/// The system's libraries that a static library needs: those of Rust's own, and no more.
pub(crate) const NATIVE_LIBRARIES: [&str; 3] = ["-lpthread", "-ldl", "-lm"];

/// Flags under which no program may warn.
const STRICT: [&str; 6] = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];

/// Builds a C program of the tests against the static library.
pub(crate) fn program(name: &str, more: &[&str]) -> PathBuf {
    program_from(&manifest("tests/capi").join(name), more)
}

pub(crate) fn program_from(source: &Path, more: &[&str]) -> PathBuf {
    let name = source.file_stem().expect("a file").to_string_lossy().into_owned();
    let binary = scratch(&format!("{name}{}", more.concat().replace(['/', '='], "_")));
    let compiled = Command::new("gcc")
        .args(STRICT)
        .args(more)
        .arg("-D_POSIX_C_SOURCE=200809L")
        .arg("-I")
        .arg(manifest("include"))
        .arg(source)
        .arg(library().join("liblastbyte.a"))
        .args(NATIVE_LIBRARIES)
        .arg("-o")
        .arg(&binary)
        .output()
        .expect("gcc is there");
    assert!(compiled.status.success(), "{}: {}", source.display(), text(&compiled.stderr));
    binary
}

/// Valgrind, which fails a program that misuses memory or leaks it, or leaves a descriptor open.
pub(crate) fn valgrind() -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all"])
        .args(["--errors-for-leak-kinds=definite,indirect", "--fair-sched=yes"])
        // A child that is forked is not looked at: it execs.
        .args(["--child-silent-after-fork=yes", "--trace-children=no"]);
    valgrind
}

/// Runs a program that says nothing and exits with 0, or says what went wrong.
pub(crate) fn run(program: &mut Command) -> Output {
    let output = program.output().expect("it starts");
    assert!(
        output.status.success(),
        "{program:?}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
