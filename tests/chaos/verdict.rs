//! What has to hold at the end, and at the end of `provost down`. Each is checked repeatedly for a bounded time; one that still does
//! not hold then is a problem.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use provost_tests::runs::{Control, until_none, variable};
use serde_json::Value;

use crate::fleet;
use crate::lines::last_write;
use crate::places::{DOUBLES, LIVES, Life};
use crate::shared::Chaos;

/// Checks that the host has exactly the processes of the config, each in an expected phase.
pub(crate) fn converges(chaos: &Chaos, when: &str) {
    let mut control = Control::new(&chaos.machine.socket);
    let members = fleet::members(chaos.version.load(Ordering::Relaxed));
    let left = until_none(|| match control.status() {
        Ok(status) => {
            let processes = status["processes"].as_array().unwrap();
            let named: BTreeMap<&str, &Value> =
                processes.iter().map(|process| (process["name"].as_str().unwrap(), process)).collect();
            let expected: BTreeSet<&str> = members.iter().map(|member| &*member.name).collect();
            let unknown = named.keys().filter(|name| !expected.contains(**name));
            let unknown = unknown.map(|name| format!("{name} is not in the config"));
            let objection = |member: &fleet::Member| match named.get(&*member.name) {
                Some(process) => chaos.model.objection(member, process),
                None => Some(format!("{} is not there", member.name)),
            };
            unknown.chain(members.iter().filter_map(objection)).collect()
        }
        Err(error) => vec![format!("status was not answered: {error}")],
    });
    left.into_iter().for_each(|problem| chaos.problems.add(format!("{when}: {problem}")));
}

/// Checks that every process that descends from `provost up` is the child of a process that status lists.
pub(crate) fn no_orphans(chaos: &Chaos) {
    let mut control = Control::new(&chaos.machine.socket);
    let left = until_none(|| {
        let marked = chaos.machine.children();
        let Ok(status) = control.status() else { return vec!["status was not answered".into()] };
        let processes = status["processes"].as_array().unwrap();
        let listed: BTreeSet<u64> = processes.iter().filter_map(|process| process["pid"].as_u64()).collect();
        let orphans = marked.iter().filter(|(pid, _)| !listed.contains(&u64::from(**pid)));
        orphans.map(|(pid, environment)| format!("an orphan: {}", described(*pid, environment))).collect()
    });
    left.into_iter().for_each(|problem| chaos.problems.add(problem));
}

fn described(pid: u32, environment: &str) -> String {
    let name = variable(environment, "PROVOST_PROCESS").unwrap_or_default();
    let incarnation = variable(environment, "PROVOST_INCARNATION").unwrap_or_default();
    format!("pid {pid}, incarnation {incarnation} of {name}")
}

/// What the processes have written down of their lives.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    pub(crate) count: u64,
    /// Those that were begun again with the same incarnation: the keeper had not told the host of them when it was killed, and they
    /// were ended first; or both were killed before what was written down of them was on the disk, and they had ended before; or an
    /// order has come while they were being started, so that the host has killed them and told nobody of them.
    pub(crate) again: BTreeSet<Life>,
}

/// Checks that no process has seen another copy of itself, and that no life was begun twice of which the host was told.
pub(crate) fn no_doubles(chaos: &Chaos, told: &BTreeSet<Life>) -> Lives {
    let doubles = std::fs::read_to_string(chaos.machine.dir().join(DOUBLES)).unwrap_or_default();
    doubles.lines().for_each(|line| chaos.problems.add(format!("a double: {line}")));
    let mut lives = Lives::default();
    // Replicas and those that only some versions of the config have are removed and added again.
    for member in fleet::members(0).iter().filter(|member| member.kind.is_ordered()) {
        let path = chaos.machine.dir().join(LIVES).join(&member.name);
        let mut last = (0, 0);
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            let (life, pid) = line.split_once(' ').unwrap();
            let (life, pid): (u64, u64) = (life.parse().unwrap(), pid.parse().unwrap());
            let former: Life = (member.name.clone(), last.0, last.1);
            let is_unknown = || {
                !told.contains(&former)
                    || chaos.losses.has_ended_orphaned(&chaos.orphans, &former)
                    || last_write(chaos.machine.dir(), &former)
                        .is_some_and(|at| chaos.losses.was_just_before(at))
            };
            if life == last.0 && is_unknown() {
                lives.again.insert(former);
            } else if life <= last.0 {
                chaos.problems.add(format!("{}: incarnation {life} began after {}", member.name, last.0));
            }
            last = (life, pid);
            lives.count += 1;
        }
    }
    lives
}

/// Checks that no commit was illegal, and that the host lacks nothing any more.
pub(crate) fn no_defects(chaos: &Chaos) {
    let mut control = Control::new(&chaos.machine.socket);
    let state = control.get("/v1/state").ok().filter(|(code, _)| *code == 200);
    let state: Value = state.and_then(|(_, body)| serde_json::from_slice(&body).ok()).unwrap_or_default();
    if state["illegal"] != 0 {
        chaos.problems.add(format!("illegal commits: {}", state["illegal"]));
    }
    let left = until_none(|| match control.status() {
        Ok(status) => match status["host"]["degraded"].as_array() {
            Some(lacks) => lacks.iter().map(|lack| format!("still lacking: {lack}")).collect(),
            None => Vec::new(),
        },
        Err(error) => vec![error],
    });
    left.into_iter().for_each(|problem| chaos.problems.add(problem));
}

/// Checks that `provost down` succeeds, ends the host and its keeper, and leaves no process behind.
pub(crate) fn goes_down(chaos: &Chaos) {
    let keeper = chaos.machine.keeper().map(|keeper| keeper.pid);
    let ran = chaos.machine.run(&["down"]);
    if ran.code != 0 || !ran.stdout.contains("ended") {
        chaos.problems.add(format!("provost down: {ran:?}"));
    }
    let left = until_none(|| {
        let ours = chaos.machine.ours().into_iter();
        ours.map(|(pid, environment)| format!("after `down`: {}", described(pid, &environment))).collect()
    });
    left.into_iter().for_each(|problem| chaos.problems.add(problem));
    // It may have been killed before, as the keeper that it had become. A process that exits has no environment any more a moment
    // before it can be waited for.
    let left = until_none(|| {
        let (up, ended) = chaos.machine.last_up();
        let is_wrong = Some(up) == keeper && !ended.is_some_and(|ended| ended.success());
        is_wrong.then(|| format!("`provost up` ended with {ended:?}")).into_iter().collect()
    });
    left.into_iter().for_each(|problem| chaos.problems.add(problem));
}
