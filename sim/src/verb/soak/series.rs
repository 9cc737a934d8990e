//! What a soak has of the system over time: as many looks as can be drawn, however long it takes.

use super::census::Census;

/// One look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Since the soak began.
    pub(super) seconds: f64,
    /// Executions that were over.
    pub(super) executions: u64,
    pub(super) census: Census,
}

/// Looks, thinned out as they become many: each stands for those before it, by the most of each count.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    looks: Vec<Look>,
    /// Looks that are one, by halvings.
    halvings: u32,
    /// Of the looks that are not yet one.
    pending: u32,
    most: Census,
}

/// More cannot be seen on a screen.
const LOOKS_MAX: usize = 400;

impl Series {
    pub(super) fn add(&mut self, look: Look) {
        self.most = self.most.max(look.census);
        self.pending += 1;
        if self.pending < 1 << self.halvings {
            return;
        }
        self.looks.push(Look { census: self.most, ..look });
        (self.pending, self.most) = (0, Census::default());
        if self.looks.len() == LOOKS_MAX {
            self.halve();
        }
    }

    /// Each two looks become one.
    fn halve(&mut self) {
        let one = |two: &[Look]| {
            let last = two.last().copied()?;
            let census = two.iter().fold(Census::default(), |most, look| most.max(look.census));
            Some(Look { census, ..last })
        };
        self.looks = self.looks.chunks(2).filter_map(one).collect();
        self.halvings += 1;
    }

    pub(super) fn looks(&self) -> &[Look] {
        &self.looks
    }
}

#[cfg(test)]
mod tests {
    use super::{Census, LOOKS_MAX, Look, Series};

    /// If this were red, a soak of days would have a page of days, or one without its worst moment.
    #[test]
    fn however_many_looks_there_are_few_are_kept_and_the_highest_is_one_of_them() {
        for worst in [0, 1, 2, 3, 500, 501, 54_320, 54_321] {
            let mut series = Series::default();
            for at in 0..100_000_u64 {
                let descriptors = if at == worst { 99 } else { 7 };
                let census = Census { descriptors, ..Census::default() };
                series.add(Look { seconds: at as f64, executions: at, census });
            }
            let looks = series.looks();
            assert!((LOOKS_MAX / 2..=LOOKS_MAX).contains(&looks.len()), "{}", looks.len());
            assert!(looks.is_sorted_by_key(|look| look.executions));
            let highest = looks.iter().max_by_key(|look| look.census.descriptors);
            let highest = highest.expect("looks");
            assert_eq!(highest.census.descriptors, 99, "{worst} is not there");
            assert!(highest.executions.abs_diff(worst) < 1000, "{worst}: {highest:?}");
        }
    }
}
