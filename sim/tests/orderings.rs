//! The four orderings that the first fix of this race was pinned by, each as one schedule and over
//! every interleaving, on the production machine and on the design that got them wrong.

use lastbyte::{
    machine::{DrainPolicy, Event, Machine, PerStream, StreamId, Streams, Until},
    monitor::Rule,
};
use lastbyte_sim::{
    bytes::Bytes,
    catalogue::{base, each},
    design::Design,
    explorer::explore,
    schedule::{Token, replay},
    world::{Bounds, Choice, World, Wrong},
    zoo::stock_steps::Stock,
};

use Choice::{Drain, Read, ReadEof, Reap, Start, Wait};
use StreamId::{Stderr, Stdout};

const TERMINAL: Choice = Wait(Until::Terminal);
const STATES_MAX: u64 = 1_000_000;

/// What the consumer and the waiters got at each step, in words.
fn run<D: Design>(bounds: &Bounds, script: &[Choice]) -> Result<Vec<String>, Wrong> {
    let mut world = World::<D>::new(bounds);
    let mut got = Vec::new();
    for &choice in script {
        assert!(world.choices(bounds).contains(&choice), "{choice} is not possible here");
        let step = world.take(bounds, choice)?;
        match step.event {
            Some(Event::Chunk { stream, chunk }) => got.push(format!("{stream} {}", chunk.at + 1)),
            Some(Event::Gap { stream, bytes }) => got.push(format!("{stream} lacks {bytes}")),
            Some(Event::End { stream, .. }) => got.push(format!("{stream} end")),
            Some(Event::Exit(_)) => got.push("exit".to_owned()),
            None if choice == Drain => got.push("nothing".to_owned()),
            None => {}
        }
        if step.resolved.terminal > 0 {
            got.push("wait".to_owned());
        }
    }
    Ok(got)
}

fn quiet(streams: Streams, chunks: u8) -> Bounds {
    let mut bounds = base(chunks, 1);
    bounds.streams = streams;
    bounds.policy.drain = DrainPolicy::UntilEof;
    bounds
}

fn rules(broken: &std::collections::BTreeMap<Rule, impl Sized>) -> Vec<Rule> {
    broken.keys().copied().collect()
}

/// If this were red, a command that prints and exits 0 would come back truncated.
#[test]
fn c01_stdout_only_every_chunk_comes_before_the_exit() {
    let bounds = quiet(Streams::Stdout, 2);
    let script = [
        Start,
        Read(Stdout, 1),
        Reap,
        Drain,
        Read(Stdout, 1),
        ReadEof(Stdout),
        Drain,
        Drain,
        Drain,
    ];
    let got = run::<Machine<Bytes>>(&bounds, &script).expect("no rule breaks");
    assert_eq!(got, ["stdout 1", "stdout 2", "stdout end", "exit"]);

    let report = explore::<Machine<Bytes>>(&bounds, STATES_MAX).expect("exhaustive");
    assert_eq!(rules(&report.broken), []);
    assert_eq!((report.states, report.hopeless), (108, 0));
}

/// If this were red, a caller would return from wait and find the last lines of stderr missing.
#[test]
fn c04_mixed_stdout_and_stderr_every_chunk_comes_before_the_wait() {
    let bounds = quiet(Streams::Separate, 1);
    let pumps = [Read(Stderr, 1), ReadEof(Stderr), Read(Stdout, 1), ReadEof(Stdout)];
    let script: Vec<Choice> =
        [Start, TERMINAL, Reap].into_iter().chain(pumps).chain([Drain; 5]).collect();
    let got = run::<Machine<Bytes>>(&bounds, &script).expect("no rule breaks");
    assert_eq!(got, ["stderr 1", "stderr end", "stdout 1", "stdout end", "exit", "wait"]);

    let report = explore::<Machine<Bytes>>(&bounds, STATES_MAX).expect("exhaustive");
    assert_eq!(rules(&report.broken), []);
    assert_eq!(report.hopeless, 0);
}

/// If this were red, the exit would be announced while a pipe still holds output.
#[test]
fn c01_process_exit_before_pump_completion_the_terminal_waits() {
    let bounds = quiet(Streams::Stdout, 1);
    let script = [Start, TERMINAL, Reap, Read(Stdout, 1), Drain, ReadEof(Stdout), Drain, Drain];
    let got = run::<Machine<Bytes>>(&bounds, &script).expect("no rule breaks");
    assert_eq!(got, ["stdout 1", "stdout end", "exit", "wait"]);

    // Between the reap and the end of the stream there is nothing to take but output.
    let mut world = World::<Machine<Bytes>>::new(&bounds);
    for choice in [Start, Reap] {
        let _step = world.take(&bounds, choice).expect("no rule breaks");
        assert!(!world.choices(&bounds).contains(&Drain));
    }
}

/// If this were red, every short command would pay a timer for an end that is already known.
#[test]
fn c05_pump_completion_before_process_exit_the_terminal_comes_at_once() {
    let mut bounds = quiet(Streams::Stdout, 1);
    // With a bound, so that there would be a timer to wait for.
    bounds.policy.drain = DrainPolicy::default();
    let script = [Start, Read(Stdout, 1), ReadEof(Stdout), TERMINAL, Drain, Drain, Reap, Drain];
    let got = run::<Machine<Bytes>>(&bounds, &script).expect("no rule breaks");
    assert_eq!(got, ["stdout 1", "stdout end", "exit", "wait"]);

    let mut world = World::<Machine<Bytes>>::new(&bounds);
    for choice in [Start, Read(Stdout, 1), ReadEof(Stdout), Reap] {
        let step = world.take(&bounds, choice).expect("no rule breaks");
        assert!(step.actions.is_empty(), "a timer was armed after {choice}");
    }
}

/// If this were red, the harness would have missed the bug that it was made for.
#[test]
fn stock_0_9_5_breaks_c1() {
    let bounds = quiet(Streams::Separate, 1);
    let report = explore::<Stock>(&bounds, STATES_MAX).expect("exhaustive");
    assert_eq!(rules(&report.broken), Stock::BREAKS);

    let replayed = replay::<Stock>(&bounds, &report.broken[&Rule::C1].schedule);
    let told: Vec<&str> = replayed.steps.iter().map(|step| step.choice.as_str()).collect();
    assert_eq!(told, ["the child starts", "the root's exit is reaped", "the consumer drains"]);
    assert_eq!(replayed.broken, Some(report.broken[&Rule::C1].broken));
}

/// If this were red, the wait that overtakes output would go unseen, as it did after the first fix.
#[test]
fn stock_0_9_5_breaks_c4() {
    let bounds = quiet(Streams::Stdout, 1);
    let wrong = run::<Stock>(&bounds, &[Start, TERMINAL, Reap]).expect_err("the wait overtakes");
    assert!(matches!(wrong, Wrong::Broken(broken) if broken.rule == Rule::C4));
    let wrong =
        run::<Stock>(&bounds, &[Start, Reap, Read(Stdout, 1), Drain]).expect_err("truncated");
    assert!(matches!(wrong, Wrong::Broken(broken) if broken.rule == Rule::C1));
}

/// If this were red, a design could be called caught because it was refused what it does well.
#[test]
fn stock_0_9_5_is_right_when_its_pumps_are_lucky() {
    let bounds = quiet(Streams::Stdout, 1);
    let script = [Start, Read(Stdout, 1), ReadEof(Stdout), Reap, Drain, Drain, Drain];
    let got = run::<Stock>(&bounds, &script).expect("no rule breaks");
    assert_eq!(got, ["stdout 1", "stdout end", "exit"]);
}

/// If this were red, a failure could not be pasted into another shell and seen again.
#[test]
fn a_token_replays_the_history_it_was_made_of() {
    let token = "stock-steps:until-eof:3:2:022:fb3e";
    let parsed = Token::parse(token).expect("a token");
    assert_eq!(parsed.to_string(), token);
    let (replayed, changed) = parsed.replay().expect("design and world exist");
    assert!(!changed);
    assert_eq!(replayed.broken.map(|broken| broken.rule), Some(Rule::C1));
}

/// If this were red, an old token would be taken for evidence about code that it never met.
#[test]
fn a_token_says_when_the_code_changed_under_it() {
    for stale in ["stock-steps:until-eof:3:2:022:0000", "stock-steps:until-eof:3:2:02z:fb3e"] {
        let parsed = Token::parse(stale).expect("a token");
        let (_, changed) = parsed.replay().expect("design and world exist");
        assert!(changed, "{stale}");
    }
    for bad in ["", "stock-steps:until-eof:3:2:022", "stock-steps:until-eof:3:2:0!2:fb3e"] {
        assert!(Token::parse(bad).is_err(), "{bad}");
    }
}

/// If this were red, "exhaustive" could stand beside a search that was cut short.
#[test]
fn a_search_that_hits_its_cap_reports_nothing() {
    let bounds = Bounds { chunks: PerStream::from_fn(|_| 2), ..quiet(Streams::Separate, 2) };
    let whole = explore::<Machine<Bytes>>(&bounds, STATES_MAX).expect("exhaustive").states;
    assert!(explore::<Machine<Bytes>>(&bounds, whole).is_ok());
    let cut = explore::<Machine<Bytes>>(&bounds, whole - 1).expect_err("one state short");
    assert!(cut.to_string().contains("not exhaustive"));
}

/// If this were red, the same command would print other numbers and tokens on the next run.
#[test]
fn two_explorations_are_the_same() {
    let bounds = Bounds { chunks: each(1), ..quiet(Streams::Separate, 1) };
    let [first, second] = [(); 2].map(|()| explore::<Stock>(&bounds, STATES_MAX).expect("all"));
    assert_eq!(first.broken, second.broken);
    assert_eq!(
        (first.states, first.transitions, first.interleavings),
        (second.states, second.transitions, second.interleavings)
    );
}
