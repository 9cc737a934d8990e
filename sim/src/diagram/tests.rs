//! Real schedules and hostile texts, in both drawings.

mod drawn;
mod kept;
mod matched;

use super::Row;

fn row(lane: &str, text: &[&str]) -> Row {
    Row { lane: lane.into(), text: text.iter().map(|&text| text.into()).collect() }
}

/// What a child can write to take over a terminal, or a picture.
const HOSTILE: [&str; 9] = [
    "writes \"\u{1b}[2J\u{1b}]0;owned\u{7}\" to stdout",
    "writes \"</text><script>alert('x')</script>&amp;<!--\" to stdout",
    "writes \"]]>\r\n\tnext\u{0}\u{9b}31m\u{85}\" to stderr",
    "writes \"\u{202e}drawkcab\u{2066}\u{200f}\u{feff}\u{200b}\u{2028}\" to stdout",
    "writes \"日本語の出力は二倍の幅がある、そして長い\" to stdout",
    "writes \"👩\u{200d}👩\u{200d}👧 e\u{301}\u{302}\u{303}\" to stdout",
    "writes \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\" to stdout",
    "two  spaces,   three    four ",
    "\u{fffe}\u{ffff}\u{fdd0}\u{10ffff}\u{e000}\u{e0041}",
];
