//! The invariants. Each is checked repeatedly for a bounded time after the faults are over; one that still does not hold at the
//! end is a problem.

use std::collections::BTreeMap;
use std::process::Child;

use serde_json::Value;

use crate::machine::Usage;
use crate::resident::Resident;
use crate::shared::Soak;
use provost_tests::runs::{Control, until_none, variable};

/// The memory, descriptors and threads that a run may add. The host remembers a bounded number of changes and exits, and the
/// allocator keeps freed memory; both level off after a few minutes.
const RSS_SLACK_KIB: u64 = 96 << 10;
/// The memory that the end of a long run may need more than the quarter before its middle did on average.
const RSS_SLACK_LATER_KIB: u64 = 24 << 10;
/// The memory that the last quarter of a long run may need more than the one before it, on average.
const RSS_SLACK_LAST_KIB: u64 = 12 << 10;
const FILES_SLACK: usize = 24;
const THREADS_SLACK: usize = 12;

/// Checks that every process is in an expected phase.
pub(crate) fn converges(soak: &Soak, when: &str) {
    let mut control = Control::new(&soak.machine.socket);
    let left = until_none(|| match control.status() {
        Ok(status) => {
            let processes = status["processes"].as_array().unwrap();
            let named: BTreeMap<&str, &Value> =
                processes.iter().map(|process| (process["name"].as_str().unwrap(), process)).collect();
            let objection = |member| -> Option<String> {
                let process: &crate::fleet::Member = member;
                soak.model.objection(process, named.get(process.name.as_str())?)
            };
            soak.members.iter().filter_map(objection).collect()
        }
        Err(error) => vec![format!("status was not answered: {error}")],
    });
    for problem in left {
        soak.problems.add(format!("{when}: {problem}"));
    }
}

/// Checks that every marked process belongs to a process that status lists: it is its child, or its environment names the
/// current incarnation.
pub(crate) fn no_orphans(soak: &Soak) {
    let mut control = Control::new(&soak.machine.socket);
    let left = until_none(|| {
        let marked = soak.machine.marked();
        let Ok(status) = control.status() else { return vec!["status was not answered".into()] };
        let processes = status["processes"].as_array().unwrap();
        let listed: BTreeMap<u64, (&str, u64)> = processes
            .iter()
            .filter_map(|process| {
                let life = process["incarnation"].as_u64()?;
                Some((process["pid"].as_u64()?, (process["name"].as_str()?, life)))
            })
            .collect();
        let owned = |environment: &str| {
            let life = variable(environment, "PROVOST_INCARNATION").and_then(|life| life.parse().ok());
            let owner = variable(environment, "PROVOST_PROCESS").zip(life);
            owner.is_some_and(|owner| listed.values().any(|listed| *listed == owner))
        };
        let orphan = |(pid, environment): (&u32, &String)| {
            let known = listed.contains_key(&u64::from(*pid)) || owned(environment);
            (!known).then(|| format!("an orphan: {}", described(*pid, environment)))
        };
        marked.iter().filter_map(orphan).collect()
    });
    left.into_iter().for_each(|problem| soak.problems.add(problem));
}

fn described(pid: u32, environment: &str) -> String {
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    let of: Vec<&str> = environment.split('\0').filter(|variable| variable.starts_with("PROVOST_")).collect();
    format!("pid {pid}, `{}`, {}", command.trim(), of.join(" "))
}

/// Checks that no two incarnations of a process lived at once, according to the programs.
pub(crate) fn no_doubles(soak: &Soak) {
    let doubles = std::fs::read_to_string(soak.machine.dir().join("doubles")).unwrap_or_default();
    doubles.lines().for_each(|line| soak.problems.add(format!("a double: {line}")));
}

/// Checks that the host uses about as many descriptors, threads and memory as before, and returns what it uses now.
pub(crate) fn nothing_leaks(soak: &Soak, before: Usage, middle_kib: Option<u64>) -> Usage {
    let mut now = before;
    let left = until_none(|| {
        now = soak.machine.usage();
        let mut left = Vec::new();
        if now.files > before.files + FILES_SLACK {
            left.push(format!("{} descriptors, and {} after the start", now.files, before.files));
        }
        let alive = soak.machine.marked().len();
        if now.samples > alive + FILES_SLACK {
            left.push(format!("{} descriptors of samples for {alive} processes", now.samples));
        }
        if now.threads > before.threads + THREADS_SLACK {
            left.push(format!("{} threads, and {} after the start", now.threads, before.threads));
        }
        if now.rss_kib > before.rss_kib + RSS_SLACK_KIB {
            left.push(format!("{} KiB resident, and {} after the start", now.rss_kib, before.rss_kib));
        }
        if let Some(middle) = middle_kib.filter(|middle| now.rss_kib > middle + RSS_SLACK_LATER_KIB) {
            left.push(format!("{} KiB resident, and {middle} before the middle of the run", now.rss_kib));
        }
        left
    });
    left.into_iter().for_each(|problem| soak.problems.add(problem));
    now
}

/// Checks that the host needed no more memory at the end of a long run than before.
pub(crate) fn levels_off(soak: &Soak, resident: &Resident) {
    let [_, _, third, last] = resident.means();
    if last > third + RSS_SLACK_LAST_KIB {
        let problem = format!(
            "{last} KiB resident in the last quarter of the run, and {third} in the third, on average"
        );
        soak.problems.add(problem);
    }
}

/// Checks that no commit was illegal, that the sides of `dual` agreed, and that the host is no longer degraded.
pub(crate) fn no_defects(soak: &Soak) {
    let mut control = Control::new(&soak.machine.socket);
    let state = control.get("/v1/state").ok().filter(|(code, _)| *code == 200);
    let state: Value = state.and_then(|(_, body)| serde_json::from_slice(&body).ok()).unwrap_or_default();
    if state["illegal"] != 0 {
        soak.problems.add(format!("illegal commits: {}", state["illegal"]));
    }
    for backend in state["backends"].as_array().into_iter().flatten() {
        if backend["differences"] != 0 {
            soak.problems.add(format!("the sides of `dual` differed: {backend}"));
        }
    }
    let left = until_none(|| match control.status() {
        Ok(status) => match status["host"]["degraded"].as_array() {
            Some(lacks) => lacks.iter().map(|lack| format!("still lacking: {lack}")).collect(),
            None => Vec::new(),
        },
        Err(error) => vec![error],
    });
    left.into_iter().for_each(|problem| soak.problems.add(problem));
}

/// Checks that `provost down` succeeds, ends the host and leaves no process behind.
pub(crate) fn goes_down(soak: &Soak, host: &mut Child) {
    let ran = soak.machine.run(&["down"]);
    if ran.code != 0 || !ran.stdout.contains("ended") {
        soak.problems.add(format!("provost down: {ran:?}"));
    }
    let ended = until_none(|| match host.try_wait() {
        Ok(Some(_)) => Vec::new(),
        _ => vec!["the host has not ended after `down`".to_owned()],
    });
    ended.into_iter().for_each(|problem| soak.problems.add(problem));
    let _ = host.kill();
    let code = host.wait().unwrap();
    if !code.success() {
        soak.problems.add(format!("the host ended with {code}"));
    }
    let marked = soak.machine.marked();
    for (pid, environment) in &marked {
        soak.problems.add(format!("after `down`: {}", described(*pid, environment)));
        soak.machine.kill(*pid, rustix::process::Signal::KILL);
    }
}
