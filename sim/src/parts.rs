//! The parts that worlds are made of, each kept once: designs, histories, children, and steps.
//!
//! A world is a design, a history and a child, and many worlds share a design or a history: who
//! still may wait, or what has not happened yet, concerns neither. So a world is three numbers.
//! What a design answers to an input depends on nothing but the two, and what the monitor says of
//! an answer on nothing but the history, the input and the answer. Both are worked out once for
//! each such pair, and looked up wherever it comes again. Nothing is left out: each transition of
//! each world is followed, with the verdict of the monitor on just this history, input and step.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
};

use lastbyte::{
    machine::Step,
    monitor::{Broken, History},
};
use rustc_hash::FxHasher;

use crate::{
    arena::Arena,
    bytes::Bytes,
    child::{Act, Child, Effects, Facts},
    design::Design,
    explorer::broken_by,
    fingerprint::Fingerprint,
    graph::index,
    index::Index,
    memo::{Cursor, Memo},
    world::{Bounds, Choice, Wrong},
};

/// Designs, with what they have been seen to answer.
struct Designs<D> {
    all: Arena<D>,
    known: Vec<Seen>,
    fingerprints: Vec<u128>,
    index: Index,
    answers: Memo<u32, Answer>,
    /// The design that is stepping; it is copied again if what it becomes is new.
    stepping: D,
    /// The design that is asked for an event that it has not.
    probing: D,
}

/// What is seen of a design from outside.
#[derive(Clone, Copy, Debug)]
struct Seen {
    facts: Facts,
    /// The step that follows when the consumer asks although there is nothing; [`NO_STEP`] where
    /// that is no question.
    probe: u32,
}

/// What a design answers to an input.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// A step, and the design after it.
    Step { step: u32, design: u32 },
    /// It refuses. The number of the breach.
    Refused(u32),
}

const NO_STEP: u32 = u32::MAX;

impl<D: Design> Designs<D> {
    fn new(start: D) -> Self {
        Designs {
            all: Arena::new(),
            known: Vec::new(),
            fingerprints: Vec::new(),
            index: Index::new(),
            answers: Memo::new(),
            probing: start.clone(),
            stepping: start,
        }
    }

    /// The number of the design that has stepped.
    fn number(&mut self, bounds: &Bounds, steps: &mut Steps) -> u32 {
        let fingerprint = fingerprint(&self.stepping);
        let fingerprints = &self.fingerprints;
        let is = |number: u32| fingerprints[number as usize] == fingerprint;
        let new = index(self.known.len());
        let number = self.index.number(fingerprint as u64, new, is);
        if number == new {
            self.fingerprints.push(fingerprint);
            self.answers.push();
            let facts = Facts::of(&self.stepping, bounds.streams);
            let mut probe = NO_STEP;
            if bounds.consumer && !facts.has_event() {
                self.probing.clone_from(&self.stepping);
                if let Ok(step) = self.probing.step(Act::PROBE.input(bounds)) {
                    probe = steps.number(bounds, step);
                }
            }
            self.known.push(Seen { facts, probe });
            self.all.push(self.stepping.clone());
        }
        number
    }
}

/// Steps, with what they make the driver do.
struct Steps {
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
struct Histories {
    all: Arena<History<Bytes>>,
    known: Vec<Judged>,
    fingerprints: Vec<u128>,
    index: Index,
    /// By input and step.
    verdicts: Memo<(u32, u32), Verdict>,
    /// The history that takes note of a step; it is copied again if what it becomes is new.
    noting: History<Bytes>,
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
    fn new(start: History<Bytes>) -> Self {
        Histories {
            all: Arena::new(),
            known: Vec::new(),
            fingerprints: Vec::new(),
            index: Index::new(),
            verdicts: Memo::new(),
            noting: start,
        }
    }

    /// The number of the history that has taken note.
    fn number(&mut self) -> u32 {
        let fingerprint = fingerprint(&self.noting);
        let fingerprints = &self.fingerprints;
        let is = |number: u32| fingerprints[number as usize] == fingerprint;
        let new = index(self.known.len());
        let number = self.index.number(fingerprint as u64, new, is);
        if number == new {
            self.fingerprints.push(fingerprint);
            self.verdicts.push();
            self.known.push(Judged { is_over: self.noting.is_over(), allows: NO_STEP });
            self.all.push(self.noting.clone());
        }
        number
    }
}

/// Children, each by a number that holds all of it, with what they may do.
struct Children {
    all: Vec<(u128, Child)>,
    index: Index,
    /// By what decides it of design and history: the range of `acts`.
    menus: Memo<u32, (u32, u32)>,
    acts: Vec<Acted>,
    choices: Vec<Choice>,
}

/// What a child may do, and the child that has done it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acted {
    act: Act,
    number: u32,
    child: u32,
}

impl Children {
    fn new() -> Self {
        Children {
            all: Vec::new(),
            index: Index::new(),
            menus: Memo::new(),
            acts: Vec::new(),
            choices: Vec::new(),
        }
    }

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
            self.menus.push();
        }
        number
    }

    /// What a child may do next, in the fixed order of a world's choices.
    #[inline]
    fn menu(&mut self, bounds: &Bounds, child: u32, facts: Facts, is_over: bool) -> Range<usize> {
        let key = facts.packed() << 1 | u32::from(is_over);
        let (first, end) = match self.menus.get(child, &mut self.menus.cursor(child), key) {
            Ok(menu) => menu,
            Err(missing) => {
                let menu = self.write_menu(bounds, child, facts, is_over);
                self.menus.put(child, missing, key, menu);
                menu
            }
        };
        first as usize..end as usize
    }

    #[cold]
    fn write_menu(
        &mut self,
        bounds: &Bounds,
        child: u32,
        facts: Facts,
        is_over: bool,
    ) -> (u32, u32) {
        let first = index(self.acts.len());
        let (_, child) = self.all[child as usize];
        let mut choices = std::mem::take(&mut self.choices);
        choices.clear();
        child.choices(bounds, &facts, is_over, &mut choices);
        for &choice in &choices {
            let mut acting = child;
            let act = acting.act(bounds, choice);
            let child = self.number(acting);
            self.acts.push(Acted { act, number: act.number(), child });
        }
        self.choices = choices;
        (first, index(self.acts.len()))
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
pub(crate) struct Parts<'a, D> {
    bounds: &'a Bounds,
    designs: Designs<D>,
    steps: Steps,
    histories: Histories,
    children: Children,
    breaches: Vec<Broken>,
}

impl<'a, D: Design> Parts<'a, D> {
    /// The parts, and the world before anything has happened.
    pub(crate) fn new(bounds: &'a Bounds) -> (Self, Parted) {
        let mut parts = Parts {
            bounds,
            designs: Designs::new(D::start(bounds.streams, bounds.policy)),
            steps: Steps { all: Vec::new(), effects: Vec::new(), index: Index::new() },
            histories: Histories::new(History::new(bounds.streams, bounds.policy)),
            children: Children::new(),
            breaches: Vec::new(),
        };
        let start = Parted {
            design: parts.designs.number(bounds, &mut parts.steps),
            history: parts.histories.number(),
            child: parts.children.number(Child::new(bounds)),
        };
        (parts, start)
    }

    pub(crate) fn history(&self, world: Parted) -> &History<Bytes> {
        self.histories.all.get(world.history)
    }

    pub(crate) fn is_over(&self, world: Parted) -> bool {
        self.histories.known[world.history as usize].is_over
    }

    /// What may happen next in a world: places to be looked up with [`Parts::acted`].
    pub(crate) fn menu(&mut self, world: Parted) -> Range<usize> {
        let facts = self.designs.known[world.design as usize].facts;
        self.children.menu(self.bounds, world.child, facts, self.is_over(world))
    }

    pub(crate) fn acted(&self, place: usize) -> Acted {
        self.children.acts[place]
    }

    pub(crate) fn cursors(&self, world: Parted) -> Cursors {
        Cursors {
            answers: self.designs.answers.cursor(world.design),
            verdicts: self.histories.verdicts.cursor(world.history),
        }
    }

    /// What a consumer who asks although there is nothing would reveal.
    pub(crate) fn probe(&mut self, world: Parted) -> Result<(), Broken> {
        let step = self.designs.known[world.design as usize].probe;
        let Histories { all, known, noting, .. } = &mut self.histories;
        let known = &mut known[world.history as usize];
        if step == NO_STEP || step == known.allows {
            return Ok(());
        }
        noting.clone_from(all.get(world.history));
        noting.observe(&Act::PROBE.input(self.bounds), &self.steps.all[step as usize])?;
        known.allows = step;
        Ok(())
    }

    /// The world after an act.
    #[inline]
    pub(crate) fn follow(
        &mut self,
        world: Parted,
        acted: Acted,
        cursors: &mut Cursors,
    ) -> Result<Parted, Broken> {
        let number = acted.number;
        let answers = &self.designs.answers;
        let answer = match answers.get(world.design, &mut cursors.answers, number) {
            Ok(answer) => answer,
            Err(missing) => {
                let answer = self.ask(world.design, acted.act);
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
                let verdict = self.judge(world.history, acted.act, step);
                self.histories.verdicts.put(world.history, missing, (number, step), verdict);
                verdict
            }
        };
        let history = match verdict {
            Verdict::Holds(history) => history,
            Verdict::Broken(breach) => return Err(self.breaches[breach as usize]),
        };
        let effects = &self.steps.effects[step as usize];
        let mut number = acted.child;
        if !effects.are_none() {
            let (_, mut child) = self.children.all[number as usize];
            child.carry_out(self.bounds, effects)?;
            number = self.children.number(child);
        }
        Ok(Parted { design, history, child: number })
    }

    #[cold]
    #[inline(never)]
    fn ask(&mut self, design: u32, act: Act) -> Answer {
        let Designs { all, stepping, .. } = &mut self.designs;
        stepping.clone_from(all.get(design));
        match stepping.step(act.input(self.bounds)) {
            Ok(step) => Answer::Step {
                step: self.steps.number(self.bounds, step),
                design: self.designs.number(self.bounds, &mut self.steps),
            },
            Err(illegal) => Answer::Refused(self.breach(broken_by(Wrong::Refused(illegal)))),
        }
    }

    #[cold]
    #[inline(never)]
    fn judge(&mut self, history: u32, act: Act, step: u32) -> Verdict {
        let Histories { all, noting, .. } = &mut self.histories;
        noting.clone_from(all.get(history));
        match noting.observe(&act.input(self.bounds), &self.steps.all[step as usize]) {
            Ok(()) => Verdict::Holds(self.histories.number()),
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
