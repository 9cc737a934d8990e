//! Refusals as a caller reads them, and what the registry says when it is asked.

use lastbyte::{
    ErrorKind,
    remote::lifecycle::{
        Action, BoxId, BoxState, Call, Done, ExecId, ExecState, Input, Lifecycle, Limits, Refusal,
        Report, Request, Resource, Resources,
    },
};
use lastbyte_sim::lifecycle::race::{ONE, share};

const LIMITS: Limits = Limits { per_box: share(2), total: share(3), executions_max: 2 };

/// Every refusal that there is.
fn all() -> [Refusal; 13] {
    let id = BoxId(7);
    let execution = ExecId { home: id, number: 3 };
    [
        Refusal::NotPositive(Resource::Cpus),
        Refusal::OverLimit { resource: Resource::Memory, asked: 9000, max: 8192 },
        Refusal::OverTotal { resource: Resource::Disk, asked: 20, free: 5 },
        Refusal::TooManyExecutions { max: 2 },
        Refusal::NoSuchBox(id),
        Refusal::NoSuchExecution(execution),
        Refusal::Expired(execution),
        Refusal::Unfit(BoxState::Stopped),
        Refusal::InUse { executions: 1 },
        Refusal::Deleting,
        Refusal::SetUpFailed(ErrorKind::OverQuota),
        Refusal::NotStarted(ErrorKind::CannotSpawn),
        Refusal::ShuttingDown,
    ]
}

/// If this were red, a caller would not learn what was wrong, or would learn it under another
/// status than the table has.
#[test]
fn c14_each_refusal_has_its_kind_and_says_what_to_do() {
    let shown: Vec<String> = all()
        .iter()
        .map(|refusal| {
            let error = refusal.error("use box 7");
            assert!(error.kind() != ErrorKind::Internal, "{error}");
            format!("{} failed to {error}", error.http_status())
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    400 failed to use box 7: cpus is not positive; ask for 1 or more
    429 failed to use box 7: 9000 memory_mib are more than a box may have; ask for 8192 or fewer
    429 failed to use box 7: 20 disk_size_gb are more than the 5 that are left; delete a box or ask for fewer
    429 failed to use box 7: 2 executions live in the box; wait until one has ended
    404 failed to use box 7: there is no box 7; list the boxes
    404 failed to use box 7: there is no execution 3 of box 7; check its number
    410 failed to use box 7: execution 3 of box 7 is over and no longer kept; ask earlier
    409 failed to use box 7: the box is stopped; start it first
    409 failed to use box 7: executions that live in the box: 1; end them, or use force
    410 failed to use box 7: the box is being deleted; create another
    429 failed to use box 7: the box cannot be set up; see the runner's log
    422 failed to use box 7: the command cannot be started; check it
    503 failed to use box 7: the runner is shutting down; use another
    ");
}

/// If this were red, a negative number would become a very large one.
#[test]
fn c14_numbers_that_are_not_positive_are_refused_by_name() {
    let refused = |cpus, memory, disk| Resources::requested(cpus, memory, disk).unwrap_err();
    assert_eq!(refused(0, 1, 1), Refusal::NotPositive(Resource::Cpus));
    assert_eq!(refused(1, -1, 1), Refusal::NotPositive(Resource::Memory));
    assert_eq!(refused(1, 1, i64::MIN), Refusal::NotPositive(Resource::Disk));
    assert_eq!(Resources::requested(1, 1, 1), Ok(ONE));
}

fn step(lifecycle: &mut Lifecycle, input: Input) -> Vec<Action> {
    lifecycle.step(input).unwrap_or_else(|illegal| panic!("{illegal}"))
}

fn ask(lifecycle: &mut Lifecycle, request: Request) -> Vec<Action> {
    step(lifecycle, Input::Request(Call(0), request))
}

/// If this were red, one resource would be checked and another not, or a share that no machine has
/// would wrap around to a small one.
#[test]
fn quotas_are_checked_for_each_resource() {
    let full = share(u64::MAX);
    for resource in Resource::ALL {
        let mut lifecycle = Lifecycle::new(Limits { per_box: full, ..LIMITS });
        let mut asked = ONE;
        match resource {
            Resource::Cpus => asked.cpus = 4,
            Resource::Memory => asked.memory_mib = 4,
            Resource::Disk => asked.disk_gib = 4,
        }
        let answer = Err(Refusal::OverTotal { resource, asked: 4, free: 3 });
        let refused = [Action::Reply { call: Call(0), answer }];
        assert_eq!(ask(&mut lifecycle, Request::Create(asked)), refused);
        assert_eq!(lifecycle, Lifecycle::new(Limits { per_box: full, ..LIMITS }));
    }
    let limits = Limits { per_box: full, total: full, executions_max: 1 };
    let mut lifecycle = Lifecycle::new(limits);
    let first = ask(&mut lifecycle, Request::Create(full));
    assert_eq!(first, [Action::SetUp { id: BoxId(0), anew: true }]);
    let answer = Err(Refusal::OverTotal { resource: Resource::Cpus, asked: 1, free: 0 });
    let refused = [Action::Reply { call: Call(0), answer }];
    assert_eq!(ask(&mut lifecycle, Request::Create(ONE)), refused);
}

/// If this were red, an execution that is over could not be told from one that never was (C19).
#[test]
fn c19_what_is_no_longer_kept_is_told_from_what_never_was() {
    let mut lifecycle = Lifecycle::new(LIMITS);
    let home = BoxId(0);
    let (id, never) = (ExecId { home, number: 0 }, ExecId { home, number: 1 });
    assert_eq!(lifecycle.find(id), Err(Refusal::NoSuchBox(home)));
    ask(&mut lifecycle, Request::Create(ONE));
    step(&mut lifecycle, Input::Report(Report::Up(home)));
    assert_eq!(lifecycle.find(id), Err(Refusal::NoSuchExecution(id)));
    assert_eq!(ask(&mut lifecycle, Request::Exec(home)), [Action::Launch(id)]);
    assert_eq!(lifecycle.find(id), Ok(ExecState::Launching));
    let started = [Action::Reply { call: Call(0), answer: Ok(Done::Executing(id)) }];
    assert_eq!(step(&mut lifecycle, Input::Report(Report::Launched(id))), started);
    assert_eq!(lifecycle.find(id), Ok(ExecState::Live));
    step(&mut lifecycle, Input::Report(Report::Ended(id)));
    assert_eq!(lifecycle.find(id), Ok(ExecState::Ended));
    step(&mut lifecycle, Input::Report(Report::Expired(id)));
    assert_eq!(lifecycle.find(id), Err(Refusal::Expired(id)));
    assert_eq!(lifecycle.find(never), Err(Refusal::NoSuchExecution(never)));
    assert_eq!(lifecycle.state(home), Ok(BoxState::Running));
    assert_eq!(lifecycle.boxes().collect::<Vec<_>>(), [(home, BoxState::Running, ONE)]);
}

/// If this were red, a runner could not tell which of its reports was wrong.
#[test]
fn an_illegal_report_says_what_it_was() {
    let mut lifecycle = Lifecycle::new(LIMITS);
    let nothing = lifecycle.step(Input::Report(Report::TornDown(BoxId(0)))).unwrap_err();
    assert_eq!(nothing.to_string(), "TornDown(BoxId(0)) of no box");
    ask(&mut lifecycle, Request::Create(ONE));
    let early = lifecycle.step(Input::Report(Report::TornDown(BoxId(0)))).unwrap_err();
    assert_eq!(early.to_string(), "TornDown(BoxId(0)) of a box that is starting");
    let id = ExecId { home: BoxId(0), number: 0 };
    let none = lifecycle.step(Input::Report(Report::Ended(id))).unwrap_err();
    assert!(none.to_string().ends_with("of no such execution"), "{none}");
    assert_eq!(id.to_string(), "execution 0 of box 0");
    assert!(!lifecycle.is_over());
}
