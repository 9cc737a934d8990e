//! The figures as a plot: one group of bars a case, with the spread of each as a line.

use core::fmt::Write;

use crate::measured::{Case, Taken};

const LEFT: f64 = 150.0;
const WIDTH: f64 = 520.0;
const BAR: f64 = 18.0;

/// All cases, one below the other.
pub(crate) fn svg(cases: &[(Case, Vec<Taken>)]) -> String {
    let mut body = String::new();
    let mut y = 10.0;
    for (case, taken) in cases {
        y += 22.0;
        let better = if case.unit.more_is_better() { "longer" } else { "shorter" };
        let unit = case.unit.name();
        let _title = writeln!(
            body,
            "<text x=\"10\" y=\"{y}\" font-weight=\"bold\">{}, {unit} ({better} is better)</text>",
            case.title
        );
        y += 8.0;
        let most = taken.iter().map(|each| each.spread(case)[2]).fold(f64::MIN_POSITIVE, f64::max);
        for each in taken {
            bar(&mut body, y, each.peer, each.spread(case), most);
            y += BAR + 4.0;
        }
    }
    let (width, height) = (LEFT + WIDTH + 90.0, y + 10.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    )
}

fn bar(body: &mut String, y: f64, peer: &str, [median, least, most]: [f64; 3], longest: f64) {
    let x = |value: f64| LEFT + value / longest * WIDTH;
    let colour = if peer.starts_with("lastbyte") { "#1b6ca8" } else { "#a9b4bd" };
    let (middle, text) = (y + BAR / 2.0, y + BAR - 5.0);
    let _bar = writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{peer}</text>\n\
         <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
         <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"black\"/>\n\
         <text x=\"{:.1}\" y=\"{text:.1}\">{median:.3}</text>",
        LEFT - 6.0,
        x(median) - LEFT,
        x(least),
        x(most),
        x(most).max(x(median)) + 5.0,
    );
}
