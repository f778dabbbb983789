//! The config file, in two stages: its text becomes typed sections (`file`), and these become what the
//! host is told ([`Config`], then specs). All problems are found before anything is done, and told at once.

mod check;
mod cycles;
mod dialect;
mod file;
mod find;
mod foreign;
mod job;
pub(crate) mod names;
mod plugin;
mod probe;
mod process;
mod read;
mod report;
mod section;
mod settings;
mod surroundings;
pub(crate) mod units;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_files::Writers;
use provost_plugin_host::{CacheBounds, PluginSpec, Source as Component, Trust};
use provost_state::{Policy, Routing};
use provost_supervisor::{
    Condition, Dependency, HealthCheck, LogLimits, ProcessSpec, Readiness, ReplicaSet, RestartBudget,
};
use toml::Spanned;

pub use crate::compiling::CompileLimits;
pub use find::{CONFIG_NAME, NotFound, SOCKET_NAME, find_nearest, group_of, log_dir_of, runtime_dir_of};
pub use report::{Place, Problem, Problems, Source};

use file::{ConfigFile, ProcessSection};
use plugin::PluginSection;
use read::Unread;
use report::Collector;

const STOP_GRACE_MS: u64 = 10_000;
const READY_EVERY_MS: u64 = 500;
const READY_TIMEOUT_MS: u64 = 1_000;
const LOG_FILE_BYTES: u64 = 16 << 20;
const LOG_FILES: usize = 4;
const RESTART_DELAY_MAX_MS: u64 = 3_600_000;
const HEALTH_EVERY_MS: u64 = 10_000;
const HEALTH_TIMEOUT_MS: u64 = 1_000;
const HEALTH_FAILURES: u32 = 3;
const SCALE_EVERY_MS: u64 = 10_000;
const DECISION_DEADLINE_MS: u64 = 1_000;

/// A config without problems of its own: all defaults are in, all paths are whole.
#[derive(Debug)]
pub struct Config {
    source: Source,
    /// Who may write the file; `None` if it was not read from one.
    writers: Option<Writers>,
    dir: PathBuf,
    /// Where socket, lock and pid live.
    pub runtime_dir: PathBuf,
    /// Where the output of processes is kept.
    pub log_dir: PathBuf,
    /// Where compiled components are kept.
    pub cache_dir: PathBuf,
    /// Where it is kept what plugins remember.
    pub memory_dir: PathBuf,
    /// No restart is delayed less than this, in milliseconds.
    pub restart_delay_min_ms: u64,
    /// No restart is delayed more than this, in milliseconds.
    pub restart_delay_max_ms: u64,
    /// How often one process may be restarted before it has to wait.
    pub restart_budget: RestartBudget,
    /// How long a policy may take to decide, in milliseconds.
    pub decision_deadline_ms: u64,
    /// Which backend of the state core is in force at first.
    pub routing: Routing,
    /// What the compilation of one plugin may use.
    pub compile_limits: CompileLimits,
    /// How long the start waits for plugins that are being compiled, in milliseconds; `None`: it goes by their size.
    pub compile_wait_ms: Option<u64>,
    /// How much compiled code is kept.
    pub cache_bounds: CacheBounds,
    require_signature: bool,
    keys: Vec<(Range<usize>, PathBuf)>,
    plugins: Vec<PluginConfig>,
    processes: Vec<ProcessSection>,
}

/// One plugin, and where the file names its component.
#[derive(Debug)]
struct PluginConfig {
    spec: PluginSpec,
    component_span: Range<usize>,
    /// Where the keys of its settings are written.
    setting_spans: Vec<(String, Range<usize>)>,
}

/// Why a config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("error: {}\nhint: name the config with `-c FILE`", unread(path, source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is there, but it is no config.
    #[error("error: {} {what}\nhint: {hint}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// The file can be read, and is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
}

fn unread(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no config {}", path.display()),
        _ => format!("cannot read {}: {error}", path.display()),
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        match Self::look_at(path)? {
            (_, Some(problems)) => Err(problems.into()),
            (config, None) => Ok(config),
        }
    }

    fn read(path: &Path) -> Result<(Source, Writers), ConfigError> {
        let (text, writers) = read::read(path).map_err(|error| match error {
            Unread::Io(source) => ConfigError::Read { path: path.to_owned(), source },
            Unread::Unfit { what, hint } => ConfigError::Unfit { path: path.to_owned(), what, hint },
        })?;
        Ok((Source { path: path.to_owned(), text }, writers))
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    /// [`Problems`], all there are.
    pub fn parse(source: Source) -> Result<Self, Problems> {
        match Self::examine(source) {
            (_, Some(problems)) => Err(problems),
            (config, None) => Ok(config),
        }
    }

    /// As [`Config::load`], but with what could be read even if there are problems, so that more can be found out.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no text.
    pub(crate) fn look_at(path: &Path) -> Result<(Self, Option<Problems>), ConfigError> {
        let (source, writers) = Self::read(path)?;
        let (config, problems) = Self::examine(source);
        Ok((Self { writers: Some(writers), ..config }, problems))
    }

    fn examine(source: Source) -> (Self, Option<Problems>) {
        let problems = Collector::default();
        let file = file::read(&source.text, &problems);
        check::check(&file, &problems);
        let problems = problems.problems_of(&source);
        (Self::build(source, file), problems)
    }

    fn build(source: Source, file: ConfigFile) -> Self {
        let dir = find::dir_of(&source.path);
        let ConfigFile { host, routing, trust, compile, plugins, processes } = file;
        let runtime_dir = dir.join(host.runtime_dir.as_deref().unwrap_or(find::RUNTIME_DIR));
        let plugins = plugins.into_iter().map(|plugin| build_plugin(plugin, &dir)).collect();
        Self {
            log_dir: host.log_dir.map_or_else(|| runtime_dir.join(find::LOG_DIR), |logs| dir.join(logs)),
            cache_dir: host.cache_dir.map_or_else(find::cache_dir, |cache| dir.join(cache)),
            memory_dir: runtime_dir.join("memory"),
            runtime_dir,
            restart_delay_min_ms: host.restart_delay_min_ms.unwrap_or(0),
            restart_budget: host
                .restart_budget
                .map_or_else(RestartBudget::default, |(restarts, per_ms)| RestartBudget { restarts, per_ms }),
            restart_delay_max_ms: host.restart_delay_max_ms.unwrap_or(RESTART_DELAY_MAX_MS),
            decision_deadline_ms: host.decision_deadline_ms.unwrap_or(DECISION_DEADLINE_MS),
            routing,
            compile_limits: compile.limits,
            compile_wait_ms: compile.wait_ms,
            cache_bounds: compile.cache,
            require_signature: trust.require_signature,
            keys: trust.keys.into_iter().map(|key| (key.span(), dir.join(key.get_ref()))).collect(),
            plugins,
            processes,
            dir,
            source,
            writers: None,
        }
    }

    /// The file that it was read from, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Whose plugins are let in.
    ///
    /// # Errors
    /// [`Problems`] if a file holds no public key.
    pub fn trust(&self) -> Result<Trust, Problems> {
        let files: Vec<PathBuf> = self.keys.iter().map(|(_, file)| file.clone()).collect();
        Trust::of(self.require_signature, &files).map_err(|error| {
            let bad = |file: &PathBuf| Trust::of(true, std::slice::from_ref(file)).is_err();
            let span = self.keys.iter().find(|(_, file)| bad(file)).map(|(span, _)| span.clone());
            let hint = "`provost plugin keygen NAME` writes NAME.pub, which belongs here".to_owned();
            self.problems(vec![Problem { span: span.unwrap_or_default(), what: error.to_string(), hint }])
        })
    }

    /// The plugins, in the order of the file.
    pub fn plugins(&self) -> impl Iterator<Item = &PluginSpec> {
        self.plugins.iter().map(|plugin| &plugin.spec)
    }

    /// The names of all processes, in the order of the file.
    pub fn process_names(&self) -> impl Iterator<Item = &str> {
        self.processes.iter().map(|process| process.name.get_ref().as_str())
    }

    /// The names of all processes with their groups, in the order of the file; of replicas, the first.
    pub fn process_groups(&self) -> impl Iterator<Item = (Arc<str>, Arc<str>)> {
        self.processes.iter().map(|process| {
            let name = process.name.get_ref().as_str();
            let name = process.replicas.map_or_else(|| name.into(), |_| replica_name(name, 1));
            (name, process.group.as_str().into())
        })
    }

    /// The file that it was read from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// A problem with the component of the plugin called `name`, shown where the file names the component; if it is one
    /// with its settings, at the setting.
    #[must_use]
    pub fn component_problem(&self, name: &str, what: String, hint: String) -> Problem {
        let plugin = self.plugins.iter().find(|plugin| &*plugin.spec.name == name);
        let of_settings =
            plugin.and_then(|one| settings::problem(name, &what, &one.setting_spans, &one.component_span));
        if let Some(problem) = of_settings {
            return problem;
        }
        Problem { span: plugin.map(|plugin| plugin.component_span.clone()).unwrap_or_default(), what, hint }
    }

    /// These problems, together with the file.
    #[must_use]
    pub fn problems(&self, mut list: Vec<Problem>) -> Problems {
        list.sort_by_key(|problem| problem.span.start);
        Problems { source_file: self.source.clone(), list, more: 0 }
    }

    /// The second stage: the specs of all processes, with the policies that `policy_of` finds by name, or
    /// says why it does not.
    ///
    /// # Errors
    /// [`Problems`] if a plugin that is to judge is no policy.
    pub fn specs(
        &self,
        policy_of: impl Fn(&str) -> Result<Arc<dyn Policy>, String>,
    ) -> Result<Processes, Problems> {
        let problems = Collector::default();
        let mut processes = Processes::default();
        let sets: Sets<'_> =
            self.processes.iter().map(|one| (one.name.get_ref().as_str(), one.replicas)).collect();
        for section in &self.processes {
            let policies = policies(section, &policy_of, &problems);
            let spec = self.spec(section, &sets, policies.clone());
            match section.replicas {
                None => processes.specs.push(spec),
                Some(replicas) => {
                    processes.specs.extend((1..=replicas.most).map(|number| ProcessSpec {
                        name: replica_name(&spec.name, number),
                        replica: Some(number),
                        ..spec.clone()
                    }));
                    processes.replica_sets.push(replica_set(section, replicas, policies));
                }
            }
        }
        problems.problems_of(&self.source).map_or(Ok(processes), Err)
    }

    /// The spec of a process; of replicas what they have in common.
    fn spec(&self, process: &ProcessSection, sets: &Sets<'_>, policies: Vec<Arc<dyn Policy>>) -> ProcessSpec {
        let stop = &process.stop;
        ProcessSpec {
            group: Arc::from(process.group.as_str()),
            cwd: Some(
                process.cwd.as_ref().map_or_else(|| self.dir.clone(), |cwd| self.dir.join(cwd.get_ref())),
            ),
            env: process.env.clone(),
            env_files: process.env_files.iter().map(|file| self.dir.join(file.get_ref())).collect(),
            process_type: process.process_type.clone(),
            autostart: process.autostart,
            stop_signal: stop.signal.unwrap_or_default(),
            stop_to: stop.to.unwrap_or_default(),
            escaped: stop.escaped.unwrap_or_default(),
            stop_grace_ms: stop.grace_ms.unwrap_or(STOP_GRACE_MS),
            policies,
            depends_on: process
                .depends_on
                .iter()
                .flat_map(|(name, condition)| dependencies(name.get_ref(), *condition, sets))
                .collect(),
            ready: process.ready.as_ref().map(|ready| Readiness {
                check: ready.check.clone(),
                every_ms: ready.every_ms.unwrap_or(READY_EVERY_MS),
                timeout_ms: ready.timeout_ms.unwrap_or(READY_TIMEOUT_MS),
                within_ms: ready.within_ms,
                own_port: ready.own_port,
            }),
            health: process.health.as_ref().map(|health| HealthCheck {
                check: health.check.clone(),
                every_ms: health.every_ms.unwrap_or(HEALTH_EVERY_MS),
                timeout_ms: health.timeout_ms.unwrap_or(HEALTH_TIMEOUT_MS),
                failures: health.failures.unwrap_or(HEALTH_FAILURES),
            }),
            log: LogLimits {
                file_bytes_max: process.log_file_bytes.unwrap_or(LOG_FILE_BYTES),
                files_max: process.log_files.unwrap_or(LOG_FILES),
            },
            stderr: process.stderr.unwrap_or_default(),
            stdin: process.stdin.unwrap_or_default(),
            tty: process.tty,
            ..ProcessSpec::new(process.name.get_ref().as_str(), process.command.clone())
        }
    }
}

/// The replicas of each process that has some, by its name.
type Sets<'c> = HashMap<&'c str, Option<file::ReplicasSection>>;

/// To depend on a process with replicas is to depend on the fewest of them that there are.
fn dependencies(name: &str, condition: Condition, sets: &Sets<'_>) -> Vec<Dependency> {
    match sets.get(name).copied().flatten() {
        None => vec![Dependency { name: Arc::from(name), condition }],
        Some(replicas) => (1..=replicas.least)
            .map(|number| Dependency { name: replica_name(name, number), condition })
            .collect(),
    }
}

/// What the supervisor is to run.
#[derive(Debug, Default)]
pub struct Processes {
    /// All processes, replicas one by one.
    pub specs: Vec<ProcessSpec>,
    /// What is to be scaled.
    pub replica_sets: Vec<ReplicaSet>,
}

fn replica_name(base: &str, number: u32) -> Arc<str> {
    Arc::from(format!("{base}.{number}"))
}

fn replica_set(
    process: &ProcessSection,
    replicas: file::ReplicasSection,
    policies: Vec<Arc<dyn Policy>>,
) -> ReplicaSet {
    ReplicaSet {
        name: Arc::from(process.name.get_ref().as_str()),
        group: Arc::from(process.group.as_str()),
        least: replicas.least,
        most: replicas.most,
        wanted_at_start: replicas.least,
        every_ms: replicas.every_ms.unwrap_or(SCALE_EVERY_MS),
        policies,
    }
}

/// The chain of a process.
fn policies(
    process: &ProcessSection,
    policy_of: &impl Fn(&str) -> Result<Arc<dyn Policy>, String>,
    problems: &Collector,
) -> Vec<Arc<dyn Policy>> {
    let policy = |name: &Spanned<String>| {
        let hint = "`policies` takes plugins that export a policy; see `provost plugin inspect`";
        policy_of(name.get_ref()).map_err(|why| problems.add(name.span(), why, hint)).ok()
    };
    process.policies.iter().filter_map(policy).collect()
}

fn build_plugin(plugin: PluginSection, dir: &Path) -> PluginConfig {
    PluginConfig {
        component_span: plugin.component.span(),
        setting_spans: plugin.setting_spans,
        spec: PluginSpec {
            name: Arc::from(plugin.name.into_inner()),
            source: match Component::parse(plugin.component.get_ref()) {
                Component::Path(path) => Component::Path(dir.join(path)),
                bundled @ Component::Bundled(_) => bundled,
            },
            settings_json: plugin.settings_json,
            limits: plugin.limits,
            sha256: plugin.sha256.map(Spanned::into_inner),
            grants: plugin.grants,
        },
    }
}
