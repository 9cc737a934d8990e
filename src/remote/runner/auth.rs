//! Who may ask: one bearer token, compared in constant time.

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::ConstantTimeEq;

use crate::{Error, ErrorKind};

/// A secret that whoever asks must show. Its text is in no log and no message.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token in `text`, without the white space around it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for one that is empty, or that no header can carry.
    pub fn parse(text: &str) -> Result<Token, Error> {
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let op = "use a token: it is empty or has other than visible ASCII characters; take one that \
                      has letters and digits alone";
            return Err(Error::new(ErrorKind::InvalidArgument, op));
        }
        Ok(Token(token.to_owned()))
    }

    /// The value of a header that shows it.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether a request shows it. How long that takes says nothing of where it differs.
    pub(super) fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        // The scheme's name is in any case (RFC 9110 section 11.1).
        let Some((scheme, token)) = shown.and_then(|shown| shown.split_at_checked(7)) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(token.ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
