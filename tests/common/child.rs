//! The child of the tests: writes what they can check byte by byte.
//!
//! `pattern N`: N bytes of the pattern to stdout. `one-page N`: the same, through a pipe that it has
//! shrunk to one page. `small N`: the same, 32 bytes a write.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "mod.rs"]
mod common;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["pattern", bytes] => pattern(bytes.parse().expect("a number of bytes"), usize::MAX),
        ["small", bytes] => pattern(bytes.parse().expect("a number of bytes"), 32),
        ["one-page", bytes] => {
            rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdout(), 1).expect("it is a pipe");
            pattern(bytes.parse().expect("a number of bytes"), usize::MAX);
        }
        ref other => panic!("no mode {other:?}"),
    }
}

/// So many bytes of the pattern, at most so many a write.
fn pattern(bytes: u64, write: usize) {
    let mut block = common::block();
    // Not std's, which gathers lines.
    let stdout = rustix::stdio::stdout();
    let (mut left, mut number) = (bytes, 0_u64);
    while left > 0 {
        block[..8].copy_from_slice(&number.to_le_bytes());
        let len = left.min(block.len() as u64);
        for mut piece in block[..len as usize].chunks(write) {
            while !piece.is_empty() {
                let written = rustix::io::write(stdout, piece).expect("the pipe takes it");
                piece = &piece[written..];
            }
        }
        left -= len;
        number += 1;
    }
}
