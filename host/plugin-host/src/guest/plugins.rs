//! The host's side of `plugins`: the loaded versions and their figures.

use provost_state::{FaultKind, Generation, PluginReport, PluginStatus, PluginVersion};

use super::bindings::plugins::{self, FaultCount, Host, Latency, Standing};
use super::instance::Guest;

impl Host for Guest {
    fn loaded(&mut self) -> Vec<plugins::PluginVersion> {
        let Some(all) = self.context().common.reports.upgrade() else { return Vec::new() };
        let now = self.world().generation();
        all.reports().iter().flat_map(|report| versions(report, now)).collect()
    }
}

fn versions(report: &PluginReport, now: Generation) -> Vec<plugins::PluginVersion> {
    let standing = match report.status {
        PluginStatus::Active => Standing::Active,
        PluginStatus::Refused(_) => Standing::Refused,
        PluginStatus::Compiling(_) => Standing::Compiling,
        PluginStatus::Quarantined(_) => Standing::Quarantined,
    };
    let mut active = version(report, &report.active, true, standing);
    active.queued = report.queued(now);
    // The former version was admitted, or it would not have been in force.
    let former = report.former.as_ref().map(|former| version(report, former, false, Standing::Active));
    [active].into_iter().chain(former).collect()
}

fn version(
    report: &PluginReport,
    version: &PluginVersion,
    in_force: bool,
    standing: Standing,
) -> plugins::PluginVersion {
    let figures = &version.figures;
    let fault =
        |(kind, count): &(FaultKind, u64)| FaultCount { kind: kind.as_str().to_owned(), count: *count };
    plugins::PluginVersion {
        plugin: report.name.to_string(),
        version: version.number,
        in_force,
        standing,
        roles: version.roles.iter().map(ToString::to_string).collect(),
        calls: figures.calls,
        faults: figures.faults.iter().map(fault).collect(),
        clamps: figures.clamps,
        call: Latency {
            p50: figures.call.p50_ns,
            p95: figures.call.p95_ns,
            p99: figures.call.p99_ns,
            max: figures.call.max_ns,
        },
        fuel_max: figures.fuel_max,
        memory_bytes_max: figures.memory_bytes_max,
        stored_bytes: figures.stored_bytes,
        queued: 0,
        missed: figures.missed,
        lines_dropped: figures.lines_dropped,
        denials: figures.denials,
    }
}
