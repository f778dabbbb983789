//! A scenario, which `provost plugin simulate` plays: the file is a config, in its own words, with tables of its own.

use std::ops::Range;

use provost_simulation::{Fault, Scenario};
use provost_supervisor::Settings;

use super::report::{Collector, Problems, SourceFile};
use super::resolved::Config;
use super::scenario::{Named, Targeted, Told, check_fault};
use super::specs::Processes;

/// How long a scenario lasts that does not say it, in milliseconds.
const LASTS_MS: u64 = 24 * 3_600_000;

/// The time of day at which a scenario starts that does not say it: 2026-01-05T08:00:00Z, a Monday.
const STARTS_AT_MS: u64 = 1_767_600_000_000;

/// A scenario as its file has it: checked, but without policies.
#[derive(Debug)]
pub(crate) struct ScenarioFile {
    /// The processes and the other plugins.
    pub(crate) config: Config,
    /// Its name.
    pub(crate) name: String,
    /// What it shows, in words for people; empty if the file does not say it.
    pub(crate) about: String,
    told: Told,
}

impl ScenarioFile {
    /// Checks the text of a scenario. The component at `component` is the plugin [`SUBJECT`](super::scenario::SUBJECT), with these
    /// settings as JSON or else with those that the scenario has for it.
    ///
    /// # Errors
    /// [`Problems`] if there are any.
    pub(crate) fn parse(
        source: SourceFile,
        component: &str,
        settings_json: Option<&str>,
    ) -> Result<Self, Problems> {
        let (config, told) = Config::parse_scenario(source, component, settings_json)?;
        let file_name = config.path().file_stem().map(|name| name.to_string_lossy().into_owned());
        let name = told.name.clone().or(file_name).unwrap_or_default();
        let about = told.about.clone().unwrap_or_default();
        Ok(Self { config, name, about, told })
    }

    /// Returns where the fault at this place among those of the scenario is written.
    pub(crate) fn fault_span(&self, index: usize) -> Range<usize> {
        self.told.faults.get(index).map_or(0..0, Targeted::span)
    }

    /// Returns where the order at this place among those of the scenario is written.
    pub(crate) fn order_span(&self, index: usize) -> Range<usize> {
        self.told.orders.get(index).map_or(0..0, Targeted::span)
    }

    /// Builds the scenario of these processes.
    ///
    /// # Errors
    /// [`Problems`] if a table names a process or a fault that does not exist.
    pub(crate) fn scenario(&self, processes: Processes) -> Result<Scenario, Problems> {
        let problems = Collector::default();
        let named = Named::of(&processes.specs);
        let faults: Vec<Fault> =
            self.told.faults.iter().map(|fault| fault.resolved(&named, &problems)).collect();
        let orders = self.told.orders.iter().map(|order| order.resolved(&named, &problems)).collect();
        for expectation in &self.told.expectations {
            check_fault(expectation, &faults, &problems);
        }
        let expectations = self.told.expectations.iter().map(|one| one.resolved(&named, &problems)).collect();
        let Settings { restart_delay_ms_max, restart_delay_ms_min, restart_budget, .. } =
            self.config.settings;
        let scenario = Scenario {
            processes: processes.specs,
            replica_sets: processes.replica_sets,
            restart_delay_ms_max,
            restart_delay_ms_min,
            restart_budget,
            faults,
            orders,
            expectations,
            starts_at_ms: self.told.starts_at_ms.unwrap_or(STARTS_AT_MS),
            lasts_ms: self.told.lasts_ms.unwrap_or(LASTS_MS),
            seed: self.told.seed.unwrap_or(1),
            begun: None,
            lives_max: Scenario::LIVES_MAX,
        };
        problems.problems_of(self.config.source()).map_or(Ok(scenario), Err)
    }
}
