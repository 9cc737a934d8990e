//! The child of the tests: writes what they can check byte by byte.
//!
//! `pattern N`: N bytes of the pattern to stdout. `one-page N`: the same, through a pipe that it has
//! shrunk to one page.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "mod.rs"]
mod common;

use std::io::{Write, stdout};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pattern", bytes] => pattern(bytes.parse().expect("a number of bytes")),
        ["one-page", bytes] => {
            rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdout(), 1).expect("it is a pipe");
            pattern(bytes.parse().expect("a number of bytes"));
        }
        ref other => panic!("no mode {other:?}"),
    }
}

fn pattern(bytes: u64) {
    let mut block = common::block();
    let mut stdout = stdout().lock();
    let (mut left, mut number) = (bytes, 0_u64);
    while left > 0 {
        block[..8].copy_from_slice(&number.to_le_bytes());
        let len = left.min(block.len() as u64);
        stdout.write_all(&block[..len as usize]).expect("the pipe takes it");
        left -= len;
        number += 1;
    }
}
