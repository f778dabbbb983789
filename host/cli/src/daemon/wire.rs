//! The wiring of the plugins: the config says which, the plugin host loads them, the specs get their policies.

use provost_plugin_host::{HostOptions, Lacks, LoadError, PluginHost};
use provost_state::{PluginStatus, Plugins};
use provost_supervisor::Degraded;

use crate::config::{Config, Problem, Problems, Processes};
use crate::failure::Failure;

/// What plugins are loaded for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// To run. What is lacking is entered here.
    Run(&'a Degraded),
    /// To find out whether they can be loaded. Nothing is created: compiled components are looked for and kept only in a cache
    /// that exists.
    Check,
}

impl Purpose<'_> {
    fn options(self, config: &Config) -> Result<HostOptions, Problems> {
        let (cache, trust) = (config.cache_dir.clone(), config.trust()?);
        Ok(match self {
            Self::Run(degraded) => HostOptions {
                cache_dir: Some(cache),
                memory_dir: Some(config.memory_dir.clone()),
                trust,
                lacks: lacks(degraded.clone()),
            },
            Self::Check => HostOptions {
                cache_dir: Some(cache).filter(|dir| dir.is_dir()),
                trust,
                ..HostOptions::default()
            },
        })
    }
}

fn lacks(degraded: Degraded) -> Lacks {
    Lacks::new(move |what, reason| match reason {
        Some(reason) => degraded.set(what, reason),
        None => degraded.clear(what),
    })
}

/// Loads all plugins of the config.
///
/// # Errors
/// What is wrong with those that cannot be loaded.
pub(crate) fn plugins(config: &Config, purpose: Purpose<'_>) -> Result<PluginHost, Problems> {
    let host = PluginHost::new(purpose.options(config)?);
    let mut problems = Vec::new();
    for spec in config.plugins() {
        if let Err(error) = host.load(spec.clone()) {
            problems.push(config.component_problem(&spec.name, error.to_string(), hint(&error).to_owned()));
        }
    }
    if problems.is_empty() { Ok(host) } else { Err(config.problems(problems)) }
}

fn hint(error: &LoadError) -> &'static str {
    match error {
        LoadError::Missing { .. } | LoadError::Directory { .. } => {
            "a relative path starts from the directory of the config"
        }
        LoadError::NotBundled { .. } => "a component of your own is named by its path, without `bundled:`",
        LoadError::ImpossibleLimit(_) => "correct `limits` of this plugin",
        LoadError::SettingsTooLarge(_) => "raise `limits.settings` of this plugin, or shorten its settings",
        LoadError::Component { .. } => {
            "`provost plugin build DIR` builds a component, `provost plugin inspect FILE` looks at one"
        }
        _ => "check the file and its permissions",
    }
}

/// The specs of all processes, with their policies.
pub(crate) fn specs(config: &Config, plugins: &PluginHost) -> Result<Processes, Failure> {
    Ok(config.specs(|name| plugins.policy(name).map_err(|error| error.to_string()))?)
}

/// A problem for each plugin that was not let in.
pub(crate) fn refusals(config: &Config, plugins: &PluginHost) -> Vec<Problem> {
    plugins
        .reports()
        .into_iter()
        .filter_map(|report| match report.status {
            PluginStatus::Active | PluginStatus::Quarantined(_) => None,
            PluginStatus::Refused(why) => Some(config.component_problem(
                &report.name,
                format!("the plugin `{}` is refused: {why}", report.name),
                format!(
                    "`provost plugin inspect {}` says what it asks for; until it is let in, the failsafe decides",
                    report.active.source
                ),
            )),
        })
        .collect()
}
