//! The wiring of the plugins: the config names them, the plugin host loads them, the specs get their policies.

use provost_plugin_host::{HostOptions, Lacks, LoadError, PluginHost, trial_world};
use provost_state::{PluginStatus, Plugins};
use provost_supervisor::Degraded;

use crate::compiling::ChildCompiler;
use crate::config::{Config, Problem, Problems, Processes};

/// The purpose for which plugins are loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// To run them. What is lacking is recorded here.
    Run(&'a Degraded),
    /// To check whether they can be loaded. Nothing is created: the cache of compiled components is used only if it exists.
    Check,
}

impl Purpose<'_> {
    fn options(self, config: &Config) -> Result<HostOptions, Problems> {
        let (cache, trust) = (config.cache_dir.clone(), config.trust()?);
        let common = HostOptions {
            cache_owners: config.owners(),
            cache_bounds: config.cache_bounds,
            compiler: ChildCompiler::within(config.compile_limits),
            trust,
            ..HostOptions::default()
        };
        Ok(match self {
            Self::Run(degraded) => HostOptions {
                cache_dir: Some(cache),
                memory_dir: Some(config.memory_dir.clone()),
                lacks: lacks(degraded.clone()),
                ..common
            },
            Self::Check => HostOptions { cache_dir: Some(cache).filter(|dir| dir.is_dir()), ..common },
        })
    }
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
    config.component_problem(name, error.to_string(), hint(error).to_owned())
}

fn hint(error: &LoadError) -> &'static str {
    match error {
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
    }
}

/// Builds the specs of all processes, with their policies.
pub(crate) fn specs(config: &Config, plugins: &PluginHost) -> Result<Processes, Problems> {
    config.specs(|name| plugins.policy(name).map_err(|error| error.to_string()))
}

/// Returns a problem for each plugin that was refused or has failed its trial.
pub(crate) fn refusals(config: &Config, plugins: &PluginHost) -> Vec<Problem> {
    plugins
        .reports()
        .into_iter()
        .filter_map(|report| {
            let name = &report.name;
            let (what, hint) = match report.status {
                PluginStatus::Active | PluginStatus::Compiling(_) => return None,
                PluginStatus::Refused(why) => (
                    format!("the plugin `{name}` is refused: {why}"),
                    format!(
                        "`provost plugin inspect {}` shows what it asks for; until it is accepted, the failsafe decides",
                        report.active.source
                    ),
                ),
                PluginStatus::Quarantined(why) => (
                    format!("the plugin `{name}` is quarantined: {why}"),
                    format!(
                        "correct the component, its settings or its limits; until `provost plugin revive {name}` or a \
                         swap, the failsafe decides"
                    ),
                ),
            };
            Some(config.component_problem(name, what, hint))
        })
        .collect()
}
