//! What is wrong on purpose: edits of the production text of the registry of boxes, one at a time.
//!
//! `build.rs` makes a copy for each, and the races show that the explorer sees the difference. A
//! `was` that is not found exactly once fails the build: then the production text has changed, and
//! the edit is to be made anew, or goes.

/// A mistake that somebody could make in the registry.
pub(crate) struct Edit {
    /// The copy's name, and its test's.
    pub(crate) name: &'static str,
    was: &'static str,
    becomes: &'static str,
    /// The promises that it breaks, in any of the races.
    pub(crate) breaks: &'static [&'static str],
}

impl Edit {
    /// There is one place for it.
    pub(crate) fn check(&self, texts: &[(&str, String)]) {
        let found: usize = texts.iter().map(|(_, text)| text.matches(self.was).count()).sum();
        assert!(found == 1, "what {} replaces is {found} times there:\n{}", self.name, self.was);
    }

    /// The text with the mistake in it, if this is where it belongs.
    pub(crate) fn apply(&self, text: &str) -> String {
        text.replace(self.was, self.becomes)
    }
}

/// Every mistake, in the order of the code: requests, ways, reports.
pub(crate) const EDITS: &[Edit] = &[
    Edit {
        name: "quota_is_not_checked_against_the_total",
        was: "self.limits.check(share, self.used())?;",
        becomes: "self.limits.check(share, Resources::default())?;",
        breaks: &["Quota"],
    },
    Edit {
        name: "quota_is_not_given_back",
        was: "                self.boxes.remove(&id);\n",
        becomes: "",
        breaks: &["Quota"],
    },
    Edit {
        name: "quota_counts_a_box_that_failed",
        was: "SetUp::Create => return Ok(Remains::Gone),",
        becomes: "SetUp::Create => self.stage = Stage::Stopped,",
        breaks: &["Quota"],
    },
    Edit {
        name: "a_refused_create_takes_a_box",
        was: "        self.limits.check(share, self.used())?;\n        let id = BoxId(self.next);",
        becomes: "        let refused = self.limits.check(share, self.used());\n        \
                  let id = BoxId(self.next);\n        if let Err(refusal) = refused {\n            \
                  self.boxes.insert(id, Home::created(id, share, call, to));\n            \
                  self.next += 1;\n            return Err(refusal);\n        }",
        breaks: &["Refusal"],
    },
    Edit {
        name: "numbers_of_boxes_are_used_again",
        was: "        let id = BoxId(self.next);",
        becomes: "        let id = BoxId(self.boxes.len() as u64);",
        breaks: &["Unique", "Order"],
    },
    Edit {
        name: "numbers_of_executions_are_used_again",
        was: "        let number = self.next;",
        becomes: "        let number = u64::from(self.living());",
        breaks: &["Unique"],
    },
    Edit {
        name: "an_exec_is_accepted_while_its_box_is_left",
        was: "        if self.stage != Stage::Running {\n            return Err",
        becomes: "        if !matches!(self.stage, Stage::Running | Stage::Emptying(_)) {\n            return Err",
        breaks: &["Order"],
    },
    Edit {
        name: "an_exec_is_accepted_in_a_stopped_box",
        was: "        if self.stage != Stage::Running {\n            return Err",
        becomes: "        if !matches!(self.stage, Stage::Running | Stage::Stopped) {\n            return Err",
        breaks: &["Order"],
    },
    Edit {
        name: "a_second_stop_is_refused",
        was: "                calls.push(call);\n            }\n            Stage::Stopped => to.push(reply(call, Ok(Done::Stopped))),",
        becomes: "                let _one = &calls; return Err(Refusal::NotStarted(crate::error::Kind::Internal));\n            }\n            Stage::Stopped => to.push(reply(call, Ok(Done::Stopped))),",
        breaks: &["Refusal"],
    },
    Edit {
        name: "a_second_stop_is_forgotten",
        was: "                calls.push(call);\n            }\n            Stage::Stopped => to.push(reply(call, Ok(Done::Stopped))),",
        becomes: "                let _forgotten = &calls;\n            }\n            Stage::Stopped => to.push(reply(call, Ok(Done::Stopped))),",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_stop_is_answered_at_once",
        was: "Stage::Running => self.leave(Leave::Stop(vec![call]), to),\n            Stage::Emptying(Leave::Stop",
        becomes: "Stage::Running => { to.push(reply(call, Ok(Done::Stopped))); self.leave(Leave::Stop(vec![]), to) }\n            Stage::Emptying(Leave::Stop",
        breaks: &["Answer"],
    },
    Edit {
        name: "a_delete_without_force_kills",
        was: "executions > 0 && !force",
        becomes: "executions > 99 && !force",
        breaks: &["Isolated"],
    },
    Edit {
        name: "a_delete_strands_the_stop_before_it",
        was: "                let stops = std::mem::take(calls);",
        becomes: "                let stops = Vec::new(); let _stranded = &calls;",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_delete_strands_the_rebuild_before_it",
        was: "                to.extend(reply_all(std::mem::take(calls), Err(why)));\n",
        becomes: "                let _stranded = (&calls, why, &to);\n",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_delete_while_setting_up_is_lost",
        was: "                self.stage = Stage::Abandoned(Vec::from_iter(call));",
        becomes: "                let _lost = call;",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_leave_kills_the_ended_too",
        was: "Execution::Launching(_) | Execution::Ended => {}",
        becomes: "Execution::Ended => to.push(Action::Kill(ExecId { home: self.id, number })), Execution::Launching(_) => {}",
        breaks: &["Isolated"],
    },
    Edit {
        name: "a_leave_kills_nobody",
        was: "Execution::Live => to.push(Action::Kill(ExecId { home: self.id, number })),",
        becomes: "Execution::Live => {}",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_box_is_torn_down_under_its_executions",
        was: "            && self.executions.values().all(|execution| *execution == Execution::Ended)\n",
        becomes: "",
        breaks: &["ChildrenFirst"],
    },
    Edit {
        name: "a_box_ends_before_its_executions",
        was: "        self.stage = Stage::Emptying(leave);\n",
        becomes: "        self.stage = Stage::Emptying(leave);\n        to.push(Action::BoxEnded(self.id));\n",
        breaks: &["ChildrenFirst", "Order"],
    },
    Edit {
        name: "a_launch_under_way_is_no_life",
        was: ".all(|execution| *execution == Execution::Ended)",
        becomes: ".all(|execution| *execution != Execution::Live)",
        breaks: &["ChildrenFirst"],
    },
    Edit {
        name: "a_box_is_up_and_nobody_is_told",
        was: "                to.extend(waiting.drain(..).map(|(call, done)| reply(call, Ok(done))));",
        becomes: "                let _untold = (&waiting, &to);",
        breaks: &["Order", "NoHang"],
    },
    Edit {
        name: "a_box_comes_up_though_it_is_deleted",
        was: "                let deletes = std::mem::take(calls);\n                self.leave(Leave::Delete { stops: Vec::new(), deletes }, to);\n            }\n            Stage::Running\n            | Stage::Emptying(_)",
        becomes: "                let _deletes = (calls, to);\n                self.stage = Stage::Running;\n            }\n            Stage::Running\n            | Stage::Emptying(_)",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_death_is_ignored",
        was: "            Stage::Running => self.leave(Leave::Stop(Vec::new()), to),",
        becomes: "            Stage::Running => { let _ignored = &to; }",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_death_while_it_is_left_is_impossible",
        was: "            Stage::Emptying(_) | Stage::TearingDown(_) => {}\n",
        becomes: "            Stage::Emptying(_) | Stage::TearingDown(_) => return false,\n",
        breaks: &["Legal"],
    },
    Edit {
        name: "a_rebuild_keeps_the_files",
        was: "            SetUp::Create | SetUp::Rebuild => true,\n            SetUp::Start => false,",
        becomes: "            SetUp::Create => true,\n            SetUp::Start | SetUp::Rebuild => false,",
        breaks: &["Answer"],
    },
    Edit {
        name: "a_rebuild_joins_a_start",
        was: "            Stage::SettingUp(SetUp::Create | SetUp::Rebuild, waiting) => {\n                waiting.push((call, Done::Rebuilt));\n            }",
        becomes: "            Stage::SettingUp(_, waiting) => {\n                waiting.push((call, Done::Rebuilt));\n            }",
        breaks: &["Answer"],
    },
    Edit {
        name: "what_is_launched_too_late_is_not_killed",
        was: "            to.push(Action::Kill(id));\n",
        becomes: "            let _late = id;\n",
        breaks: &["NoHang"],
    },
    Edit {
        name: "what_could_not_start_holds_up_its_box",
        was: "        to.push(reply(call, Err(Refusal::NotStarted(kind))));\n        self.tear_down_when_empty(to);",
        becomes: "        to.push(reply(call, Err(Refusal::NotStarted(kind))));",
        breaks: &["NoHang"],
    },
    Edit {
        name: "what_could_not_start_is_not_told",
        was: "        to.push(reply(call, Err(Refusal::NotStarted(kind))));\n",
        becomes: "        let _untold = (call, kind);\n",
        breaks: &["NoHang"],
    },
    Edit {
        name: "what_ended_is_kept_for_ever",
        was: "        self.executions.remove(&id.number);\n        true\n    }\n}",
        becomes: "        false\n    }\n}",
        breaks: &["Legal"],
    },
    Edit {
        name: "a_shutdown_takes_a_box_more",
        was: "            Phase::Closing(_) | Phase::Closed => return Err(Refusal::ShuttingDown),",
        becomes: "            Phase::Closing(_) => {} Phase::Closed => return Err(Refusal::ShuttingDown),",
        breaks: &["NoHang"],
    },
    Edit {
        name: "a_shutdown_is_over_before_its_boxes",
        was: "            && self.boxes.is_empty()\n",
        becomes: "",
        breaks: &["Answer"],
    },
    Edit {
        name: "a_shutdown_of_nothing_never_ends",
        was: "                self.phase = Phase::Closing(vec![call]);\n                self.close_when_empty(to);",
        becomes: "                self.phase = Phase::Closing(vec![call]);",
        breaks: &["NoHang"],
    },
];
