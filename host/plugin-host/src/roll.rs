//! The roll of all plugins: who is loaded, in the order of the config, and the host's side of the interface `plugins`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use provost_state::{Generation, PluginReport, PluginStatus, PluginVersion};

use crate::bindings::plugins::{self, FaultCount, Host, Latency, Standing};
use crate::call::Guest;
use crate::plugin::Plugin;

/// All plugins that are loaded. Published whole at each change: whoever lists them takes no lock, because status does.
#[derive(Debug, Default)]
pub(crate) struct Roll(ArcSwap<Vec<Arc<Plugin>>>);

impl Roll {
    /// Those that are loaded at one instant, wait-free.
    pub(crate) fn loaded(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.0.load_full()
    }

    /// The plugin of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Plugin>> {
        self.0.load().iter().find(|plugin| &*plugin.name == name).cloned()
    }

    /// Puts a plugin behind the others. One caller at a time: the host sees to it.
    pub(crate) fn append(&self, plugin: Arc<Plugin>) {
        let mut all = Vec::clone(&self.0.load());
        all.push(plugin);
        self.0.store(Arc::new(all));
    }

    /// Takes a plugin out, and with it all of it that nobody is using any more. One caller at a time, as above.
    pub(crate) fn remove(&self, plugin: &Arc<Plugin>) {
        let mut all = Vec::clone(&self.0.load());
        all.retain(|other| !Arc::ptr_eq(other, plugin));
        self.0.store(Arc::new(all));
    }
}

impl Host for Guest {
    fn loaded(&mut self) -> Vec<plugins::PluginVersion> {
        let Some(roll) = self.roll() else { return Vec::new() };
        let now = self.world().generation();
        roll.loaded().iter().flat_map(|plugin| versions(&plugin.report(), now)).collect()
    }
}

fn versions(report: &PluginReport, now: Generation) -> Vec<plugins::PluginVersion> {
    let standing = match report.status {
        PluginStatus::Active => Standing::Active,
        // The contract has no word for one that is not ready; it is not let in so far.
        PluginStatus::Refused(_) | PluginStatus::Compiling(_) => Standing::Refused,
        PluginStatus::Quarantined(_) => Standing::Quarantined,
    };
    let mut active = version(report, &report.active, true, standing);
    active.queued = report.queued(now);
    // The former one was let in, or it would not have been in force.
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
    let fault = |(kind, count): &(provost_state::FaultKind, u64)| FaultCount {
        kind: kind.as_str().to_owned(),
        count: *count,
    };
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
