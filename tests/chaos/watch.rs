//! Requests the status during the whole run: whatever host answers, no counter decreases, a life keeps its process id and its start,
//! and no two processes share a child.

use std::collections::BTreeMap;

use jiff::Timestamp;
use provost_tests::runs::{Control, pause};
use serde_json::Value;

use crate::fleet::Kind;
use crate::shared::Chaos;

/// The pause between two requests.
const EVERY_MS: u64 = 40;

/// What was seen last of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    incarnation: u64,
    version: u64,
    pid: Option<u64>,
    started_at: Value,
}

/// What went back, and when it was seen first, in milliseconds since 1970.
struct Doubt {
    problem: String,
    since: i64,
}

/// What was seen last of all processes, since when, and what went back.
#[derive(Default)]
struct Memory {
    last: BTreeMap<String, (Seen, i64)>,
    doubts: Vec<Doubt>,
}

/// Requests the status until the run is over.
pub(crate) fn work(chaos: &Chaos) {
    let mut control = Control::new(&chaos.machine.socket);
    let (mut memory, mut generation) = (Memory::default(), 0);
    while !chaos.is_over() {
        if let Ok(status) = control.status() {
            let now = status["generation"].as_u64().unwrap();
            if now < generation {
                chaos.problems.add(format!("generation {now} came after {generation}"));
            }
            generation = now;
            check(chaos, &status, &mut memory);
        }
        pause(EVERY_MS);
    }
    // When both were killed is known by now.
    let is_forgotten = |doubt: &Doubt| chaos.losses.may_be_forgotten(doubt.since);
    for Doubt { problem, .. } in memory.doubts.into_iter().filter(|doubt| !is_forgotten(doubt)) {
        chaos.problems.add(problem);
    }
}

fn check(chaos: &Chaos, status: &Value, Memory { last, doubts }: &mut Memory) {
    let at = Timestamp::now().as_millisecond();
    let mut owners = BTreeMap::new();
    for process in status["processes"].as_array().unwrap() {
        let name = process["name"].as_str().unwrap();
        if Kind::is_removed(name) {
            continue;
        }
        let now = Seen {
            incarnation: process["incarnation"].as_u64().unwrap(),
            version: process["version"].as_u64().unwrap(),
            pid: process["pid"].as_u64(),
            started_at: process["started_at"].clone(),
        };
        if let Some(pid) = now.pid
            && let Some(other) = owners.insert(pid, name)
        {
            chaos.problems.add(format!("{name} and {other} share the child {pid}"));
        }
        let Some((before, since)) = last.get(name).cloned() else {
            last.insert(name.to_owned(), (now, at));
            continue;
        };
        if before != now {
            last.insert(name.to_owned(), (now.clone(), at));
        }
        if now.incarnation < before.incarnation || now.version < before.version {
            doubts.push(Doubt { problem: format!("{name} went back from {before:?} to {now:?}"), since });
        }
        let is_same = before.incarnation == now.incarnation && before.pid.is_some() && now.pid.is_some();
        if is_same && before.pid != now.pid {
            chaos.problems.add(format!("{name} has become another in one life: {before:?} and {now:?}"));
        } else if is_same && before.started_at != now.started_at {
            // The commit of the start may be forgotten; the next host has the time of it from the kernel then.
            let problem = format!("{name} has begun at another time in one life: {before:?} and {now:?}");
            doubts.push(Doubt { problem, since });
        }
    }
}
