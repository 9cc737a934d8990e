//! The figures as a table, in Markdown.

use core::fmt::Write;

use crate::measured::{Case, Taken};

/// One case: every peer with its spread, and how it stands to us.
pub(crate) fn of_case(case: &Case, taken: &[Taken]) -> String {
    let mut text = String::new();
    let _title = writeln!(text, "\n## {}\n", case.title);
    let unit = case.unit.name();
    let _head = writeln!(
        text,
        "| peer | median, {unit} | least | most | lastbyte is | rounds | processor, s | peak memory, MB | sleeps |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    let ours = taken.iter().find(|taken| taken.peer == "lastbyte");
    for each in taken {
        let [median, least, most] = each.spread(case);
        let ratio = ours.map_or(f64::NAN, |ours| each.times(ours));
        let _row = writeln!(
            text,
            "| {} | {median:.3} | {least:.3} | {most:.3} | {ratio:.2}x as fast | {} | {:.2} | {:.1} | {} |",
            each.peer,
            each.seconds.len(),
            each.cpu(),
            each.peak_kb as f64 / 1e3,
            each.sleeps,
        );
    }
    text
}
