//! A count over time, drawn.

use std::fmt::Write;

use crate::diagram::escaped;

/// A count over time.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Of what, such as `descriptors`.
    pub name: String,
    /// Seconds and counts, by time.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 130.0;
/// Around the drawing; the texts stand there.
const LEFT: f64 = 48.0;
const ABOVE: f64 = 12.0;
const BELOW: f64 = 24.0;

impl Curve {
    /// The most that there was.
    pub fn most(&self) -> f64 {
        self.points.iter().map(|&(_, count)| count).fold(0.0, f64::max)
    }

    /// Draws it, from 0 to the most.
    pub fn svg(&self) -> String {
        let last = self.points.last().map_or(0.0, |&(seconds, _)| seconds);
        let (foot, right) = (HEIGHT - BELOW, WIDTH - 8.0);
        let most = self.most();
        let across = |seconds: f64| LEFT + share(seconds, last) * (right - LEFT);
        let up = |count: f64| foot - share(count, most) * (foot - ABOVE);
        let mut way = String::new();
        for (place, &(seconds, count)) in self.points.iter().enumerate() {
            let word = if place == 0 { 'M' } else { 'L' };
            // Writing to a string does not fail.
            let _never = write!(way, "{word}{:.1} {:.1}", across(seconds), up(count));
        }
        let name = escaped(&format!("{} over time: at most {}", self.name, figure(most)));
        let (most, last) = (figure(most), time(last));
        let (text, seconds) = (LEFT - 6.0, HEIGHT - 8.0);
        format!(
            r#"<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}"><path class="frame" d="M{LEFT} {ABOVE}V{foot}H{right}"/><path class="line" d="{way}"/><text class="end" x="{text}" y="{}">{most}</text><text class="end" x="{text}" y="{foot}">0</text><text x="{LEFT}" y="{seconds}">0 s</text><text class="end" x="{right}" y="{seconds}">{last}</text></svg>"#,
            ABOVE + 8.0
        )
    }
}

/// Of a whole that may be nothing.
fn share(of: f64, whole: f64) -> f64 {
    if whole > 0.0 { (of / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn figure(count: f64) -> String {
    if count < 10.0 && count.fract() > 0.0 {
        format!("{count:.1}")
    } else {
        super::grouped(count.round() as u64)
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        short if short < 10.0 => format!("{short:.1} s"),
        seconds if seconds < 600.0 => format!("{seconds:.0} s"),
        long => format!("{:.0} min", long / 60.0),
    }
}
