//! The matrix for people: a line a design, a column a rule; and all there is to say of one.

use std::fmt::{self, Display, Formatter};

use lastbyte::monitor::Rule;
use num_bigint::BigUint;

use super::{Explored, Sampling, Verdict, replay_command};
use crate::{
    explorer::Counterexample,
    schedule::{Replayed, Token},
};

/// The matrix of these verdicts and rules.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// A line each.
    pub verdicts: &'a [Verdict],
    /// A column each.
    pub rules: &'a [Rule],
}

/// What the signs of the matrix mean.
const LEGEND: &str = "\
. holds in every interleaving within the bounds; a number: broken, by a shortest schedule of so
many steps; - neither broken nor held, for a design that is followed only until it breaks";

impl Display for Matrix<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:<20}{:>10}{:>15}{:>8} ", "design", "states", "interleavings", "s")?;
        for rule in self.rules {
            write!(f, "{:>4}", rule.to_string())?;
        }
        writeln!(f)?;
        for verdict in self.verdicts {
            self.line(f, verdict)?;
        }
        let (states, schedules) = (self.states(), self.schedules());
        writeln!(f, "\n{LEGEND}")?;
        write!(f, "{states} states, every one within its bound")?;
        match schedules {
            0 => writeln!(f),
            _ => writeln!(f, "; beyond, {schedules} schedules by seed: sampled, not exhaustive"),
        }
    }
}

impl Matrix<'_> {
    fn states(&self) -> u64 {
        self.verdicts.iter().map(Verdict::states).sum()
    }

    fn schedules(&self) -> u64 {
        let sampled = self.verdicts.iter().filter_map(|verdict| verdict.sampled.as_ref());
        sampled.map(|sampling| sampling.schedules).sum()
    }

    fn line(&self, f: &mut Formatter<'_>, verdict: &Verdict) -> fmt::Result {
        let interleavings = about(&verdict.interleavings());
        let (name, states) = (verdict.specimen.name, verdict.states());
        write!(f, "{name:<20}{states:>10}{interleavings:>15}{:>8.2} ", verdict.seconds())?;
        for &rule in self.rules {
            match verdict.shortest(rule) {
                Some((_, found)) => write!(f, "{:>4}", found.schedule.len())?,
                None if verdict.holds(rule) => f.write_str("   .")?,
                None => f.write_str("   -")?,
            }
        }
        f.write_str(if verdict.is_expected(self.rules) { "\n" } else { "  UNEXPECTED\n" })
    }
}

/// What of a design is not as it is known, a line each, and what to do about it. Nothing, where all is.
pub struct Unexpected<'a>(pub &'a Verdict, pub &'a [Rule]);

impl Display for Unexpected<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Unexpected(verdict, rules) = *self;
        let (name, known, broken) =
            (verdict.specimen.name, verdict.specimen.breaks, verdict.broken());
        let (new, gone): (Vec<Rule>, Vec<Rule>) = rules
            .iter()
            .filter(|rule| broken.contains(rule) != known.contains(rule))
            .partition(|rule| broken.contains(rule));
        if let Some(first) = new.first() {
            writeln!(
                f,
                "  UNEXPECTED: {name} breaks {}, which it is not known to: mend it, or add to what it \
                 breaks; `show {name}:{first}` draws how",
                list(&new)
            )?;
        }
        if !gone.is_empty() {
            writeln!(
                f,
                "  UNEXPECTED: {name} is known to break {} and does not: take it out of what it breaks, \
                 or see why the harness is blind",
                list(&gone)
            )?;
        }
        for (_, found) in verdict.unknown().filter(|(_, found)| rules.contains(&found.broken.rule))
        {
            writeln!(f, "  UNEXPECTED: sampling {name} found {}", found.broken)?;
        }
        Ok(())
    }
}

fn list(rules: &[Rule]) -> String {
    rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", ")
}

/// A number in full, or its leading digits and how many follow.
pub fn about(number: &BigUint) -> String {
    let digits = number.to_string();
    match digits.len() {
        0..=9 => digits,
        long => format!("{}.{}e{}", &digits[..1], &digits[1..3], long - 1),
    }
}

/// All there is to say of one design.
#[derive(Clone, Copy, Debug)]
pub struct Details<'a> {
    /// The design, explored.
    pub verdict: &'a Verdict,
    /// The rules to tell of.
    pub rules: &'a [Rule],
}

impl Display for Details<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict;
        writeln!(f, "{}: {}", verdict.specimen.name, verdict.specimen.what)?;
        let head = ("world", "states", "transitions", "s");
        writeln!(f, "  {:<18}{:>12}{:>14}{:>9}  interleavings", head.0, head.1, head.2, head.3)?;
        for Explored { place, report, seconds } in &verdict.explored {
            writeln!(
                f,
                "  {:<18}{:>12}{:>14}{seconds:>9.2}  {}",
                place.name, report.states, report.transitions, report.interleavings
            )?;
        }
        writeln!(
            f,
            "  exhaustive within {} chunks a stream and {} waits of each kind: {} states, {} \
             interleavings, {:.2} s",
            verdict.size.0,
            verdict.size.1,
            verdict.states(),
            verdict.interleavings(),
            verdict.seconds()
        )?;
        if let Some(Sampling { size, seeds, schedules, .. }) = &verdict.sampled {
            writeln!(
                f,
                "  sampled, not exhaustive, at {} chunks a stream and {} waits: {schedules} \
                 schedules, seeds 0..{seeds} in each world, random and PCT",
                size.0, size.1
            )?;
        }
        self.rules.iter().try_for_each(|&rule| self.tell(f, rule))?;
        for (place, found) in verdict.unknown() {
            let size = verdict.sampled.as_ref().map_or(verdict.size, |sampling| sampling.size);
            let token = Token::new(verdict.specimen, place, size, &found.schedule);
            writeln!(f, "  SAMPLED, and not known: {}", found.broken)?;
            write!(f, "{}", Steps(&place.replay(&found.schedule)))?;
            writeln!(f, "        {}", replay_command(&token))?;
        }
        write!(f, "{}", Unexpected(verdict, self.rules))
    }
}

impl Details<'_> {
    fn tell(&self, f: &mut Formatter<'_>, rule: Rule) -> fmt::Result {
        let id = rule.to_string();
        let Some((place, found)) = self.verdict.shortest(rule) else {
            return match (rule.is_monitored(), self.verdict.holds(rule)) {
                (false, _) => {
                    writeln!(f, "  {id:<4}-      {:<24} not shown by one machine", rule.name())
                }
                (true, true) => writeln!(f, "  {id:<4}holds  {}", rule.name()),
                (true, false) => {
                    writeln!(f, "  {id:<4}-      {:<24} not broken there", rule.name())
                }
            };
        };
        let Counterexample { broken, schedule } = found;
        let steps = schedule.len();
        writeln!(f, "  {id:<4}BROKEN {:<24} in {steps} steps: {}", rule.name(), broken.why)?;
        write!(f, "{}", Steps(&place.replay(schedule)))?;
        writeln!(f, "        {}", replay_command(&self.verdict.token(place, schedule)))
    }
}

impl Verdict {
    /// Whether a rule is known to hold: a design that is known to break some is followed in some
    /// places only, and there until it breaks.
    pub fn holds(&self, rule: Rule) -> bool {
        rule.is_monitored() && self.specimen.breaks.is_empty() && self.shortest(rule).is_none()
    }
}

/// The steps of a schedule, numbered from 1, each with what followed from it.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a>(pub &'a Replayed);

impl Display for Steps<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.steps.iter().enumerate() {
            write!(f, "  {:>3}. {}", number + 1, step.choice)?;
            match step.follows.is_empty() {
                true => writeln!(f)?,
                false => writeln!(f, " -> {}", step.follows)?,
            }
        }
        Ok(())
    }
}
