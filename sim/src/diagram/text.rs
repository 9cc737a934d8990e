//! Texts that may hold anything, made fit to be drawn.

use unicode_width::UnicodeWidthChar;

/// A text in which nothing is left that a terminal, or a reader of text, would obey instead of
/// show: control characters, those that turn the direction of writing, and all others without a
/// width are written as escapes. What is left is as wide as the sum of its characters.
pub(crate) fn neutral(text: &str) -> String {
    let mut neutral = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown(c) {
            neutral.push(c);
        } else {
            neutral.extend(c.escape_default());
        }
    }
    neutral
}

/// As [`neutral`], of a text in lines.
pub(crate) fn shown(text: &str) -> String {
    text.split('\n').map(neutral).collect::<Vec<_>>().join("\n")
}

fn is_shown(c: char) -> bool {
    // Formats that some terminals give a width: soft hyphen, annotations.
    let is_format = matches!(c, '\u{AD}' | '\u{FFF9}'..='\u{FFFB}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    let turns = matches!(
        c,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    );
    // No characters at all. XML has no place for U+FFFE and U+FFFF.
    let is_nothing = (c as u32) & 0xFFFE == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
    let has_width = c.width().is_some_and(|width| width > 0);
    has_width && !is_format && !breaks && !turns && !is_nothing
}

/// How many columns a neutral text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or_default()).sum()
}

/// A neutral text in lines of at most `max` columns, and `max` is at least 2. A line ends at a
/// space, which the end of the line stands for; where there is none, anywhere. Nothing else is
/// left out.
pub(super) fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let fits = fitting(rest, max);
        if fits == rest.len() {
            lines.push(rest.to_owned());
            return lines;
        }
        // A space that itself no longer fits may be the one.
        let looked_at = if rest[fits..].starts_with(' ') { fits + 1 } else { fits };
        match rest[..looked_at].rfind(' ').filter(|&at| at > 0) {
            Some(at) => {
                lines.push(rest[..at].to_owned());
                rest = &rest[at + 1..];
            }
            None => {
                lines.push(rest[..fits].to_owned());
                rest = &rest[fits..];
            }
        }
    }
}

/// The length of what fits, which is one character at least.
fn fitting(text: &str, max: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or_default();
        if used > max && at > 0 {
            return at;
        }
    }
    text.len()
}
