//! Converts shortages of the host, leftover processes and replica counts.

use provost_api as api;
use provost_state::naming::replica_name;
use provost_state::{PhaseKind, Snapshot};
use provost_supervisor::{Leftover, ReplicaCount, Trouble, rfc3339};

pub(crate) fn lack(trouble: &Trouble) -> api::Lack {
    let Trouble { what, reason, since_ms } = trouble;
    api::Lack { what: what.to_string(), reason: reason.to_string(), since: rfc3339(*since_ms) }
}

pub(crate) fn left(leftover: &Leftover) -> api::Left {
    let Leftover { process, pid, reason } = leftover;
    let process = process.as_ref().map(ToString::to_string);
    api::Left { process, pid: Some(*pid), reason: reason.to_string() }
}

pub(crate) fn replicas(set: &ReplicaCount, world: &Snapshot) -> api::Replicas {
    let ReplicaCount { name, wanted, least, most, .. } = set;
    let replicas = (1..=set.highest()).filter_map(|number| world.by_name(&replica_name(name, number)));
    let running = replicas.filter(|state| state.phase.kind() == PhaseKind::Running).count();
    api::Replicas {
        name: name.to_string(),
        wanted: *wanted,
        running: u32::try_from(running).unwrap_or(*most),
        least: *least,
        most: *most,
    }
}
