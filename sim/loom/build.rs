//! Compiles this package, and no other, with `cfg(loom)`: no RUSTFLAGS, plain `cargo test`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=loom");
    // The production package has these features; here they are left off, and not even offered.
    println!("cargo::rustc-check-cfg=cfg(feature, values(\"process\", \"tokio\"))");
}
