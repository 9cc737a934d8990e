//! The parts that worlds are made of, each kept once: designs, histories, children, and steps.
//!
//! A world is a design, a history and a child, and many worlds share a design or a history: who
//! still may wait, or what has not happened yet, concerns neither. So a world is three numbers.
//! What a design answers to an input depends on nothing but the two, and what the monitor says of
//! an answer on nothing but the history, the input and the answer. Both are worked out once for
//! each such pair, and looked up wherever it comes again. Nothing is left out: each transition of
//! each world is followed, with the verdict of the monitor on just this history, input and step.

use std::hash::{Hash, Hasher};

use lastbyte::{
    machine::Step,
    monitor::{Broken, History},
};
use rustc_hash::FxHasher;

use crate::{
    bytes::Bytes,
    child::{Act, Child, Effects, Facts},
    design::Design,
    explorer::broken_by,
    fingerprint::Fingerprint,
    graph::index,
    index::Index,
    memo::{Cursor, Memo},
    world::{Bounds, Wrong},
};

/// Designs, with what they have been seen to answer.
pub(crate) struct Designs<D> {
    all: Vec<Known<D>>,
    fingerprints: Vec<u128>,
    index: Index,
    answers: Memo<u32, Answer>,
}

struct Known<D> {
    design: D,
    facts: Facts,
    /// The step that follows when the consumer asks although there is nothing; [`NO_STEP`] where
    /// that is no question.
    probe: u32,
}

/// What a design answers to an input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// A step, and the design after it.
    Step { step: u32, design: u32 },
    /// It refuses. The number of the breach.
    Refused(u32),
}

pub(crate) const NO_STEP: u32 = u32::MAX;

impl<D: Design> Designs<D> {
    fn number(&mut self, bounds: &Bounds, steps: &mut Steps, design: D) -> u32 {
        let fingerprint = fingerprint(&design);
        let fingerprints = &self.fingerprints;
        let is = |number: u32| fingerprints[number as usize] == fingerprint;
        let new = index(self.all.len());
        let number = self.index.number(fingerprint as u64, new, is);
        if number == new {
            self.fingerprints.push(fingerprint);
            self.answers.push();
            let facts = Facts::of(&design, bounds.streams);
            let probe = if bounds.consumer && !facts.has_event() {
                let step = design.clone().step(Act::PROBE.input(bounds));
                step.map_or(NO_STEP, |step| steps.number(bounds, step))
            } else {
                NO_STEP
            };
            self.all.push(Known { design, facts, probe });
        }
        number
    }
}

/// Steps, with what they make the driver do.
pub(crate) struct Steps {
    all: Vec<Step<Bytes>>,
    effects: Vec<Effects>,
    index: Index,
}

impl Steps {
    fn number(&mut self, bounds: &Bounds, step: Step<Bytes>) -> u32 {
        let mut hasher = FxHasher::default();
        let Step { event, actions, resolved, ready, reply } = &step;
        (event, actions, resolved, ready, reply).hash(&mut hasher);
        let all = &self.all;
        let is = |number: u32| all[number as usize] == step;
        let new = index(self.all.len());
        let number = self.index.number(hasher.finish(), new, is);
        if number == new {
            self.effects.push(Effects::of(&step, bounds.streams));
            self.all.push(step);
        }
        number
    }
}

/// Histories, with the steps they have been judged with.
pub(crate) struct Histories {
    all: Vec<History<Bytes>>,
    fingerprints: Vec<u128>,
    index: Index,
    /// By input and step: the history after it.
    verdicts: Memo<(u32, u32), Verdict>,
    known: Vec<Judged>,
}

/// What is known of a history.
#[derive(Clone, Copy, Debug)]
struct Judged {
    is_over: bool,
    /// The last answer to a probe that this history allows.
    allows: u32,
}

#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// The history after it.
    Holds(u32),
    /// The number of the breach.
    Broken(u32),
}

impl Histories {
    fn number(&mut self, history: History<Bytes>) -> u32 {
        let fingerprint = fingerprint(&history);
        let fingerprints = &self.fingerprints;
        let is = |number: u32| fingerprints[number as usize] == fingerprint;
        let new = index(self.all.len());
        let number = self.index.number(fingerprint as u64, new, is);
        if number == new {
            self.fingerprints.push(fingerprint);
            self.verdicts.push();
            self.known.push(Judged { is_over: history.is_over(), allows: NO_STEP });
            self.all.push(history);
        }
        number
    }
}

/// Children, each by a number that holds all of it.
struct Children {
    all: Vec<(u128, Child)>,
    index: Index,
}

impl Children {
    #[inline]
    fn number(&mut self, child: Child) -> u32 {
        let packed = child.packed();
        let hash = mixed(packed as u64, (packed >> 64) as u64);
        let all = &self.all;
        let is = |number: u32| all[number as usize].0 == packed;
        let new = index(self.all.len());
        let number = self.index.number(hash, new, is);
        if number == new {
            self.all.push((packed, child));
        }
        number
    }
}

/// A world by the numbers of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parted {
    design: u32,
    history: u32,
    child: u32,
}

impl Parted {
    pub(crate) fn hash(self) -> u64 {
        mixed(u64::from(self.design) << 32 | u64::from(self.history), u64::from(self.child))
    }
}

/// Where the answers to the next choice are expected.
pub(crate) struct Cursors {
    answers: Cursor,
    verdicts: Cursor,
}

/// All parts of the worlds within bounds.
pub(crate) struct Parts<D> {
    designs: Designs<D>,
    steps: Steps,
    histories: Histories,
    children: Children,
    breaches: Vec<Broken>,
}

impl<D: Design> Parts<D> {
    pub(crate) fn new() -> Self {
        Parts {
            designs: Designs {
                all: Vec::new(),
                fingerprints: Vec::new(),
                index: Index::new(),
                answers: Memo::new(),
            },
            steps: Steps { all: Vec::new(), effects: Vec::new(), index: Index::new() },
            histories: Histories {
                all: Vec::new(),
                fingerprints: Vec::new(),
                index: Index::new(),
                verdicts: Memo::new(),
                known: Vec::new(),
            },
            children: Children { all: Vec::new(), index: Index::new() },
            breaches: Vec::new(),
        }
    }

    /// The world before anything has happened.
    pub(crate) fn start(&mut self, bounds: &Bounds) -> Parted {
        let design = D::start(bounds.streams, bounds.policy);
        Parted {
            design: self.designs.number(bounds, &mut self.steps, design),
            history: self.histories.number(History::new(bounds.streams, bounds.policy)),
            child: self.children.number(Child::new(bounds)),
        }
    }

    pub(crate) fn child(&self, world: Parted) -> Child {
        self.children.all[world.child as usize].1
    }

    pub(crate) fn facts(&self, world: Parted) -> Facts {
        self.designs.all[world.design as usize].facts
    }

    pub(crate) fn history(&self, world: Parted) -> &History<Bytes> {
        &self.histories.all[world.history as usize]
    }

    pub(crate) fn is_over(&self, world: Parted) -> bool {
        self.histories.known[world.history as usize].is_over
    }

    pub(crate) fn cursors(&self, world: Parted) -> Cursors {
        Cursors {
            answers: self.designs.answers.cursor(world.design),
            verdicts: self.histories.verdicts.cursor(world.history),
        }
    }

    /// What a consumer who asks although there is nothing would reveal.
    pub(crate) fn probe(&mut self, bounds: &Bounds, world: Parted) -> Result<(), Broken> {
        let step = self.designs.all[world.design as usize].probe;
        let known = &mut self.histories.known[world.history as usize];
        if step == NO_STEP || step == known.allows {
            return Ok(());
        }
        let mut history = self.histories.all[world.history as usize].clone();
        history.observe(&Act::PROBE.input(bounds), &self.steps.all[step as usize])?;
        known.allows = step;
        Ok(())
    }

    /// The world after an act, of which `child` is the child that has acted.
    #[inline]
    pub(crate) fn follow(
        &mut self,
        bounds: &Bounds,
        world: Parted,
        mut child: Child,
        act: Act,
        cursors: &mut Cursors,
    ) -> Result<Parted, Broken> {
        let number = act.number();
        let answers = &self.designs.answers;
        let answer = match answers.get(world.design, &mut cursors.answers, number) {
            Ok(answer) => answer,
            Err(missing) => {
                let answer = self.ask(bounds, world.design, act);
                self.designs.answers.put(world.design, missing, number, answer);
                answer
            }
        };
        let (step, design) = match answer {
            Answer::Step { step, design } => (step, design),
            Answer::Refused(breach) => return Err(self.breaches[breach as usize]),
        };
        let verdicts = &self.histories.verdicts;
        let verdict = match verdicts.get(world.history, &mut cursors.verdicts, (number, step)) {
            Ok(verdict) => verdict,
            Err(missing) => {
                let verdict = self.judge(bounds, world.history, act, step);
                self.histories.verdicts.put(world.history, missing, (number, step), verdict);
                verdict
            }
        };
        let history = match verdict {
            Verdict::Holds(history) => history,
            Verdict::Broken(breach) => return Err(self.breaches[breach as usize]),
        };
        child.carry_out(bounds, &self.steps.effects[step as usize])?;
        Ok(Parted { design, history, child: self.children.number(child) })
    }

    #[cold]
    #[inline(never)]
    fn ask(&mut self, bounds: &Bounds, design: u32, act: Act) -> Answer {
        let mut after = self.designs.all[design as usize].design.clone();
        match after.step(act.input(bounds)) {
            Ok(step) => Answer::Step {
                step: self.steps.number(bounds, step),
                design: self.designs.number(bounds, &mut self.steps, after),
            },
            Err(illegal) => Answer::Refused(self.breach(broken_by(Wrong::Refused(illegal)))),
        }
    }

    #[cold]
    #[inline(never)]
    fn judge(&mut self, bounds: &Bounds, history: u32, act: Act, step: u32) -> Verdict {
        let mut after = self.histories.all[history as usize].clone();
        match after.observe(&act.input(bounds), &self.steps.all[step as usize]) {
            Ok(()) => Verdict::Holds(self.histories.number(after)),
            Err(broken) => Verdict::Broken(self.breach(broken)),
        }
    }

    fn breach(&mut self, broken: Broken) -> u32 {
        self.breaches.push(broken);
        index(self.breaches.len() - 1)
    }
}

fn fingerprint(part: &impl Hash) -> u128 {
    let mut hasher = Fingerprint::new();
    part.hash(&mut hasher);
    hasher.both()
}

/// A hash of two words that are compared exactly afterwards.
fn mixed(low: u64, high: u64) -> u64 {
    let product = u128::from(low ^ 0x243f_6a88_85a3_08d3)
        * u128::from(high.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1319_8a2e_0370_7344);
    product as u64 ^ (product >> 64) as u64
}
