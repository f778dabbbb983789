//! Converts the resources that processes use.

use provost_api as api;
use provost_state::{ProcessId, Usage};
use provost_supervisor::{ProcessUsage, UsagePoint, Usages};

use super::time::{Wall, time_at};

/// Converts the usage of the chosen processes, by id, or of the host and all processes; that of a process with its `history`.
pub(crate) fn usages(
    from: &Usages,
    chosen: Option<&[ProcessId]>,
    wall: Wall,
    history: impl Fn(ProcessId) -> Option<Vec<api::UsagePoint>>,
) -> Vec<api::ProcessUsage> {
    let host = from.host.filter(|_| chosen.is_none()).map(|host| host_usage(&host, wall));
    let is_chosen = |one: &&ProcessUsage| chosen.is_none_or(|chosen| chosen.binary_search(&one.id).is_ok());
    let processes = from
        .processes
        .iter()
        .filter(is_chosen)
        .map(|one| api::ProcessUsage { history: history(one.id), ..process_usage(one, wall) });
    host.into_iter().chain(processes).collect()
}

/// Converts the usage of the host itself.
pub(crate) fn host_usage(from: &Usage, wall: Wall) -> api::ProcessUsage {
    api::ProcessUsage { process: "provost".to_owned(), host: true, ..usage(from, wall) }
}

/// Converts the usage of a process.
pub(crate) fn process_usage(from: &ProcessUsage, wall: Wall) -> api::ProcessUsage {
    api::ProcessUsage {
        process: from.name.to_string(),
        incarnation: from.incarnation.0,
        ..usage(&from.usage, wall)
    }
}

/// Converts a step of a history.
pub(crate) fn usage_point(from: &UsagePoint, wall: Wall) -> api::UsagePoint {
    api::UsagePoint {
        at: time_at(from.at, wall).to_string(),
        cpu: cores(from.cpu_millis),
        rss_bytes: from.rss_bytes,
    }
}

pub(super) fn usage(from: &Usage, wall: Wall) -> api::ProcessUsage {
    api::ProcessUsage {
        at: time_at(from.at, wall).to_string(),
        cpu: cores(from.cpu_millis),
        cpu_ms: from.cpu_ms,
        rss_bytes: from.rss_bytes,
        pss_bytes: from.pss_bytes,
        fds: from.fds,
        threads: from.threads,
        members: from.members,
        ..api::ProcessUsage::default()
    }
}

fn cores(millis: u32) -> f64 {
    f64::from(millis) / 1_000.0
}
