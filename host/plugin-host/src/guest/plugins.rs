//! The host's side of `plugins`: the loaded versions and their figures.

use provost_state::{FaultKind, Generation, PluginFigures, PluginReport, PluginStatus, PluginVersion};

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
        // The contract has no word for a plugin that is being compiled; it is not admitted so far.
        PluginStatus::Refused(_) | PluginStatus::Compiling(_) => Standing::Refused,
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
    // Every field is named, without `..`: a new figure has to be shown here or left out on purpose.
    let PluginFigures {
        calls,
        faults,
        clamps,
        call,
        fuel_last: _,
        fuel_max,
        memory_bytes_max,
        stored_bytes,
        missed,
        lines_dropped,
        denials,
        last_fault: _,
    } = &version.figures;
    let fault =
        |(kind, count): &(FaultKind, u64)| FaultCount { kind: kind.as_str().to_owned(), count: *count };
    plugins::PluginVersion {
        plugin: report.name.to_string(),
        version: version.number,
        in_force,
        standing,
        roles: version.roles.iter().map(ToString::to_string).collect(),
        calls: *calls,
        faults: faults.iter().map(fault).collect(),
        clamps: *clamps,
        call: Latency { p50: call.p50_ns, p95: call.p95_ns, p99: call.p99_ns, max: call.max_ns },
        fuel_max: *fuel_max,
        memory_bytes_max: *memory_bytes_max,
        stored_bytes: *stored_bytes,
        queued: 0,
        missed: *missed,
        lines_dropped: *lines_dropped,
        denials: *denials,
    }
}
