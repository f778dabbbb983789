//! The shape of a config: what it asks for, key by key.

use super::contents::Contents;
use super::host::HostKeys;
use super::plugin::plugin_settings;
use super::process::{AS_NOW, process_settings, replica_settings};
use super::shape::{Member, PluginShape, ProcessShape, Settings, Shape};
use crate::config::Config;

/// Returns what a config asks for. Reads what its environment files, components and keys hold, if `contents` does.
pub(crate) fn wanted(config: &Config, contents: &impl Contents) -> Shape {
    let dir = config.dir();
    let processes = config.drafts().into_iter().map(|draft| {
        let policies = draft.policies.iter().map(String::as_str);
        let settings = process_settings(&draft.spec, policies, AS_NOW, dir);
        ProcessShape {
            name: draft.spec.name.to_string(),
            leaving: false,
            replicated: draft.replicas.is_some(),
            set: draft.replicas.as_ref().map(replica_settings).unwrap_or_default(),
            members: vec![Member { name: draft.spec.name.to_string(), settings }],
        }
    });
    let plugins = config.plugins().map(|spec| PluginShape {
        name: spec.name.to_string(),
        settings: plugin_settings(spec, contents.component(&spec.source), dir),
    });
    Shape {
        processes: processes.collect(),
        plugins: plugins.collect(),
        host: host_settings(config, contents),
    }
}

fn host_settings(config: &Config, contents: &impl Contents) -> Settings {
    host_keys(config, contents).settings(&config.settings, config.dir())
}

/// Returns those settings of the host that no part of it is asked for later.
pub(crate) fn host_keys(config: &Config, contents: &impl Contents) -> HostKeys {
    let keys = config.key_files();
    HostKeys {
        runtime_dir: config.runtime_dir.clone(),
        cache_dir: config.cache_dir.clone(),
        keeper: config.keeper,
        api: config.api.clone(),
        journal: config.journal,
        compile_limits: config.compile_limits,
        compile_wait_ms: config.compile_wait_ms,
        cache_bounds: config.cache_bounds,
        require_signature: config.requires_signature(),
        keys_content: contents.keys(&keys),
        keys,
    }
}
