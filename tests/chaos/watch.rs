//! Requests the status during the whole run: whatever host answers, no counter decreases, a life keeps its process id and its start,
//! and no two processes share a child.

use std::collections::BTreeMap;

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

/// Requests the status until the run is over.
pub(crate) fn work(chaos: &Chaos) {
    let mut control = Control::new(&chaos.machine.socket);
    let (mut last, mut generation) = (BTreeMap::new(), 0);
    while !chaos.is_over() {
        if let Ok(status) = control.status() {
            let now = status["generation"].as_u64().unwrap();
            if now < generation {
                chaos.problems.add(format!("generation {now} came after {generation}"));
            }
            generation = now;
            check(chaos, &status, &mut last);
        }
        pause(EVERY_MS);
    }
}

fn check(chaos: &Chaos, status: &Value, last: &mut BTreeMap<String, Seen>) {
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
        let Some(before) = last.insert(name.to_owned(), now.clone()) else { continue };
        if now.incarnation < before.incarnation || now.version < before.version {
            chaos.problems.add(format!("{name} went back from {before:?} to {now:?}"));
        }
        let is_same = before.incarnation == now.incarnation && before.pid.is_some() && now.pid.is_some();
        if is_same && (before.pid != now.pid || before.started_at != now.started_at) {
            chaos.problems.add(format!("{name} has become another in one life: {before:?} and {now:?}"));
        }
    }
}
