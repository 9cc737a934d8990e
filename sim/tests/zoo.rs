//! The harness is only as good as what it catches: every design breaks strictly what it is known
//! to break, and the search that says so is held against one that takes no two schedules for one.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use lastbyte::{Event, Policy, backend::Read, monitor::Rule};
use lastbyte_sim::{
    catalogue::{CONTROLS, Specimen, ZOO},
    executor::{
        child::Child,
        production::Lastbyte,
        sample::{Strategy, sample, sample_one},
        search::{Trust, count_plainly, explore, explore_trusting, rerun},
        stack::{Call, Scenario, Stack},
        sync::mpsc,
        task,
    },
    explorer::Incomplete,
    matrix::{Extent, table::Unexpected, unwatched},
    scenarios::scenarios,
    schedule::Token,
    zoo::{
        exec_after_box::ExecAfterBox, free_races_exit::FreeRacesExit, single_owner::SingleOwner,
        stock::Stock,
    },
};

const STATES_MAX: u64 = 1_000_000;
const SCHEDULES_MAX: u64 = 1_000_000;

/// Explores a design in all of its places, and replays the token of each rule it breaks.
fn broken(specimen: &Specimen, size: (u8, u8)) -> BTreeSet<Rule> {
    let mut broken = BTreeSet::new();
    for place in specimen.places(size.0, size.1) {
        let report = place.explore(STATES_MAX).unwrap_or_else(|incomplete| {
            panic!("{} in {}: {incomplete}", specimen.name, place.name)
        });
        for (rule, found) in &report.broken {
            let token = Token::new(*specimen, &place, size, &found.schedule).to_string();
            let replayed = Token::parse(&token).and_then(|token| token.replay());
            let (replayed, changed) = replayed.unwrap_or_else(|bad| panic!("{token}: {bad}"));
            assert!(!changed, "{token}");
            assert_eq!(replayed.broken.map(|broken| broken.rule), Some(*rule), "{token}");
        }
        broken.extend(report.broken.keys().copied());
    }
    broken
}

/// If this were red, whoever brings a stack of his own would be told that it is not as expected, and
/// not what is, and what to do.
#[test]
fn a_row_that_is_not_as_expected_says_what_is_and_what_to_do() {
    let stock = ZOO.iter().find(|specimen| specimen.name == "stock").expect("it is there");
    let told = |breaks: &'static [Rule]| {
        let extent = Extent { zoo_chunks: 0, samples: 0, ..Extent::default() };
        let mut stock = *stock;
        stock.breaks = breaks;
        let verdict = extent.explore(stock, &unwatched).expect("exhaustive");
        Unexpected(&verdict, &Rule::ALL).to_string()
    };
    assert_eq!(told(stock.breaks), "");
    let [first, rest @ ..] = stock.breaks else { panic!("it breaks something") };
    let told = told(Vec::leak([rest, &[Rule::C2]].concat()));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    let new = format!("stock breaks {first}, which it is not known to");
    assert!(
        lines[0].contains(&new) && lines[0].contains(&format!("`show stock:{first}`")),
        "{told}"
    );
    assert!(lines[1].contains("stock is known to break C2 and does not"), "{told}");
}

/// If this were red, a wrong design would pass, or would break what nobody expects.
#[test]
fn every_design_breaks_strictly_what_it_is_known_to_break() {
    for specimen in ZOO.iter().filter(|specimen| specimen.is_stack()) {
        let known: BTreeSet<Rule> = specimen.breaks.iter().copied().collect();
        assert!(!known.is_empty(), "{} is no control", specimen.name);
        assert_eq!(broken(specimen, (0, 1)), known, "{}", specimen.name);
    }
}

/// If this were red, the oracle would find fault with what is right: the production core and
/// driver with three chunks on each stream and two waiters, and a correct design that is not ours.
#[test]
fn controls_break_nothing() {
    for specimen in CONTROLS.iter().filter(|specimen| specimen.is_stack()) {
        let size = if specimen.is_kept_small() { (0, 1) } else { (3, 2) };
        assert_eq!(broken(specimen, size), BTreeSet::new(), "{}", specimen.name);
    }
}

/// If this were red, a step would depend on something of which nobody tells, and a bug could hide
/// where it was taken for one that had been made before.
#[test]
fn a_step_depends_on_nothing_but_what_it_touches() {
    for specimen in CONTROLS.iter().chain(ZOO).filter(|specimen| specimen.is_stack()) {
        for place in specimen.places(0, 1) {
            // Each transition is a run of its own: places of few states will do.
            let known = place.explore(STATES_MAX).map(|report| report.states);
            if known.as_ref().is_ok_and(|&states| states < 3_000) {
                let distrusting = place.explore_distrusting(STATES_MAX).map(|report| report.states);
                assert_eq!(distrusting, known, "{} in {}", specimen.name, place.name);
            }
        }
    }
}

fn named(name: &str, waiters: u8) -> Arc<Scenario> {
    scenarios(0, waiters)
        .into_iter()
        .find(|scenario| scenario.name == name)
        .unwrap_or_else(|| panic!("no scenario {name}"))
}

/// Holds the reduced search against the plain one; returns the number of schedules.
fn confirm<S: Stack>(scenario: &Arc<Scenario>) -> u64 {
    let reduced = explore::<S>(scenario, STATES_MAX).unwrap_or_else(|why| panic!("{why}"));
    let plain = count_plainly::<S>(scenario, SCHEDULES_MAX).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(reduced.interleavings, plain.schedules.into());
    let lengths = reduced.broken.iter().map(|(&rule, found)| (rule, found.schedule.len() as u32));
    assert_eq!(lengths.collect::<Vec<_>>(), plain.broken.into_iter().collect::<Vec<_>>());
    plain.schedules
}

/// If this were red, the reduction would lose schedules, or rules, or the shortest way to one.
#[test]
fn the_reduction_is_confirmed_schedule_by_schedule() {
    assert_eq!(confirm::<Stock>(&named("plain", 0)), 7_801);
    assert_eq!(confirm::<SingleOwner>(&named("plain", 0)), 2_659);
    assert_eq!(confirm::<SingleOwner>(&named("plain", 1)), 66_840);
    for name in ["plain", "exited", "text", "killed-late", "closed", "read-error", "bounded"] {
        confirm::<Lastbyte>(&named(name, 1));
    }
}

/// If this were red, a sampled failure could not be made again from its seed.
#[test]
fn a_seed_makes_the_same_schedule_again() {
    let scenario = scenarios(3, 2).swap_remove(0);
    for strategy in [Strategy::Random, Strategy::Pct { changes: 3 }] {
        let found = sample::<Stock>(&scenario, strategy, 0..300);
        let sampled = found.get(&Rule::C1).unwrap_or_else(|| panic!("{strategy:?} misses C1"));
        let again = sample_one::<Stock>(&scenario, strategy, sampled.seed);
        assert_eq!(again.0.len(), sampled.steps);
        assert_eq!(again, sample_one::<Stock>(&scenario, strategy, sampled.seed));
        assert!(sample::<Lastbyte>(&scenario, strategy, 0..300).is_empty());
    }
}

/// Samples a design, and holds each shrunk schedule against the shortest that there is.
fn shrunk_to_the_shortest<S: Stack>(scenario: &Arc<Scenario>) -> usize {
    let shortest = explore::<S>(scenario, STATES_MAX).unwrap_or_else(|why| panic!("{why}")).broken;
    let samples = sample::<S>(scenario, Strategy::Random, 0..1000);
    for (rule, sampled) in &samples {
        let (cut, least) = (&sampled.found.schedule, &shortest[rule].schedule);
        assert!(sampled.steps >= cut.len());
        assert_eq!(cut.len(), least.len(), "{rule} in {}", scenario.name);
        let again = rerun::<S>(scenario, cut);
        assert_eq!(again.broken, Some(sampled.found.broken), "{rule} in {}", scenario.name);
    }
    samples.len()
}

/// If this were red, a failure that was found by chance would be told with steps that have nothing
/// to do with it.
#[test]
fn what_is_found_by_chance_is_cut_down_to_the_shortest() {
    assert_eq!(shrunk_to_the_shortest::<Stock>(&named("plain", 1)), 2);
    assert_eq!(shrunk_to_the_shortest::<Stock>(&named("read-error", 1)), 2);
    assert_eq!(shrunk_to_the_shortest::<SingleOwner>(&named("held", 1)), 1);
    assert_eq!(shrunk_to_the_shortest::<FreeRacesExit>(&named("closed", 0)), 3);
    assert_eq!(shrunk_to_the_shortest::<ExecAfterBox>(&named("boxed", 0)), 1);
}

/// A stack that draws lots, as an unbiased `select!` does, or a hash map.
struct DrawsLots(RefCell<mpsc::UnboundedReceiver<Event>>);

static LOTS: AtomicU32 = AtomicU32::new(0);

impl Stack for DrawsLots {
    const OFFERS: &'static [Call] = &[];

    fn start(mut child: Child, _: &Policy) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        task::spawn("reader", async move {
            // Each run draws another.
            for _ in 0..LOTS.fetch_add(1, Ordering::Relaxed) % 3 {
                task::yield_now().await;
            }
            while let Read::Chunk(chunk) = child.stdout.read().await {
                let _gone = sender.send(Event::Chunk { stream: child.stdout.stream(), chunk });
            }
        });
        DrawsLots(RefCell::new(receiver))
    }

    async fn next(&self) -> Option<Event> {
        std::future::poll_fn(|cx| self.0.borrow_mut().poll_recv(cx)).await
    }
}

/// If this were red, a stack that does not do the same twice would end the search with a panic, or
/// with a claim.
#[test]
fn a_stack_that_draws_lots_is_told_so() {
    let explored = explore::<DrawsLots>(&named("text", 0), STATES_MAX);
    assert_eq!(explored.err(), Some(Incomplete::NotDeterministic));
    let counted = count_plainly::<DrawsLots>(&named("text", 0), SCHEDULES_MAX);
    assert_eq!(counted.err(), Some(Incomplete::NotDeterministic));
}

/// Its readers share a cell of which nobody tells: who reads first keeps what he read.
struct SharesUntold(RefCell<mpsc::UnboundedReceiver<Event>>);

impl Stack for SharesUntold {
    const OFFERS: &'static [Call] = &[];

    fn start(child: Child, _: &Policy) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let nobody_has_read = Rc::new(Cell::new(true));
        for mut source in [child.stdout, child.stderr] {
            let (sender, first) = (sender.clone(), Rc::clone(&nobody_has_read));
            task::spawn("reader", async move {
                while let Read::Chunk(chunk) = source.read().await {
                    if !first.replace(false) {
                        let _gone = sender.send(Event::Chunk { stream: source.stream(), chunk });
                    }
                }
            });
        }
        SharesUntold(RefCell::new(receiver))
    }

    async fn next(&self) -> Option<Event> {
        std::future::poll_fn(|cx| self.0.borrow_mut().poll_recv(cx)).await
    }
}

/// If this were red, a step of a stack that shares behind the executor's back would be taken for
/// one that had been made before, and what it does here would go unseen.
#[test]
fn a_stack_that_shares_what_nobody_tells_of_is_told_so() {
    let scenario = &scenarios(1, 0)[0];
    let explored = explore_trusting::<SharesUntold>(scenario, STATES_MAX, Trust::Nothing);
    assert_eq!(explored.err(), Some(Incomplete::Untold));
}
