//! The keys of `[host]`, `[state]`, `[api]`, `[journal]` and `[plugins]` itself with their values, and which of them need another host.

use std::path::{Path, PathBuf};

use provost_control::{ApiRules, CertificateFiles, TcpWanted};
use provost_journal::{Bounds, Sync};
use provost_plugin_host::CacheBounds;
use provost_state::Routing;
use provost_supervisor::{CgroupPlace, RestartBudget, Settings as Supervising};

use super::shape::{Effect, Setting, Settings, by_key};
use super::words;
use crate::compiling::CompileLimits;
use crate::config::ApiConfig;

/// What a change of each key takes, in the order of the documents.
pub(super) const KEYS: [(&str, Effect); 31] = [
    ("host.runtime_dir", Effect::NewHost),
    ("host.log_dir", Effect::NewHost),
    ("host.cache_dir", Effect::NewHost),
    ("host.keeper", Effect::NewHost),
    ("host.cgroup", Effect::NewHost),
    ("host.restart_delay_min", Effect::Live),
    ("host.restart_delay_max", Effect::Live),
    ("host.restart_budget", Effect::Live),
    ("host.decision_deadline", Effect::Live),
    ("state.backend", Effect::Live),
    ("state.rollout", Effect::Live),
    ("api.listen", Effect::NewHost),
    ("api.tls", Effect::NewHost),
    ("api.plaintext", Effect::Live),
    ("api.tokens", Effect::NewHost),
    ("api.hosts", Effect::Live),
    ("api.origins", Effect::Live),
    ("api.requests_per_second", Effect::Live),
    ("api.read_only", Effect::Live),
    ("api.metrics", Effect::Live),
    ("journal.enabled", Effect::NewHost),
    ("journal.max_bytes", Effect::NewHost),
    ("journal.max_age", Effect::NewHost),
    ("journal.sync", Effect::NewHost),
    ("plugins.keys", Effect::NewHost),
    ("plugins.require_signature", Effect::NewHost),
    ("plugins.compile.memory", Effect::NewHost),
    ("plugins.compile.time", Effect::NewHost),
    // It is about the start of a host only.
    ("plugins.compile.wait", Effect::Live),
    ("plugins.cache.size", Effect::NewHost),
    ("plugins.cache.age", Effect::NewHost),
];

/// Returns what a change of this key takes.
pub(super) fn effect(key: &str) -> Effect {
    KEYS.iter().find(|(known, _)| *known == key).map_or(Effect::NewHost, |(_, effect)| *effect)
}

/// The settings of the host that no part of it is asked for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostKeys {
    pub(crate) runtime_dir: PathBuf,
    pub(crate) cache_dir: PathBuf,
    pub(crate) keeper: bool,
    pub(crate) api: ApiConfig,
    /// How much of the journal is kept; `None` if none is.
    pub(crate) journal: Option<Bounds>,
    pub(crate) compile_limits: CompileLimits,
    /// How long a start waits for compilations, in milliseconds.
    pub(crate) compile_wait_ms: Option<u64>,
    pub(crate) cache_bounds: CacheBounds,
    pub(crate) require_signature: bool,
    pub(crate) keys: Vec<PathBuf>,
    /// The digest of what the files of the keys hold.
    pub(crate) keys_content: Option<String>,
}

impl HostKeys {
    /// Returns the settings of a host that supervises with `supervising`.
    pub(crate) fn settings(&self, supervising: &Supervising, dir: &Path) -> Settings {
        let Self {
            runtime_dir,
            cache_dir,
            keeper,
            api,
            journal,
            compile_limits,
            compile_wait_ms,
            cache_bounds,
            require_signature,
            keys,
            keys_content,
        } = self;
        let mut all = vec![
            Setting::new("host.runtime_dir", words::path(runtime_dir, dir)),
            Setting::new("host.cache_dir", words::path(cache_dir, dir)),
            Setting::new("host.keeper", keeper.to_string()),
            Setting::new("plugins.compile.memory", words::size(compile_limits.memory_bytes)),
            Setting::new("plugins.compile.time", words::duration(compile_limits.time_ms)),
            Setting::new("plugins.cache.size", words::size(cache_bounds.bytes_max)),
            Setting::new("plugins.cache.age", words::duration(cache_bounds.age_ms_max)),
            Setting::new("plugins.require_signature", require_signature.to_string()),
        ];
        all.extend(compile_wait_ms.map(|wait| Setting::new("plugins.compile.wait", words::duration(wait))));
        if !keys.is_empty() {
            let files = words::paths(keys.iter().map(PathBuf::as_path), dir);
            all.push(Setting::new("plugins.keys", files).holding(keys_content.clone()));
        }
        all.extend(api_settings(api, dir));
        all.extend(journal_settings(journal.as_ref()));
        all.extend(supervising_settings(supervising, dir));
        by_key(all)
    }
}

fn api_settings(api: &ApiConfig, dir: &Path) -> Vec<Setting> {
    let ApiConfig { tcp: TcpWanted { listen, tls, tokens }, plaintext, rules } = api;
    let ApiRules { hosts, origins, requests_per_second, read_only, metrics } = rules;
    let mut all = vec![
        Setting::new("api.plaintext", plaintext.to_string()),
        Setting::new("api.tokens", words::path(tokens, dir)),
        Setting::new("api.requests_per_second", requests_per_second.to_string()),
        Setting::new("api.read_only", read_only.to_string()),
        Setting::new("api.metrics", words::text(metrics)),
    ];
    all.extend(tls.as_ref().map(|CertificateFiles { cert, key }| {
        let (cert, key) = (words::path(cert, dir), words::path(key, dir));
        Setting::new("api.tls", format!("{{ cert = {cert}, key = {key} }}"))
    }));
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    for (key, list) in [("api.listen", &listen), ("api.hosts", hosts), ("api.origins", origins)] {
        if !list.is_empty() {
            all.push(Setting::new(key, words::texts(list.iter().map(String::as_str))));
        }
    }
    all
}

fn journal_settings(journal: Option<&Bounds>) -> Vec<Setting> {
    let mut all = vec![Setting::new("journal.enabled", journal.is_some().to_string())];
    if let Some(Bounds { bytes_max, age_ms_max, sync }) = journal {
        let sync = match sync {
            Sync::Decision => words::text("decision"),
            Sync::Within(time) => words::duration(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        };
        all.extend([
            Setting::new("journal.max_bytes", words::size(*bytes_max)),
            Setting::new("journal.max_age", words::duration(*age_ms_max)),
            Setting::new("journal.sync", sync),
        ]);
    }
    all
}

fn supervising_settings(supervising: &Supervising, dir: &Path) -> Vec<Setting> {
    let Supervising {
        log_dir,
        // The owner of the config, who is known from the file itself.
        log_owners: _,
        decision_deadline_ms,
        restart_delay_ms_max,
        restart_delay_ms_min,
        restart_budget: RestartBudget { restarts, per_ms },
        routing: Routing { backend, rollout },
        cgroups: CgroupPlace { root, tag: _ },
        // These are no keys of the config.
        degraded: _,
        children_open_files: _,
        stage: _,
        host_log: _,
        recorder: _,
        keeper: _,
        stash: _,
    } = supervising;
    let mut all = vec![
        Setting::new("host.log_dir", words::path(log_dir, dir)),
        Setting::new("host.restart_delay_min", words::duration(*restart_delay_ms_min)),
        Setting::new("host.restart_delay_max", words::duration(*restart_delay_ms_max)),
        Setting::new("host.decision_deadline", words::duration(*decision_deadline_ms)),
        Setting::new(
            "host.restart_budget",
            format!("{{ restarts = {restarts}, per = {} }}", words::duration(*per_ms)),
        ),
        Setting::new("state.backend", words::text(backend.as_str())),
        Setting::new("state.rollout", rollout.percent().to_string()),
    ];
    all.extend(root.as_ref().map(|root| Setting::new("host.cgroup", words::path(root, dir))));
    all
}
