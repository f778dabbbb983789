//! One run: a chain of plugins is loaded anew, so that none remembers anything, and the simulation goes on from the beginning.

use std::sync::Arc;

use provost_plugin_host::{PluginHost, PluginSpec, trial_world};
use provost_simulation::{Scenario, play};
use provost_state::{Plugins, Policy};
use provost_supervisor::{ProcessSpec, Settings};

use super::beginning::Beginning;
use super::branch::Branch;
use super::error::ForecastError;
use crate::compiling::ChildCompiler;
use crate::config::CompileLimits;
use crate::simulating::{as_simulated, objection, plugin_host};

/// The role that decides about ends.
const ROLE: &str = "restart-policy";

/// The most lives of all processes.
const LIVES_MAX: usize = 100_000;

/// What the runs have in common.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The processes, the judged one among them; none has policies.
    processes: Vec<ProcessSpec>,
    settings: Settings,
    compile_limits: CompileLimits,
    /// How long a run lasts from the beginning on, in milliseconds.
    lasts_ms: u64,
    /// Compiled code, for the next run.
    cache: tempfile::TempDir,
}

/// Plugins that judge the process, in the order in which they are asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// The plugins.
    pub(crate) plugins: Vec<PluginSpec>,
    /// Whether each of them has to be usable. One that is not is left out otherwise, with a note, as a host passes it over.
    pub(crate) is_strict: bool,
}

impl Stage {
    /// Creates a stage with these processes and the bounds of these settings.
    ///
    /// # Errors
    /// There is no directory for compiled code.
    pub(crate) fn new(
        processes: Vec<ProcessSpec>,
        settings: Settings,
        compile_limits: CompileLimits,
        lasts_ms: u64,
    ) -> std::io::Result<Self> {
        Ok(Self { processes, settings, compile_limits, lasts_ms, cache: tempfile::tempdir()? })
    }

    /// Plays what a chain would decide. Notes about plugins that are left out are added to `notes`.
    ///
    /// # Errors
    /// [`ForecastError::Unfit`] if a plugin of a strict chain cannot judge ends, or [`ForecastError::NotPlayed`].
    pub(crate) fn run(
        &self,
        beginning: &Beginning,
        chain: Chain,
        notes: &mut Vec<String>,
    ) -> Result<Branch, ForecastError> {
        let policies = self.loaded(&beginning.name, chain, notes)?;
        let names = policies.iter().map(|policy| policy.name().to_string()).collect();
        let judged = |spec: &ProcessSpec| {
            let policies = if spec.name == beginning.name { policies.clone() } else { Vec::new() };
            ProcessSpec { policies, ..spec.clone() }
        };
        let begin_ms = beginning.begun.at_ms;
        let scenario = Scenario {
            processes: self.processes.iter().map(judged).collect(),
            replica_sets: Vec::new(),
            restart_delay_ms_max: self.settings.restart_delay_ms_max,
            restart_delay_ms_min: self.settings.restart_delay_ms_min,
            restart_budget: self.settings.restart_budget,
            faults: beginning.faults.clone(),
            orders: Vec::new(),
            expectations: Vec::new(),
            starts_at_ms: beginning.starts_at_ms,
            lasts_ms: begin_ms.saturating_add(self.lasts_ms),
            seed: 1,
            begun: Some(beginning.begun.clone()),
            lives_max: LIVES_MAX,
        };
        let course = play(&scenario)?.course;
        Ok(Branch::of(course, &beginning.name, names, begin_ms))
    }

    /// Loads the plugins of a chain, and returns them as policies.
    fn loaded(
        &self,
        process: &str,
        chain: Chain,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Arc<dyn Policy>>, ForecastError> {
        let compiler = ChildCompiler::within(self.compile_limits);
        let host = plugin_host(self.cache.path().join("compiled"), compiler);
        let groups = self.processes.iter().map(|spec| (spec.name.clone(), spec.group.clone()));
        let world = trial_world(groups);
        let mut policies = Vec::new();
        for spec in chain.plugins {
            let (name, component) = (spec.name.clone(), spec.source.to_string());
            let loaded = host.load_in(as_simulated(spec), &world).map_err(|error| error.to_string());
            match loaded.and_then(|()| judge(&host, &name, chain.is_strict)) {
                Ok(policy) => policies.push(policy),
                Err(why) if chain.is_strict => {
                    return Err(ForecastError::Unfit { component, process: process.to_owned(), why });
                }
                Err(why) => notes.push(format!("the policy `{name}` is left out: {why}")),
            }
        }
        Ok(policies)
    }
}

/// Returns the policy of a plugin that was loaded.
fn judge(host: &PluginHost, name: &str, is_strict: bool) -> Result<Arc<dyn Policy>, String> {
    let report = host.reports().into_iter().find(|report| *report.name == *name);
    if let Some(report) = report {
        if let Some(why) = objection(&report.status) {
            return Err(why.to_owned());
        }
        let roles = &report.active.roles;
        if is_strict && !roles.iter().any(|role| **role == *ROLE) {
            let roles: Vec<&str> = roles.iter().map(|role| &**role).collect();
            return Err(format!("it has no role {ROLE}, only {}", roles.join(", ")));
        }
    }
    host.policy(name).map_err(|error| error.to_string())
}
