//! The wiring of the plugins: the config says which, the plugin host loads them, the specs get their policies.

use provost_plugin_host::{HostOptions, LoadError, PluginHost};
use provost_state::{PluginStatus, Plugins};

use crate::config::{Config, Problem, Problems, Processes};
use crate::failure::Failure;

/// Loads all plugins of the config.
pub(crate) fn plugins(config: &Config) -> Result<PluginHost, Failure> {
    let options = HostOptions {
        cache_dir: Some(config.cache_dir.clone()),
        memory_dir: Some(config.memory_dir.clone()),
        trust: config.trust()?,
    };
    let (host, problems) = load(config, options);
    if problems.is_empty() { Ok(host) } else { Err(config.problems(problems).into()) }
}

/// Loads all plugins of the config and leaves nothing on the disk; and what is wrong with those that cannot be loaded.
pub(crate) fn plugins_in_passing(config: &Config) -> Result<(PluginHost, Vec<Problem>), Problems> {
    let options = HostOptions { cache_dir: None, memory_dir: None, trust: config.trust()? };
    Ok(load(config, options))
}

fn load(config: &Config, options: HostOptions) -> (PluginHost, Vec<Problem>) {
    let host = PluginHost::new(options);
    let mut problems = Vec::new();
    for spec in config.plugins() {
        if let Err(error) = host.load(spec.clone()) {
            problems.push(config.component_problem(&spec.name, error.to_string(), hint(&error).to_owned()));
        }
    }
    (host, problems)
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
