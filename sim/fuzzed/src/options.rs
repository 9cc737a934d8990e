//! The words of a command line, read as the command reads them, and the tokens that it takes.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use lastbyte_sim::{command_line, network, schedule};

/// Reads the command line that these bytes are: words that end with a NUL, without the program's.
///
/// # Panics
///
/// A refusal that says nothing, or a token that is read as two.
pub fn options(data: &[u8]) {
    let words = data.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    if let Err(refused) = command_line::check(words) {
        assert!(!refused.trim().is_empty(), "a refusal that says nothing");
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(token) = schedule::Token::parse(&text) {
        let again = schedule::Token::parse(&token.to_string());
        assert_eq!(again, Ok(token));
    }
    if let Ok(token) = text.parse::<network::token::Token>() {
        let again = token.to_string().parse();
        assert_eq!(again, Ok(token));
    }
}
