//! How sure a rate is: Clopper-Pearson bounds, which are exact for independent runs.

/// Where the true rate lies, with a confidence of at least 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// What either bound may miss: half of 5 %.
const TAIL: f64 = 0.025;

/// Halvings of the range from 0 to 1: well below what is printed.
const HALVINGS: u32 = 40;

/// The bounds for a rate that showed itself `hits` times in `runs`.
pub(super) fn clopper_pearson(hits: u32, runs: u32) -> Interval {
    if runs == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    // Both chances rise and fall with the rate, so halving finds where they are the tail's.
    let low = match hits {
        0 => 0.0,
        _ => halve(|rate| 1.0 - at_most(hits - 1, runs, rate) < TAIL),
    };
    let high = match hits {
        _ if hits == runs => 1.0,
        _ => halve(|rate| at_most(hits, runs, rate) > TAIL),
    };
    Interval { low, high }
}

/// The largest rate below which `holds`.
fn halve(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The chance of at most `hits` in `runs` at this rate, strictly between 0 and 1. By logarithms:
/// the terms of many runs are too small to be told.
fn at_most(hits: u32, runs: u32, rate: f64) -> f64 {
    let (yes, no) = (rate.ln(), (1.0 - rate).ln());
    let mut ways = 0.0_f64;
    let mut chance = 0.0;
    for hit in 0..=hits {
        if hit > 0 {
            ways += f64::from(runs - hit + 1).ln() - f64::from(hit).ln();
        }
        chance += (ways + f64::from(hit) * yes + f64::from(runs - hit) * no).exp();
    }
    chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_bounds(hits: u32, runs: u32, low: f64, high: f64) {
        let found = clopper_pearson(hits, runs);
        let close = |one: f64, other: f64| (one - other).abs() < 0.00005;
        assert!(close(found.low, low) && close(found.high, high), "{hits} of {runs}: {found:?}");
    }

    /// If this were red, a rate would be said to be surer than it is. The bounds at the edges have
    /// closed forms; the others are those of published tables.
    #[test]
    fn bounds_are_those_of_the_tables() {
        assert_bounds(0, 1, 0.0, 0.975);
        assert_bounds(0, 100, 0.0, 1.0 - 0.025_f64.powf(0.01));
        assert_bounds(100, 100, 0.025_f64.powf(0.01), 1.0);
        assert_bounds(5, 10, 0.1871, 0.8129);
        assert_bounds(1, 20, 0.0013, 0.2487);
        assert_bounds(10, 100, 0.0490, 0.1762);
        assert_bounds(0, 0, 0.0, 1.0);
    }

    /// If this were red, many runs would make the bounds nonsense.
    #[test]
    fn many_runs_have_bounds_too() {
        let Interval { low, high } = clopper_pearson(50_000, 100_000);
        assert!(0.4968 < low && low < 0.4970 && 0.5030 < high && high < 0.5032, "{low} {high}");
    }
}
