//! The classes of bugs that execution stacks have had, each as a line or a few of
//! [`Naive`](super::naive::Naive), the smallest scenario in which it shows, and the rules that it
//! breaks there.
//!
//! The classes and their schedules are those of the survey of peers; the numbers are its. What
//! only a real kernel can show names the test on a real kernel.

use std::{sync::Arc, time::Duration};

use lastbyte::{
    Policy,
    machine::{
        BufferPolicy, DrainPolicy, Errno, Full, KillPolicy, Signal,
        StreamId::{Stderr, Stdout},
        Target,
    },
    monitor::Rule::{
        self, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C15, C16, C17, C20,
    },
};

use crate::executor::{
    child::{Do, Script},
    stack::{
        Call::{self, Close, Exited, Kill, Shutdown, Wait, WaitAndGo},
        Consumer, Scenario,
    },
};

/// One class of bugs.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its number in the survey of peers: 1 is B1.
    pub number: u8,
    /// What goes wrong.
    pub what: &'static str,
    /// Where it would be caught.
    pub covered: Covered,
}

impl Class {
    /// Its name in the survey.
    pub fn name(&self) -> String {
        format!("B{}", self.number)
    }

    /// The historic designs that are of it, by their names in the catalogue.
    pub fn designs(&self) -> impl Iterator<Item = &'static str> {
        let number = self.number;
        DESIGNS.iter().filter(move |(_, classes)| classes.contains(&number)).map(|&(name, _)| name)
    }

    /// Its row in the docs.
    fn row(&self) -> String {
        let designs: Vec<&str> = self.designs().collect();
        let (by, breaks, told) = match self.covered {
            Covered::Variant(variant) => {
                let scenario = (variant.scenario)().name;
                let told = match variant.told_in {
                    0 => String::new(),
                    told => told.to_string(),
                };
                (format!("naive, in {scenario}"), broken(variant.breaks), told)
            }
            Covered::Kernel(tests) => {
                let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
                (format!("a real kernel: {}", tests.join(", ")), String::new(), String::new())
            }
        };
        let designs = designs.join(", ");
        format!("| {} | {} | {by} | {breaks} | {told} | {designs} |\n", self.name(), self.what)
    }
}

fn broken(breaks: &[(Rule, u32)]) -> String {
    let each: Vec<String> =
        breaks.iter().map(|(rule, steps)| format!("{rule} in {steps}")).collect();
    each.join(", ")
}

/// The table of the docs.
pub fn table() -> String {
    let head = "| class | what | covered by | breaks, in steps | told in | historic designs |\n\
                |---|---|---|---|---|---|\n";
    CLASSES.iter().fold(head.to_owned(), |table, class| table + &class.row())
}

impl Variant {
    /// A scenario, with this bug in the stack that is asked.
    pub fn seeded(&self, mut scenario: Scenario) -> Arc<Scenario> {
        scenario.bug = self.bug;
        Arc::new(scenario)
    }
}

/// Where a class is covered.
#[derive(Clone, Copy, Debug)]
pub enum Covered {
    /// By a variant of the naive stack.
    Variant(Variant),
    /// By tests on a real kernel.
    Kernel(&'static [&'static str]),
}

/// A naive stack with the bug.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Which, as [`Scenario::bug`] has it.
    pub bug: u8,
    /// Where the bug shows.
    pub scenario: fn() -> Scenario,
    /// The rules that break there, and the steps of the shortest schedule of each. All others are
    /// kept.
    pub breaks: &'static [(Rule, u32)],
    /// The rules that break in [`plain`] too.
    pub plainly: &'static [Rule],
    /// Steps of the schedule in the survey; 0: it gives none.
    pub told_in: u32,
}

const fn out(bytes: &'static [u8]) -> Do {
    Do::Write(Stdout, bytes)
}

const fn err(bytes: &'static [u8]) -> Do {
    Do::Write(Stderr, bytes)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A script's steps, as a constant.
macro_rules! does {
    ($($step:expr),* $(,)?) => {
        const { &[$($step),*] as &[Do] }
    };
}

/// Longer than any horizon.
const RUNS_ON: Do = Do::Sleep(3_600_000);
const IDLE: DrainPolicy = DrainPolicy::Idle { gap: ms(100), max: ms(400) };

fn base(name: &'static str, does: &'static [Do], calls: &[Call]) -> Scenario {
    let mut scenario = Scenario::new(name, Script::new(does));
    scenario.calls = calls.to_vec();
    scenario.late = 0;
    scenario.policy = Policy {
        drain: DrainPolicy::After(ms(100)),
        kill: KillPolicy { signal: Signal::KILL, grace: ms(100), target: Target::Group },
        ..Policy::default()
    };
    scenario
}

/// Who writes, who ends, and somebody who waits: every variant is explored in it as well.
pub fn plain() -> Scenario {
    base("plain", does![out(b"a")], &[Wait])
}

fn one() -> Scenario {
    base("one", does![out(b"a")], &[])
}

fn both() -> Scenario {
    base("both", does![err(b"A")], &[])
}

fn closed() -> Scenario {
    base("closed", does![out(b"a")], &[Close])
}

fn closed_running() -> Scenario {
    base("closed-running", does![RUNS_ON], &[Close])
}

fn closed_and_waited() -> Scenario {
    base("closed-and-waited", does![], &[Close, Wait])
}

fn closed_unread() -> Scenario {
    let mut scenario = base("closed-unread", does![out(b"a")], &[Close]);
    scenario.children[0].1 = Consumer::Stops(0);
    scenario
}

fn wait_fails() -> Scenario {
    let mut scenario = base("wait-fails", does![RUNS_ON], &[Close]);
    scenario.children[0].0.wait_error = Some(Errno(10));
    scenario
}

fn stolen() -> Scenario {
    let mut scenario = base("stolen", does![Do::Exit(3)], &[]);
    scenario.children[0].0.wait_error = Some(Errno(10));
    scenario
}

fn shut_down() -> Scenario {
    base("shut-down", does![Do::Exit(3)], &[Wait, Shutdown])
}

fn shut_down_unwaited() -> Scenario {
    base("shut-down-unwaited", does![out(b"a")], &[Shutdown])
}

fn waited_twice() -> Scenario {
    base("waited-twice", does![], &[Wait, Wait])
}

fn waiter_goes() -> Scenario {
    base("waiter-goes", does![], &[WaitAndGo, Wait])
}

fn held() -> Scenario {
    base("held", does![Do::Fork(&[]), out(b"a")], &[])
}

fn held_and_late() -> Scenario {
    let mut scenario = base("held-and-late", does![Do::Fork(&[]), out(b"a")], &[]);
    scenario.late = 1;
    scenario
}

/// A descendant writes when the drain is due.
fn cut() -> Scenario {
    base("cut", does![Do::Fork(&[Do::Sleep(100), out(b"x")])], &[])
}

fn cut_and_failed() -> Scenario {
    base("cut-and-failed", does![Do::Fork(&[Do::Sleep(100), out(b"x")]), Do::Exit(1)], &[])
}

fn chatty() -> Scenario {
    const WRITES: Do = out(b"x");
    const PAUSE: Do = Do::Sleep(60);
    const CHATS: &[Do] = &[
        PAUSE, WRITES, PAUSE, WRITES, PAUSE, WRITES, PAUSE, WRITES, PAUSE, WRITES, PAUSE, WRITES,
        PAUSE, WRITES, PAUSE, WRITES,
    ];
    let mut scenario = base("chatty", does![Do::Close(Stderr), Do::Fork(CHATS)], &[]);
    scenario.policy.drain = IDLE;
    scenario.bound = Some(ms(400));
    scenario
}

fn killed() -> Scenario {
    let mut scenario = base("killed", does![RUNS_ON], &[Kill]);
    scenario.policy.kill.signal = Signal::TERM;
    scenario.children[0].0.on_term = Some(does![out(b"!"), Do::Exit(3)]);
    scenario
}

fn killed_writing() -> Scenario {
    base("killed-writing", does![out(b"a")], &[Kill])
}

fn killed_late() -> Scenario {
    base("killed-late", does![], &[Kill])
}

fn killed_before_the_pid() -> Scenario {
    let mut scenario = base("killed-before-the-pid", does![RUNS_ON], &[Kill]);
    scenario.children[0].0.pid_is_late = true;
    scenario
}

/// A descendant leaves the group, and stays.
fn escaped() -> Scenario {
    base("escaped", does![Do::Fork(&[Do::Setsid]), RUNS_ON], &[Kill])
}

/// A descendant of the group, and nothing but the kill ends it.
fn group() -> Scenario {
    let mut scenario = base("group", does![Do::Fork(&[]), RUNS_ON], &[Kill]);
    scenario.policy.drain = DrainPolicy::UntilEof;
    scenario
}

fn timed_out() -> Scenario {
    let mut scenario = base("timed-out", does![Do::Sleep(100)], &[]);
    scenario.policy.timeout = Some(ms(100));
    scenario
}

fn small_pipe() -> Scenario {
    let mut scenario = base("small-pipe", does![err(b"A"), err(b"B")], &[]);
    scenario.children[0].0.pipe = 1;
    scenario
}

/// Two executions without stderr, of which the second says nothing.
fn pair(name: &'static str, does: &'static [Do]) -> Scenario {
    let mut scenario = base(name, does, &[]);
    scenario.children[0].0.has_stderr = false;
    let second = Script { does: &[], ..scenario.children[0].0 };
    scenario.children.push((second, Consumer::Fair));
    scenario
}

fn slow_neighbour() -> Scenario {
    let mut scenario = pair("slow-neighbour", does![out(b"a")]);
    scenario.children[0].1 = Consumer::Stops(0);
    scenario
}

fn two() -> Scenario {
    pair("two", &[])
}

fn bounded(name: &'static str, does: &'static [Do], full: Full) -> Scenario {
    let mut scenario = base(name, does, &[]);
    scenario.children[0].1 = Consumer::Stops(0);
    scenario.buffer_max = Some(2);
    scenario.policy.buffer = BufferPolicy { bytes_max: 2, chunks_max: 2, full };
    scenario
}

fn unread() -> Scenario {
    bounded("unread", does![out(b"ab"), out(b"c")], Full::Pause)
}

fn unread_pairs() -> Scenario {
    bounded("unread-pairs", does![out(b"ab"), out(b"cd")], Full::Pause)
}

fn sibling_unread() -> Scenario {
    let mut scenario =
        bounded("sibling-unread", does![out(b"ab"), err(b"A"), err(b"B")], Full::Pause);
    scenario.children[0].0.pipe = 2;
    scenario.children[0].0.does = does![out(b"ab"), err(b"A"), err(b"BC")];
    scenario
}

fn overflowing() -> Scenario {
    let mut scenario = bounded("overflowing", does![out(b"ab"), out(b"c"), out(b"d")], Full::Gap);
    scenario.buffer_max = None;
    scenario.children[0].1 = Consumer::Fair;
    scenario
}

fn silent() -> Scenario {
    let mut scenario = base("silent", does![Do::Sleep(100)], &[]);
    scenario.policy.buffer.full = Full::KillAfter(ms(50));
    scenario.harmless = true;
    scenario
}

fn late_consumer() -> Scenario {
    let mut scenario = base("late-consumer", does![out(b"a")], &[]);
    scenario.children[0].1 = Consumer::Late;
    scenario
}

fn reconnects() -> Scenario {
    let mut scenario = base("reconnects", does![out(b"a")], &[]);
    scenario.children[0].1 = Consumer::Reconnects;
    scenario
}

fn in_a_box() -> Scenario {
    let mut scenario = pair("in-a-box", &[]);
    scenario.boxed = true;
    scenario
}

fn stops() -> Scenario {
    base("stops", &[Do::Stop(50)], &[])
}

fn code_137() -> Scenario {
    base("code-137", does![Do::Exit(137)], &[])
}

fn text() -> Scenario {
    base("text", does![out(b"\xc3"), out(b"\xa9")], &[])
}

fn read_fails() -> Scenario {
    let mut scenario = base("read-fails", does![], &[]);
    scenario.children[0].0.read_error = Some((Stdout, 0, Errno(5)));
    scenario
}

fn reads_stdin() -> Scenario {
    base("reads-stdin", does![Do::ReadStdin], &[])
}

fn does_not_read_stdin() -> Scenario {
    let mut scenario = base("does-not-read-stdin", does![], &[]);
    scenario.children[0].0.input = b"input";
    scenario
}

fn closes_early() -> Scenario {
    base("closes-early", does![Do::Close(Stdout), Do::Close(Stderr), Do::Exit(3)], &[])
}

fn exited() -> Scenario {
    base("exited", does![Do::Fork(&[]), Do::Exit(0)], &[Exited])
}

const fn variant(
    number: u8,
    what: &'static str,
    scenario: fn() -> Scenario,
    told_in: u32,
    breaks: &'static [(Rule, u32)],
    plainly: &'static [Rule],
) -> Class {
    let variant = Variant { bug: number, scenario, breaks, plainly, told_in };
    Class { number, what, covered: Covered::Variant(variant) }
}

const fn kernel(number: u8, what: &'static str, tests: &'static [&'static str]) -> Class {
    Class { number, what, covered: Covered::Kernel(tests) }
}

/// Every scenario, for the control.
pub const SCENARIOS: &[fn() -> Scenario] = &[
    plain,
    one,
    both,
    closed,
    closed_running,
    closed_and_waited,
    closed_unread,
    wait_fails,
    stolen,
    shut_down,
    shut_down_unwaited,
    waited_twice,
    waiter_goes,
    held,
    held_and_late,
    cut,
    cut_and_failed,
    chatty,
    killed,
    killed_writing,
    killed_late,
    killed_before_the_pid,
    escaped,
    group,
    timed_out,
    small_pipe,
    slow_neighbour,
    two,
    unread,
    unread_pairs,
    sibling_unread,
    overflowing,
    silent,
    late_consumer,
    reconnects,
    in_a_box,
    stops,
    code_137,
    text,
    read_fails,
    reads_stdin,
    does_not_read_stdin,
    closes_early,
    exited,
];

/// Historic designs, and the classes that they are of.
const DESIGNS: &[(&str, &[u8])] = &[
    ("stock", &[1, 2]),
    ("exit-event", &[1]),
    ("exit-polled", &[1]),
    ("delete-before-copy", &[1]),
    ("streams-pending", &[2, 12]),
    ("free-races-exit", &[3]),
    ("abort-on-free", &[5]),
    ("check-then-register", &[6, 12]),
    ("receiver-list", &[7, 12]),
    ("exec-after-box", &[11]),
    ("single-owner", &[12]),
    ("wait-drains", &[12]),
    ("idle-cut", &[13, 15]),
    ("one-drain-loop", &[23]),
    ("pause-blocks-kill", &[24]),
    ("drop-on-overflow", &[29]),
    ("wait-error-is-exit", &[32]),
    ("text-per-chunk", &[44]),
    ("read-error-is-eof", &[46]),
];

/// The classes, in the order of the survey.
pub const CLASSES: &[Class] = &[
    variant(1, "the exit comes before the output", one, 4, &[(C1, 5), (C2, 11)], &[C1, C2]),
    variant(2, "a wait is answered when the root has ended", plain, 5, &[(C4, 5)], &[C4]),
    variant(3, "a close and the owner both queue a terminal", closed, 3, &[(C2, 5)], &[]),
    variant(
        4,
        "who claimed the terminal is aborted before it is queued",
        closed,
        4,
        &[(C11, 19)],
        &[],
    ),
    variant(
        5,
        "pumps are aborted and not joined: an event after the close",
        closed,
        4,
        &[(C11, 7)],
        &[],
    ),
    variant(
        6,
        "looked first, registered then: the wake-up comes between",
        plain,
        3,
        &[(C4, 17)],
        &[C4],
    ),
    variant(
        7,
        "a stream is registered after the owner took its list",
        both,
        5,
        &[(C1, 8), (C2, 13)],
        &[C1, C2],
    ),
    variant(8, "the terminal waits for the connection to close", one, 3, &[(C5, 14)], &[C5]),
    variant(9, "an error after the terminal takes its place", plain, 2, &[(C4, 15)], &[C4]),
    variant(10, "no terminal is taken for success", shut_down, 3, &[(C4, 12), (C9, 2)], &[]),
    variant(11, "the exit of a box comes before the exits in it", in_a_box, 3, &[(C20, 7)], &[]),
    variant(
        12,
        "a descendant holds the pipe, and the terminal never comes",
        held,
        4,
        &[(C6, 12)],
        &[],
    ),
    variant(13, "a deadline cuts, and nothing says so", cut, 4, &[(C8, 18)], &[]),
    variant(
        14,
        "silence ends the drain, and a descendant is never silent",
        chatty,
        3,
        &[(C6, 69)],
        &[],
    ),
    variant(15, "the timer beats what stands in the pipe", held_and_late, 4, &[(C7, 9)], &[]),
    variant(16, "a cut is hidden behind a failed status", cut_and_failed, 3, &[(C8, 18)], &[]),
    variant(17, "a kill stops the readers too", killed, 4, &[(C7, 5)], &[]),
    variant(
        18,
        "pipes are closed before the signal is sent",
        killed_writing,
        4,
        &[(C7, 5), (C16, 4)],
        &[],
    ),
    kernel(
        19,
        "a sibling's start holds the pipe",
        &[
            "c18_concurrent_starts_do_not_hold_each_others_streams",
            "c18_a_sibling_that_is_being_started_holds_nobodys_stream",
        ],
    ),
    variant(20, "a descendant that left the group outlives the kill", escaped, 3, &[(C6, 10)], &[]),
    variant(21, "output is read when the root has ended", small_pipe, 3, &[(C15, 7)], &[]),
    variant(22, "stdout is read to its end, and then stderr", small_pipe, 3, &[(C15, 7)], &[]),
    variant(
        23,
        "a slow consumer stalls other executions",
        slow_neighbour,
        3,
        &[(C5, 17), (C12, 16)],
        &[],
    ),
    variant(24, "one full stream stalls its sibling", sibling_unread, 4, &[(C12, 9)], &[]),
    variant(
        25,
        "a close waits for room in a queue that nobody empties",
        closed_unread,
        4,
        &[(C11, 13)],
        &[],
    ),
    variant(26, "buffers have no bound", unread, 3, &[(C12, 4)], &[]),
    variant(27, "the bound counts events, not bytes", unread_pairs, 1, &[(C12, 4)], &[]),
    variant(28, "the clock of a stall runs while nothing is buffered", silent, 2, &[(C12, 8)], &[]),
    variant(
        29,
        "what does not fit is dropped, and nobody is told",
        overflowing,
        3,
        &[(C1, 10), (C8, 10)],
        &[],
    ),
    variant(30, "a shutdown discards what was accepted", shut_down_unwaited, 3, &[(C13, 3)], &[]),
    kernel(
        31,
        "the child's end does not block",
        &["c18_signals_and_pipes_of_a_child_are_the_defaults"],
    ),
    variant(
        32,
        "a wait that fails is taken for an exit, and nobody kills",
        wait_fails,
        4,
        &[(C11, 11)],
        &[],
    ),
    variant(33, "a code is told as a signal", code_137, 1, &[(C9, 10)], &[]),
    variant(34, "a stolen status is told as 0", stolen, 2, &[(C9, 10)], &[]),
    variant(35, "two ends in one signal: one is reaped", two, 3, &[(C6, 19)], &[]),
    variant(36, "it ends before it is registered", one, 3, &[(C6, 11)], &[C6]),
    variant(37, "a signal goes to a pid that was reaped", killed_late, 3, &[(C16, 4)], &[]),
    variant(38, "a kill that found nobody is told as the cause", killed_late, 3, &[(C10, 11)], &[]),
    variant(39, "a stop is taken for an exit", stops, 0, &[(C9, 18)], &[]),
    variant(40, "the root is reaped when its pipes have ended", exited, 3, &[(C6, 9)], &[]),
    variant(41, "the first waiter takes the answer with him", waited_twice, 0, &[(C4, 13)], &[]),
    variant(42, "a waiter who goes leaves the others waiting", waiter_goes, 3, &[(C4, 16)], &[]),
    variant(43, "a shutdown answers nobody", shut_down, 3, &[(C13, 8)], &[]),
    variant(44, "bytes are decoded chunk by chunk", text, 2, &[(C3, 5)], &[]),
    variant(45, "errors are written into the output", read_fails, 0, &[(C3, 2)], &[]),
    variant(46, "a read error is taken for an end", read_fails, 3, &[(C9, 2)], &[]),
    kernel(
        47,
        "EIO of a terminal is taken for an error",
        &["c09_eio_on_a_pty_is_its_eof", "c07_all_that_the_root_wrote_to_a_held_pty_is_delivered"],
    ),
    kernel(
        48,
        "an order between two pipes is promised",
        &["c03_a_combined_stream_has_the_order_of_the_writes"],
    ),
    variant(49, "the end of stdin never comes", reads_stdin, 3, &[(C17, 6)], &[]),
    variant(50, "a broken stdin fails the execution", does_not_read_stdin, 2, &[(C9, 12)], &[]),
    kernel(
        51,
        "SIGPIPE is inherited as ignored",
        &["c18_signals_and_pipes_of_a_child_are_the_defaults"],
    ),
    variant(52, "it ends before anybody attaches", late_consumer, 3, &[(C1, 6)], &[C1]),
    variant(53, "a consumer comes back, and an event is gone", reconnects, 0, &[(C1, 9)], &[]),
    variant(54, "a kill reaches the leader alone", group, 0, &[(C6, 10)], &[]),
    variant(55, "a timeout is told of an exit that beat it", timed_out, 1, &[(C10, 20)], &[]),
    variant(56, "what is over is never forgotten", one, 0, &[(C11, 14)], &[C11]),
    kernel(57, "a start that fails looks like an exit", &["c14_each_refusal_says_its_stage"]),
    kernel(
        58,
        "a start that fails leaves descriptors",
        &["c14_a_thousand_refused_starts_leave_nothing"],
    ),
    variant(59, "who disconnects leaves an orphan", closed_running, 0, &[(C11, 8)], &[]),
    kernel(
        60,
        "a descendant writes the root's last words",
        &["c06_until_eof_delivers_what_a_descendant_writes_later"],
    ),
    variant(
        61,
        "the end of all output is taken for the exit",
        closes_early,
        3,
        &[(C9, 10)],
        &[C11],
    ),
    variant(
        62,
        "a kill comes before the pid, and is forgotten",
        killed_before_the_pid,
        4,
        &[(C16, 8)],
        &[],
    ),
    kernel(
        63,
        "a new group is stopped at the terminal",
        &["c16_a_command_left_in_our_group_reads_our_terminal"],
    ),
    variant(
        64,
        "the terminal comes, and a stream never ends",
        escaped,
        4,
        &[(C1, 4), (C2, 7)],
        &[],
    ),
];
