//! A schedule as one printable token, and its replay.
//!
//! `stock:plain:3:2:0213:9f1c`: the design, the world, its chunks and waiters, the choice made at
//! each step (a digit or letter each), and a check of what those choices are called. When the code
//! changed under a token, the check says so.

use std::{fmt, hash::Hasher};

use lastbyte::{
    machine::{Event, Streams},
    monitor::Broken,
};
use rustc_hash::FxHasher;

use crate::{
    bytes::Bytes,
    catalogue::{Place, Specimen, specimens},
    design::Design,
    explorer::broken_by,
    world::{Bounds, World},
};

/// What happened at each step of a schedule.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// The choices, in words, and what followed from each.
    pub steps: Vec<Told>,
    /// The rule that broke at the end.
    pub broken: Option<Broken>,
    /// A choice that there is not: the code is not the one that the schedule was made with.
    pub diverged_at: Option<usize>,
}

/// One step in words.
#[derive(Clone, Debug)]
pub struct Told {
    /// Who made it happen.
    pub who: String,
    /// What happened.
    pub choice: String,
    /// What followed: an event, resolved waiters, actions.
    pub follows: String,
}

/// Runs a schedule again.
pub fn replay<D: Design>(bounds: &Bounds, schedule: &[u8]) -> Replayed {
    let mut world = World::<D>::new(bounds);
    let mut replayed = Replayed::default();
    for (step, &place) in schedule.iter().enumerate() {
        let choices = world.choices(bounds);
        let Some(&choice) = choices.get(place as usize) else {
            replayed.diverged_at = Some(step);
            return replayed;
        };
        let follows = world.peek(bounds, choice).map(|step| tell(&step, bounds.streams));
        let follows = follows.unwrap_or_else(|| "refused".to_owned());
        let taken = world.take(bounds, choice);
        replayed.steps.push(Told { who: choice.who(), choice: choice.to_string(), follows });
        if let Err(wrong) = taken {
            replayed.broken = Some(broken_by(wrong));
            return replayed;
        }
    }
    let quiet = world.choices(bounds).is_empty();
    replayed.broken =
        world.probe(bounds).err().or_else(|| quiet.then(|| world.finish(bounds).err()).flatten());
    replayed
}

fn tell(step: &lastbyte::machine::Step<Bytes>, streams: Streams) -> String {
    let mut parts = Vec::new();
    match &step.event {
        Some(Event::Chunk { stream, chunk }) => {
            parts.push(match chunk.len {
                1 => format!("chunk {} of {stream}", chunk.at + 1),
                len => format!("chunk {} to {} of {stream}", chunk.at + 1, chunk.at + len),
            });
        }
        Some(Event::Gap { stream, bytes }) => parts.push(format!("gap of {bytes} in {stream}")),
        Some(Event::End { stream, end }) => parts.push(format!("end of {stream}: {}", end.name())),
        Some(Event::Exit(terminal)) => parts.push(format!("exit: {}", terminal.status)),
        None => {}
    }
    if step.resolved.exited > 0 {
        parts.push(format!("{} wait(s) for the exit resolve", step.resolved.exited));
    }
    if step.resolved.terminal > 0 {
        parts.push(format!("{} wait(s) for the terminal resolve", step.resolved.terminal));
    }
    parts.extend(step.actions.list(streams).map(|action| format!("{action:?}")));
    parts.join("; ")
}

/// A schedule with all that is needed to run it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The design's name.
    pub design: String,
    /// The world's name.
    pub world: String,
    /// Chunks per stream, as given to [`Specimen::places`].
    pub chunks: u8,
    /// Waits of each kind, as given to [`Specimen::places`].
    pub waiters: u8,
    /// The choices.
    pub schedule: Vec<u8>,
    check: u16,
}

/// Why a token cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// It is not of the form.
    Malformed(&'static str),
    /// There is no design of that name.
    NoDesign(String),
    /// There is no world of that name.
    NoWorld(String),
}

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadToken::Malformed(what) => write!(
                f,
                "not a token: {what}; it looks like `stock:plain:3:2:0213:9f1c`, copy it whole"
            ),
            BadToken::NoDesign(name) => {
                write!(f, "no design `{name}`; `lastbyte check` lists them")
            }
            BadToken::NoWorld(name) => write!(f, "no world `{name}`; `lastbyte check` lists them"),
        }
    }
}

impl std::error::Error for BadToken {}

/// Digits of a schedule: a state never has as many choices.
const DIGITS: u32 = 36;

impl Token {
    /// The token of a schedule.
    pub fn new(
        design: Specimen,
        place: &Place,
        (chunks, waiters): (u8, u8),
        schedule: &[u8],
    ) -> Self {
        Token {
            design: design.name.to_owned(),
            world: place.name.to_owned(),
            chunks,
            waiters,
            schedule: schedule.to_vec(),
            check: check_of(&place.replay(schedule)),
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// [`BadToken::Malformed`] says which part is not of the form.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let [design, world, chunks, waiters, schedule, check] = parts[..] else {
            return Err(BadToken::Malformed("it has not six parts"));
        };
        let digit = |c: char| c.to_digit(DIGITS).and_then(|digit| u8::try_from(digit).ok());
        Ok(Token {
            design: design.to_owned(),
            world: world.to_owned(),
            chunks: chunks.parse().map_err(|_| BadToken::Malformed("its chunks are no number"))?,
            waiters: waiters
                .parse()
                .map_err(|_| BadToken::Malformed("its waiters are no number"))?,
            schedule: schedule
                .chars()
                .map(digit)
                .collect::<Option<_>>()
                .ok_or(BadToken::Malformed("its schedule has other signs than 0-9 and a-z"))?,
            check: u16::from_str_radix(check, 16)
                .map_err(|_| BadToken::Malformed("its check is no hexadecimal number"))?,
        })
    }

    /// Runs it again, with the design of its name in the catalogue. The second value: whether the
    /// code changed under it.
    ///
    /// # Errors
    ///
    /// [`BadToken`] when its design or world does not exist.
    pub fn replay(&self) -> Result<(Replayed, bool), BadToken> {
        let known: Vec<Specimen> = specimens().collect();
        self.replay_among(&known)
    }

    /// As [`Token::replay`], with the design of its name among these.
    ///
    /// # Errors
    ///
    /// [`BadToken`] when its design or world does not exist.
    pub fn replay_among(&self, known: &[Specimen]) -> Result<(Replayed, bool), BadToken> {
        let design = known.iter().find(|design| design.name == self.design);
        let design = design.ok_or_else(|| BadToken::NoDesign(self.design.clone()))?;
        let place = design
            .places(self.chunks, self.waiters)
            .into_iter()
            .find(|place| place.name == self.world)
            .ok_or_else(|| BadToken::NoWorld(self.world.clone()))?;
        let replayed = place.replay(&self.schedule);
        let changed = replayed.diverged_at.is_some() || check_of(&replayed) != self.check;
        Ok((replayed, changed))
    }
}

fn check_of(replayed: &Replayed) -> u16 {
    let mut hasher = FxHasher::default();
    for step in &replayed.steps {
        hasher.write(step.choice.as_bytes());
        hasher.write(step.follows.as_bytes());
    }
    let hash = hasher.finish();
    u16::try_from((hash >> 48 ^ hash >> 24 ^ hash) & 0xffff).unwrap_or_default()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { design, world, chunks, waiters, .. } = self;
        write!(f, "{design}:{world}:{chunks}:{waiters}:")?;
        for &place in &self.schedule {
            write!(f, "{}", char::from_digit(u32::from(place), DIGITS).unwrap_or('?'))?;
        }
        write!(f, ":{:04x}", self.check)
    }
}
