//! The typed sections of the file, the result of the first stage. They keep their positions in the text.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;

use provost_control::ApiRules;
use provost_journal::Bounds;
use provost_plugin_host::{CacheBounds, Grants, Limits};
use provost_state::{ProcessType, Signal};
use provost_supervisor::{
    CgroupSpec, CommandLine, Condition, Escaped, HealthCheck, Readiness, Settings, Setup, SocketSpec, Stderr,
    Stdin, StopTo,
};
use toml::Spanned;

use super::find::KEEPER_DEFAULT;
use crate::compiling::CompileLimits;

/// The typed sections of the whole file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) host: HostSection,
    pub(super) api: ApiSection,
    /// `[journal]`; `None` if no journal is kept.
    pub(super) journal: Option<Bounds>,
    pub(super) trust: TrustSection,
    pub(super) compile: CompileSection,
    pub(super) plugins: Vec<PluginSection>,
    pub(super) processes: Vec<ProcessSection>,
}

impl Default for ConfigFile {
    fn default() -> Self {
        Self {
            host: HostSection::default(),
            api: ApiSection::default(),
            journal: Some(Bounds::default()),
            trust: TrustSection::default(),
            compile: CompileSection::default(),
            plugins: Vec::new(),
            processes: Vec::new(),
        }
    }
}

/// `[host]` and `[state]`.
#[derive(Debug)]
pub(super) struct HostSection {
    pub(super) runtime_dir: Option<String>,
    pub(super) log_dir: Option<String>,
    pub(super) cache_dir: Option<String>,
    /// Whether the processes are held by a keeper.
    pub(super) keeper: bool,
    /// The cgroup in which those of processes are made.
    pub(super) cgroup: Option<String>,
    /// The settings of the supervisor; its log directory is set later.
    pub(super) settings: Settings,
}

impl Default for HostSection {
    fn default() -> Self {
        Self {
            runtime_dir: None,
            log_dir: None,
            cache_dir: None,
            keeper: KEEPER_DEFAULT,
            cgroup: None,
            settings: Settings::new(PathBuf::new()),
        }
    }
}

/// `[api]`.
#[derive(Debug, Default)]
pub(super) struct ApiSection {
    pub(super) listen: Vec<SocketAddr>,
    /// The files of the certificate and of its key.
    pub(super) tls: Option<(Spanned<String>, Spanned<String>)>,
    /// Whether other machines may connect without TLS.
    pub(super) plaintext: bool,
    pub(super) tokens: Option<String>,
    pub(super) rules: ApiRules,
}

/// `[process.NAME]`.
#[derive(Debug)]
pub(super) struct ProcessSection {
    pub(super) name: Spanned<String>,
    pub(super) group: String,
    pub(super) command: CommandLine,
    /// The position of the value of `command`, or of the name of the process.
    pub(super) command_span: Range<usize>,
    pub(super) cwd: Option<Spanned<String>>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) env_files: Vec<Spanned<String>>,
    pub(super) process_type: ProcessType,
    pub(super) autostart: Option<bool>,
    pub(super) stop: StopSection,
    pub(super) policies: Vec<Spanned<String>>,
    pub(super) depends_on: Vec<(Spanned<String>, Condition)>,
    pub(super) ready: Option<Readiness>,
    pub(super) sockets: Vec<SocketSection>,
    /// For how long it may be silent, in milliseconds.
    pub(super) watchdog_ms: Option<u64>,
    pub(super) health: Option<HealthCheck>,
    /// The interval at which its policies are asked about its usage, in milliseconds.
    pub(super) usage_every_ms: Option<u64>,
    pub(super) replicas: Option<ReplicasSection>,
    pub(super) log_file_bytes: Option<u64>,
    pub(super) log_files: Option<usize>,
    pub(super) stderr: Option<Stderr>,
    pub(super) stdin: Option<Stdin>,
    pub(super) tty: bool,
    pub(super) setup: SetupSection,
    pub(super) cgroup: Option<CgroupSection>,
}

/// One of `sockets` of a process.
#[derive(Clone, Debug)]
pub(super) struct SocketSection {
    /// The socket; its path is as it was written.
    pub(super) socket: SocketSpec,
    /// The position of its value.
    pub(super) span: Range<usize>,
}

/// `stop` of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StopSection {
    pub(super) signal: Option<Signal>,
    pub(super) to: Option<StopTo>,
    pub(super) escaped: Option<Escaped>,
    pub(super) grace_ms: Option<u64>,
}

/// `replicas` of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplicasSection {
    pub(super) least: u32,
    pub(super) most: u32,
    /// The interval at which its scale policies are asked, in milliseconds.
    pub(super) every_ms: u64,
}

/// What a process is set to, with the positions, for what only the machine knows.
#[derive(Debug, Default)]
pub(super) struct SetupSection {
    pub(super) setup: Setup,
    /// The keys that are given, with the positions of their values.
    pub(super) spans: Vec<(&'static str, Range<usize>)>,
}

impl SetupSection {
    /// Returns where the value of a key is.
    pub(super) fn span(&self, key: &str) -> Option<Range<usize>> {
        self.spans.iter().find(|(known, _)| *known == key).map(|(_, span)| span.clone())
    }
}

/// `cgroup` of a process.
#[derive(Debug)]
pub(super) struct CgroupSection {
    pub(super) cgroup: CgroupSpec,
    pub(super) span: Range<usize>,
}

/// `keys` and `require_signature` of `[plugins]`: which plugins are accepted.
#[derive(Debug, Default)]
pub(super) struct TrustSection {
    pub(super) require_signature: bool,
    /// Files of public keys.
    pub(super) keys: Vec<Spanned<String>>,
}

/// `[plugins.NAME]`.
#[derive(Debug)]
pub(super) struct PluginSection {
    pub(super) name: Spanned<String>,
    pub(super) component: Spanned<String>,
    pub(super) settings_json: String,
    /// The positions of the keys of the settings.
    pub(super) setting_spans: Vec<(String, Range<usize>)>,
    pub(super) sha256: Option<Spanned<String>>,
    pub(super) grants: Grants,
    pub(super) limits: Limits,
}

/// `compile` and `cache` of `[plugins]`: how plugins are compiled, and how much compiled code is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CompileSection {
    pub(super) limits: CompileLimits,
    /// How long the start waits for compilations, in milliseconds; `None` if that depends on the size.
    pub(super) wait_ms: Option<u64>,
    pub(super) cache: CacheBounds,
}
