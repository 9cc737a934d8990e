//! One part of a sweep: which seeds are its own, and which part the engine that started us means.

use std::{fmt, ops::Range, str::FromStr};

/// Part `index` of `of`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) index: u64,
    pub(super) of: u64,
    pub(super) by: By,
}

/// How seeds are dealt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Neighbours stay together: the first part has the first seeds.
    Slice,
    /// In turn.
    Count,
    /// By a hash of the seed, so that the part of a seed does not depend on the range.
    Hash,
}

impl By {
    const ALL: [By; 3] = [By::Slice, By::Count, By::Hash];

    pub(super) const fn name(self) -> &'static str {
        match self {
            By::Slice => "slice",
            By::Count => "count",
            By::Hash => "hash",
        }
    }

    pub(super) fn named(name: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.name() == name)
    }
}

impl Shard {
    /// All seeds.
    pub(super) const WHOLE: Shard = Shard { index: 1, of: 1, by: By::Slice };

    fn new(index: u64, of: u64, by: By) -> Result<Self, String> {
        if (1..=of).contains(&index) {
            Ok(Shard { index, of, by })
        } else {
            Err(format!("there is no part {index} of {of}; parts are counted from 1"))
        }
    }

    /// Whether this seed of the range is of this part.
    pub(super) fn has(self, seeds: &Range<u64>, seed: u64) -> bool {
        if !seeds.contains(&seed) {
            return false;
        }
        let place = u128::from(seed - seeds.start);
        let (of, len) = (u128::from(self.of), u128::from(seeds.end - seeds.start));
        let part = match self.by {
            By::Slice => place * of / len,
            By::Count => place % of,
            By::Hash => u128::from(mixed(seed)) % of,
        };
        part + 1 == u128::from(self.index)
    }
}

/// The last step of SplitMix64: neighbours have nothing in common.
const fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.by.name(), self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            "write I/N, or slice:I/N, count:I/N or hash:I/N, for part I of N, counted from 1"
                .to_owned()
        };
        let (by, part) = match text.split_once(':') {
            Some((by, part)) => (By::named(by).ok_or_else(form)?, part),
            None => (By::Slice, text),
        };
        let (index, of) = part.split_once('/').ok_or_else(form)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| form());
        Shard::new(number(index)?, number(of)?, by)
    }
}

/// What says how many parts a Kubernetes Job has, which the Job itself does not.
pub(super) const PARTS: &str = "LASTBYTE_SHARDS";

/// A part, and whose variables say so.
pub(super) type Said = Option<(Shard, &'static str)>;

/// The part that the engine around us means, by its variables.
///
/// # Errors
///
/// Variables that say half of it, or two engines that say different things.
pub(super) fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Said, String> {
    let mut said: Said = None;
    for engine in [kubernetes(&get)?, slurm(&get)?, ci(&get)?].into_iter().flatten() {
        if let Some(earlier) = said
            && earlier.0 != engine.0
        {
            return Err(format!(
                "the variables of {} say part {}, those of {} part {}; say which with --shard",
                earlier.1, earlier.0, engine.1, engine.0
            ));
        }
        said = said.or(Some(engine));
    }
    Ok(said)
}

/// A number in a variable.
fn number(get: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<u64>, String> {
    let Some(text) = get(name) else { return Ok(None) };
    let parsed = text.trim().parse();
    parsed
        .map(Some)
        .map_err(|_| format!("{name} is {text:?}, which is no number; unset it, or give --shard"))
}

fn half(has: &str, lacks: &str) -> String {
    format!(
        "{has} is set, and {lacks} is not: this is one part of how many? Set it, or give --shard"
    )
}

/// An indexed Job counts from 0.
fn kubernetes(get: impl Fn(&str) -> Option<String>) -> Result<Said, String> {
    const INDEX: &str = "JOB_COMPLETION_INDEX";
    match (number(&get, INDEX)?, number(&get, PARTS)?) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(half(INDEX, PARTS)),
        (Some(index), Some(of)) => {
            Ok(Some((Shard::new(index.saturating_add(1), of, By::Slice)?, "the Kubernetes Job")))
        }
    }
}

/// An array counts from its minimum by its step.
fn slurm(get: impl Fn(&str) -> Option<String>) -> Result<Said, String> {
    const ID: &str = "SLURM_ARRAY_TASK_ID";
    const COUNT: &str = "SLURM_ARRAY_TASK_COUNT";
    let Some(id) = number(&get, ID)? else { return Ok(None) };
    let Some(of) = number(&get, COUNT)? else { return Err(half(ID, COUNT)) };
    let min = number(&get, "SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
    let step = number(&get, "SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
    let steps = id.checked_sub(min).filter(|ahead| ahead % step == 0).map(|ahead| ahead / step);
    let Some(place) = steps.filter(|place| *place < of) else {
        return Err(format!(
            "task {id} of a Slurm array that begins at {min} and has {of} tasks is no part of it by \
             number; submit a range such as --array=1-{of}, or give --shard"
        ));
    };
    Ok(Some((Shard::new(place + 1, of, By::Slice)?, "the Slurm array")))
}

/// GitLab counts from 1, and says 1 of nothing to a job that is not parallel.
fn ci(get: impl Fn(&str) -> Option<String>) -> Result<Said, String> {
    const INDEX: &str = "CI_NODE_INDEX";
    const TOTAL: &str = "CI_NODE_TOTAL";
    match (number(&get, INDEX)?, number(&get, TOTAL)?) {
        (None, None | Some(0 | 1)) => Ok(None),
        (None, Some(_)) => Err(half(TOTAL, INDEX)),
        (Some(_), None) => Err(half(INDEX, TOTAL)),
        (Some(index), Some(of)) => Ok(Some((Shard::new(index, of, By::Slice)?, "the CI"))),
    }
}
