//! Each race by its name: the number of its interleavings, and every way in which it may end.
//!
//! An ending is how the callers were answered, in the order of the race (`ok`, the code of a
//! refusal, `-` for a caller who had nothing to ask for), and how many executions were killed and
//! how many ended by themselves. Everything that is asserted is asserted whole: an ending that is
//! not listed, or one that is and is not reached, turns a test red.

use lastbyte_sim::lifecycle::race::{Chance, Child, ONE, Race, What, Which, share};

use crate::explored::{endings, ends_in, found};

const THERE: Which = Which::There(0);
const OTHER: Which = Which::There(1);
const SLEEP: What = What::Exec(THERE, Child::Sleeps);
const RUN: What = What::Exec(THERE, Child::Ends);

/// A machine with room for four, and an empty box.
fn empty(name: &'static str) -> Race {
    Race::new(name, 4).with_box(&[])
}

/// The same, and a child sleeps in the box.
fn asleep(name: &'static str) -> Race {
    Race::new(name, 4).with_box(&[Child::Sleeps])
}

/// If this were red, a command that starts while its box is stopped would run on in it, or be
/// refused in a way that no client knows.
#[test]
fn exec_vs_stop() {
    let race = empty("exec vs stop").ask(SLEEP).ask(What::Stop(THERE));
    ends_in(&race, 12, 4, &["invalid_state ok", "ok ok | killed 1, ended 0"]);
    let race = empty("a short exec vs stop").ask(RUN).ask(What::Stop(THERE));
    let endings = ["invalid_state ok", "ok ok | killed 0, ended 1", "ok ok | killed 1, ended 0"];
    ends_in(&race, 15, 5, &endings);
}

/// If this were red, a start that is refused would hold up the stop of its box.
#[test]
fn refused_exec_vs_stop() {
    let race = empty("refused exec vs stop").ask(SLEEP).ask(What::Stop(THERE));
    let race = race.chance(Chance::LaunchFails);
    let endings = ["cannot_spawn ok", "invalid_state ok", "ok ok | killed 1, ended 0"];
    ends_in(&race, 15, 6, &endings);
}

/// If this were red, a command would run on in a box that is gone, or keep its box from going.
#[test]
fn exec_vs_delete() {
    let race = empty("exec vs forced delete").ask(SLEEP).ask(What::ForceDelete(THERE));
    ends_in(&race, 15, 5, &["gone ok", "not_found ok", "ok ok | killed 1, ended 0"]);
    let race = empty("exec vs delete").ask(RUN).ask(What::Delete(THERE));
    let endings = [
        "gone ok",
        "not_found ok",
        "ok invalid_state | killed 0, ended 1",
        "ok ok | killed 0, ended 1",
    ];
    ends_in(&race, 17, 6, &endings);
}

/// If this were red, a command of before would run in a box that was made anew.
#[test]
fn exec_vs_rebuild() {
    let race = empty("exec vs rebuild").ask(SLEEP).ask(What::Rebuild(THERE));
    ends_in(&race, 16, 5, &["invalid_state ok", "ok ok", "ok ok | killed 1, ended 0"]);
}

/// If this were red, whoever stops a box twice would get an error, or no answer.
#[test]
fn stop_vs_stop() {
    let race = asleep("stop vs stop").ask(What::Stop(THERE)).ask(What::Stop(THERE));
    ends_in(&race, 12, 6, &["ok ok | killed 1, ended 0"]);
}

/// If this were red, a delete without force would end what somebody runs, or one with force would
/// not.
#[test]
fn delete_while_an_exec_runs() {
    let race = asleep("delete while an exec runs").ask(What::Delete(THERE));
    ends_in(&race, 2, 1, &["invalid_state"]);
    let race = asleep("forced delete while an exec runs").ask(What::ForceDelete(THERE));
    ends_in(&race, 5, 1, &["ok | killed 1, ended 0"]);
    let race = asleep("both").ask(What::Delete(THERE)).ask(What::ForceDelete(THERE));
    let endings = [
        "invalid_state ok | killed 1, ended 0",
        "not_found ok | killed 1, ended 0",
        "ok ok | killed 1, ended 0",
    ];
    ends_in(&race, 15, 5, &endings);
}

/// If this were red, of two who delete a box one would be told that it failed while it went.
#[test]
fn delete_vs_delete() {
    let delete = What::ForceDelete(THERE);
    let race = asleep("delete vs delete").ask(delete).ask(delete);
    let endings = [
        "not_found ok | killed 1, ended 0",
        "ok not_found | killed 1, ended 0",
        "ok ok | killed 1, ended 0",
    ];
    ends_in(&race, 18, 8, &endings);
}

/// If this were red, a delete would wait for a stop or a rebuild, or strand who asked for it.
#[test]
fn delete_overtakes() {
    let race = asleep("delete vs stop").ask(What::ForceDelete(THERE)).ask(What::Stop(THERE));
    let endings = [
        "ok gone | killed 1, ended 0",
        "ok not_found | killed 1, ended 0",
        "ok ok | killed 1, ended 0",
    ];
    ends_in(&race, 17, 7, &endings);
    let race = asleep("delete vs rebuild").ask(What::ForceDelete(THERE));
    let race = race.ask(What::Rebuild(THERE));
    let endings = [
        "ok gone | killed 1, ended 0",
        "ok not_found | killed 1, ended 0",
        "ok ok | killed 1, ended 0",
    ];
    ends_in(&race, 18, 8, &endings);
}

/// If this were red, a box that is deleted before it is up would come up all the same, or its share
/// would stay taken.
#[test]
fn create_vs_delete() {
    // The box is listed while it is being set up, so somebody may delete it.
    let race = Race::new("create vs delete", 1).ask(What::Create(ONE));
    let race = race.ask(What::ForceDelete(THERE)).chance(Chance::SetUpFails);
    let endings = ["gone ok", "ok not_found", "ok ok", "over_quota not_found"];
    ends_in(&race, 17, 6, &endings);
}

/// If this were red, two executions in one box would see each other's launch, end or number.
#[test]
fn two_execs_at_once_on_one_box() {
    let race = empty("two execs").ask(RUN).ask(RUN);
    // Each is asked for, starts, ends: 6! / (3! 3!).
    ends_in(&race, 25, 20, &["ok ok | killed 0, ended 2"]);
    // A stop ends both, whatever each is doing.
    let race = empty("two execs vs stop").ask(SLEEP).ask(RUN).ask(What::Stop(THERE));
    let endings = [
        "invalid_state invalid_state ok",
        "invalid_state ok ok | killed 0, ended 1",
        "invalid_state ok ok | killed 1, ended 0",
        "ok invalid_state ok | killed 1, ended 0",
        "ok ok ok | killed 1, ended 1",
        "ok ok ok | killed 2, ended 0",
    ];
    ends_in(&race, 82, 78, &endings);
}

/// If this were red, what is done to one box would reach into another.
#[test]
fn a_stop_leaves_other_boxes_alone() {
    let race = asleep("a stop leaves others alone").with_box(&[Child::Sleeps]);
    let race = race.ask(What::Stop(THERE)).ask(What::Exec(OTHER, Child::Ends));
    // One caller's stop of 3 steps beside another's exec of 3: 6! / (3! 3!). The sleeper in the
    // other box is not killed.
    ends_in(&race, 16, 20, &["ok ok | killed 1, ended 1"]);
}

/// If this were red, the hundredth command would find something that the first has left.
#[test]
fn many_execs_in_sequence() {
    let mut race = empty("many in sequence");
    for _ in 0..100 {
        race = race.then_when_ended(RUN);
    }
    race.limits.executions_max = 100;
    let found = found(&race);
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
    let all = format!("{} | killed 0, ended 100", vec!["ok"; 100].join(" "));
    assert_eq!(endings(&race, &found).into_iter().collect::<Vec<_>>(), [all]);
}

/// If this were red, boxes that are created at the same time would share a number.
#[test]
fn several_boxes_created_in_parallel() {
    let create = What::Create(ONE);
    let race = Race::new("four creates", 4).ask(create).ask(create).ask(create).ask(create);
    // Each is asked for, is up: 8! / 2^4. The numbers are compared by the world.
    ends_in(&race, 633, 2520, &["ok ok ok ok"]);
}

/// If this were red, boxes that are created at the same time would get more than there is, or what
/// one of them gave back would be lost.
#[test]
fn quota_hit_by_concurrent_creates() {
    let create = What::Create(ONE);
    let race = Race::new("quota", 2).ask(create).ask(create).ask(create);
    let endings = ["ok ok over_quota", "ok over_quota ok", "over_quota ok ok"];
    ends_in(&race, 55, 48, &endings);
    // What a box gives back is there for the next, and not before.
    let race = Race::new("quota given back", 2).ask(create).ask(create);
    let race = race.ask(What::Create(share(2))).then(What::ForceDelete(Which::Made(0)));
    let race = race.then(What::Create(ONE));
    let found = found(&race);
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
}

/// If this were red, a create that fails or is refused would leave something, or keep its share.
#[test]
fn quota_is_not_leaked_on_refusal() {
    let race = Race::new("set-up fails", 1).ask(What::Create(ONE));
    let race = race.then(What::Create(ONE)).chance(Chance::SetUpFails);
    let endings = ["ok over_quota", "over_quota ok"];
    ends_in(&race, 7, 2, &endings);
    let nothing = What::Create(share(0));
    let race = Race::new("too much, nothing", 4).ask(What::Create(share(3))).ask(nothing);
    ends_in(&race, 4, 2, &["over_quota invalid_argument"]);
}

/// If this were red, a box could be told to have ended while something in it runs (C20).
#[test]
fn c20_an_execs_exit_vs_its_boxs_exit() {
    let race = Race::new("exit vs the box's own end", 4).with_box(&[Child::Ends, Child::Sleeps]);
    let dies = race.clone().chance(Chance::Dies);
    ends_in(&dies, 10, 3, &[" | killed 1, ended 1", " | killed 2, ended 0"]);
    let stopped = race.clone().ask(What::Stop(THERE));
    ends_in(&stopped, 10, 3, &["ok | killed 1, ended 1", "ok | killed 2, ended 0"]);
    let deleted = race.ask(What::ForceDelete(THERE)).chance(Chance::Dies);
    ends_in(&deleted, 30, 19, &["ok | killed 1, ended 1", "ok | killed 2, ended 0"]);
}

/// If this were red, a box that is asked to go up and down at the same time would do neither.
#[test]
fn start_vs_stop() {
    let race = asleep("start vs stop").ask(What::Start(THERE)).ask(What::Stop(THERE));
    let endings = ["invalid_state ok | killed 1, ended 0", "ok ok | killed 1, ended 0"];
    ends_in(&race, 13, 4, &endings);
    let race = race.chance(Chance::SetUpFails);
    let endings = [
        "invalid_state ok | killed 1, ended 0",
        "ok ok | killed 1, ended 0",
        "over_quota ok | killed 1, ended 0",
    ];
    ends_in(&race, 14, 5, &endings);
}

/// If this were red, of two who rebuild a box one would get what the other has used already.
#[test]
fn rebuild_vs_rebuild() {
    let race = asleep("rebuild vs rebuild").ask(What::Rebuild(THERE)).ask(What::Rebuild(THERE));
    ends_in(&race, 20, 8, &["ok ok | killed 1, ended 0"]);
}

/// If this were red, an execution that is no longer kept would come back, or hold up its box.
#[test]
fn expiry_vs_delete() {
    let race = Race::new("expiry vs delete", 4).with_box(&[Child::Ends]);
    let race = race.ask(What::ForceDelete(THERE)).chance(Chance::Expires);
    ends_in(&race, 13, 7, &["ok", "ok | killed 0, ended 1", "ok | killed 1, ended 0"]);
}

/// If this were red, a box would be filled with more executions than it may hold.
#[test]
fn as_many_executions_as_may_live() {
    let mut race = empty("as many as may").ask(RUN).ask(RUN);
    race.limits.executions_max = 1;
    let endings = [
        "ok ok | killed 0, ended 2",
        "ok over_quota | killed 0, ended 1",
        "over_quota ok | killed 0, ended 1",
    ];
    ends_in(&race, 19, 6, &endings);
}

/// If this were red, a name that nothing has would be answered with a defect.
#[test]
fn unknown_boxes_are_not_found() {
    let mut race = Race::new("unknown", 1);
    for what in [What::Start, What::Stop, What::Rebuild, What::Delete, What::ForceDelete] {
        race = race.then(what(Which::Unknown));
    }
    let race = race.then(What::Exec(Which::Unknown, Child::Ends));
    let all = ["not_found"; 6].join(" ");
    ends_in(&race, 7, 1, &[&all]);
}

/// If this were red, somebody would wait for ever on a runner that shuts down, or something would
/// be left of it (C13).
#[test]
fn c13_shutdown_vs_everything() {
    let race = asleep("shutdown").ask(What::Stop(THERE)).ask(What::Create(ONE));
    let race = race.ask(What::Rebuild(THERE)).ask(SLEEP).ask(What::Shutdown);
    let found = found(&race);
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
    assert_eq!((found.states, found.hopeless), (2_547, 0));
    assert_eq!(found.interleavings, 312_695_u32.into());
    // Whoever is refused is so for one of these reasons, and the shutdown ends with nothing left.
    for end in &found.ends {
        let answers = end.answers(&race);
        let known = |answer| ["ok", "shutdown", "invalid_state"].contains(&answer);
        assert!(answers.split(' ').all(known) && answers.ends_with("ok"), "{answers}");
        assert_eq!(end.boxes(), 0, "{answers}");
    }
    let race = asleep("two shutdowns").ask(What::Shutdown).ask(What::Shutdown);
    ends_in(&race, 16, 8, &["ok ok | killed 1, ended 0"]);
}

/// If this were red, some mixture of requests and failures would end in a defect or not at all.
#[test]
fn everything_at_once() {
    let race = asleep("everything").ask(What::Stop(THERE)).ask(What::Start(THERE));
    let race = race.ask(What::Rebuild(THERE)).ask(RUN).ask(What::ForceDelete(THERE));
    let race = race.chance(Chance::Dies).chance(Chance::LaunchFails).chance(Chance::SetUpFails);
    let found = found(&race);
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
    assert_eq!((found.states, found.hopeless), (12_158, 0));
    assert_eq!(found.interleavings, 103_658_u32.into());
    for end in &found.ends {
        assert!(!end.answers(&race).contains("internal"), "{}", end.answers(&race));
        assert_eq!(end.boxes(), 0);
    }
}
