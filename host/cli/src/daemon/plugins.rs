//! The wiring of the plugins: the config names them, the plugin host loads them, the specs get their policies.

use std::sync::Arc;

use provost_plugin_host::{HostOptions, Lacks, LoadError, Notice, PluginHost, trial_world};
use provost_state::{PluginStatus, Plugins};
use provost_supervisor::Degraded;
use tokio::sync::Notify;

use super::noted::{FormerHost, NotedPlugins};
use crate::compiling::ChildCompiler;
use crate::config::{Config, Problem, Problems, Processes};
use crate::fetching::{Fetcher, Reach};

/// The purpose for which plugins are loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// To run them.
    Run(Run<'a>),
    /// To check whether they can be loaded. Nothing is created: the cache of compiled components is used only if it exists.
    Check,
}

/// What a host that runs plugins has for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// Where what is lacking is recorded.
    pub(crate) degraded: &'a Degraded,
    /// What a former host has written down.
    pub(in crate::daemon) former: &'a FormerHost,
    /// Notified when a plugin is quarantined.
    pub(crate) quarantined: &'a Arc<Notify>,
}

impl Purpose<'_> {
    fn options(self, config: &Config) -> Result<HostOptions, Problems> {
        let (cache, trust) = (config.cache_dir.clone(), config.trust()?);
        let reach = match self {
            Self::Run(_) => Reach::Network,
            Self::Check => Reach::Cache,
        };
        let common = HostOptions {
            cache_owners: config.owners(),
            cache_bounds: config.cache_bounds,
            compiler: ChildCompiler::within(config.compile_limits),
            trust,
            remote: Fetcher::reading(config.store(), reach),
            ..HostOptions::default()
        };
        Ok(match self {
            Self::Run(Run { degraded, former, quarantined }) => HostOptions {
                cache_dir: Some(cache),
                memory_dir: Some(config.memory_dir.clone()),
                memories: former.memories(),
                lacks: lacks(degraded.clone()),
                notice: notice(quarantined.clone()),
                ..common
            },
            Self::Check => HostOptions { cache_dir: Some(cache).filter(|dir| dir.is_dir()), ..common },
        })
    }
}

/// Returns what wakes the task that writes down which plugins are quarantined.
fn notice(quarantined: Arc<Notify>) -> Notice {
    Notice::new(move || quarantined.notify_one())
}

fn lacks(degraded: Degraded) -> Lacks {
    Lacks::new(move |what, reason| match reason {
        Some(reason) => degraded.set(what, reason),
        None => degraded.clear(what),
    })
}

/// Creates a host for the plugins of the config, without loading any of them.
pub(crate) fn plugin_host(config: &Config, purpose: Purpose<'_>) -> Result<PluginHost, Problems> {
    Ok(PluginHost::new(purpose.options(config)?))
}

/// Loads all plugins of the config to check whether that works, however long it takes.
pub(crate) fn checked(config: &Config) -> Result<PluginHost, Problems> {
    let host = plugin_host(config, Purpose::Check)?;
    let world = trial_world(config.process_groups());
    let loaded = config.plugins().map(|spec| (spec, host.load_in(spec.clone(), &world)));
    let problems: Vec<Problem> =
        loaded.filter_map(|(spec, loaded)| Some(problem(config, &spec.name, &loaded.err()?))).collect();
    if problems.is_empty() { Ok(host) } else { Err(config.problems(problems)) }
}

/// Returns the problem with the component of a plugin, at its position in the config.
pub(super) fn problem(config: &Config, name: &str, error: &LoadError) -> Problem {
    config.component_problem(name, error.to_string(), hint(error))
}

fn hint(error: &LoadError) -> String {
    let hint = match error {
        LoadError::Remote(error) => &error.hint,
        LoadError::Missing { .. } | LoadError::Directory { .. } => {
            "a relative path starts from the directory of the config"
        }
        LoadError::NotBundled { .. } => "your own component is named by its path, without `bundled:`",
        LoadError::ImpossibleLimit(_) => "correct `limits` of this plugin",
        LoadError::SettingsTooLarge(_) => "raise `limits.settings` of this plugin, or shorten its settings",
        LoadError::Component { .. } => {
            "`provost plugin build DIR` builds a component, `provost plugin inspect FILE` shows one"
        }
        _ => "check the file and its permissions",
    };
    hint.to_owned()
}

/// Builds the specs of all processes, with their policies.
pub(crate) fn specs(config: &Config, plugins: &PluginHost) -> Result<Processes, Problems> {
    config.specs(|name| plugins.policy(name).map_err(|error| error.to_string()))
}

/// Builds the specs of all processes for a host that goes on after one in which commands have changed plugins.
///
/// # Errors
/// As [`specs`].
pub(super) fn specs_after(
    former: &NotedPlugins,
    config: &Config,
    plugins: &PluginHost,
) -> Result<Processes, Problems> {
    let policy_of = |name: &str| match former.unloaded(name) {
        Some(unloaded) => Ok(unloaded),
        None => plugins.policy(name).map_err(|error| error.to_string()),
    };
    let mut processes = config.specs(policy_of)?;
    former.put_chains(&mut processes, plugins);
    Ok(processes)
}

/// The plugins that were refused or have failed their trial.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// The problems that last until the config or a component is changed. They keep a host from a first start.
    pub(crate) lasting: Vec<Problem>,
    /// Those that may depend on the machine and the moment.
    pub(crate) passing: Vec<Problem>,
}

/// Returns the problems of the plugins that were refused or have failed their trial, as far as that is known.
pub(crate) fn refusals(config: &Config, plugins: &PluginHost) -> Refusals {
    let mut found = Refusals::default();
    for report in plugins.reports() {
        let name = &report.name;
        let (what, hint) = match report.status {
            PluginStatus::Active | PluginStatus::Compiling(_) => continue,
            PluginStatus::Refused(why) => (
                format!("the plugin `{name}` is refused: {why}"),
                format!(
                    "`provost plugin inspect {}` shows what it asks for; as long as it is refused, it decides nothing",
                    report.active.source
                ),
            ),
            PluginStatus::Quarantined(why) => (
                format!("the plugin `{name}` is quarantined: {why}"),
                format!(
                    "correct the component, its settings or its limits; until `provost plugin revive {name}` or a swap, the \
                     failsafe decides"
                ),
            ),
        };
        let problems = config.refusal_problems(name, what, hint);
        let kind = if plugins.is_refused_for_good(name) { &mut found.lasting } else { &mut found.passing };
        kind.extend(problems);
    }
    found
}
