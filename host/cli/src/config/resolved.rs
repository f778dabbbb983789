//! A checked config: all defaults are applied, all paths are absolute.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_control::{ApiRules, CertificateFiles, TcpWanted};
use provost_files::{Owners, Writers};
use provost_journal::Bounds;
use provost_plugin_host::{CacheBounds, Grants, PluginSpec, Source as Component, Trust};
use provost_state::naming::replica_name;
use provost_supervisor::{CgroupPlace, Settings};
use toml::Spanned;

use super::error::ConfigError;
use super::read::{self, Unread};
use super::report::{Collector, Problem, Problems, SourceFile};
use super::scenario::{self, SUBJECT, Told};
use super::sections::{ApiSection, ConfigFile, PluginSection, ProcessSection};
use super::{check, file, find, settings};
use crate::compiling::CompileLimits;

/// A checked config: all defaults are applied, all paths are absolute.
#[derive(Debug)]
pub struct Config {
    pub(super) source: SourceFile,
    /// The user who owns the file; `None` if it was not read from one.
    owner: Option<u32>,
    /// Who may write the file; `None` if that was not looked up.
    pub(super) writers: Option<Writers>,
    pub(super) dir: PathBuf,
    /// The settings of the supervisor, as far as a config has them.
    pub settings: Settings,
    /// The directory of the socket, the lock and the pid file.
    pub runtime_dir: PathBuf,
    /// The directory of compiled components.
    pub cache_dir: PathBuf,
    /// Whether the processes are held by a keeper.
    pub keeper: bool,
    /// The directory of the memories of plugins.
    pub memory_dir: PathBuf,
    /// How much of the journal is kept; `None` if none is.
    pub journal: Option<Bounds>,
    /// The directory of the journal.
    pub journal_dir: PathBuf,
    /// What the compilation of one plugin may use.
    pub compile_limits: CompileLimits,
    /// How long the start waits for plugins that are being compiled, in milliseconds; `None` if that depends on their size.
    pub compile_wait_ms: Option<u64>,
    /// How much compiled code is kept.
    pub cache_bounds: CacheBounds,
    /// The API over TCP.
    pub(crate) api: ApiConfig,
    /// Where the file names the certificate of the API.
    tls_span: Range<usize>,
    require_signature: bool,
    keys: Vec<(Range<usize>, PathBuf)>,
    plugins: Vec<PluginConfig>,
    pub(super) processes: Vec<ProcessSection>,
}

/// What the config says about the API over TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiConfig {
    /// Where the host listens, and with what.
    pub(crate) tcp: TcpWanted,
    /// Whether other machines may connect without TLS.
    pub(crate) plaintext: bool,
    /// What holds for requests.
    pub(crate) rules: ApiRules,
}

/// One plugin, and where the file names its component.
#[derive(Debug)]
struct PluginConfig {
    spec: PluginSpec,
    component_span: Range<usize>,
    /// The positions of the keys of its settings.
    setting_spans: Vec<(String, Range<usize>)>,
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with all problems.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        match Self::look_at(path)? {
            (_, Some(problems)) => Err(problems.into()),
            (config, None) => Ok(config),
        }
    }

    fn read(path: &Path) -> Result<(SourceFile, Writers), ConfigError> {
        let (text, writers) = read::read(path).map_err(|error| match error {
            Unread::Io(source) => ConfigError::Read { path: path.to_owned(), source },
            Unread::Unfit { what, hint } => ConfigError::Unfit { path: path.to_owned(), what, hint },
        })?;
        Ok((SourceFile { path: path.to_owned(), text }, writers))
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    /// [`Problems`] if there are any.
    pub fn parse(source: SourceFile) -> Result<Self, Problems> {
        match Self::examine(source) {
            (_, Some(problems)) => Err(problems),
            (config, None) => Ok(config),
        }
    }

    /// Does the same as [`Config::load`], but returns whatever could be read even if there are problems, so that more of them
    /// can be found.
    ///
    /// # Errors
    /// [`ConfigError`] if the text cannot be read.
    pub(crate) fn look_at(path: &Path) -> Result<(Self, Option<Problems>), ConfigError> {
        let (source, writers) = Self::read(path)?;
        let (config, problems) = Self::examine(source);
        Ok((config.written_by(writers), problems))
    }

    /// Sets who may write the file of the config.
    fn written_by(mut self, writers: Writers) -> Self {
        let owner = writers.owner;
        self.writers = Some(writers);
        self.owned_by(owner)
    }

    fn owned_by(mut self, owner: u32) -> Self {
        self.settings.log_owners = Owners::and(owner);
        self.owner = Some(owner);
        self
    }

    /// Does what [`Config::parse`] does with the text of a file of this owner.
    ///
    /// # Errors
    /// [`Problems`] if there are any.
    pub(crate) fn parse_owned(source: SourceFile, owner: Option<u32>) -> Result<Self, Problems> {
        let config = Self::parse(source)?;
        Ok(match owner {
            Some(owner) => config.owned_by(owner),
            None => config,
        })
    }

    /// Returns the user who owns the file, if it was read from one, by this host or a former one.
    pub(crate) fn owner(&self) -> Option<u32> {
        self.owner
    }

    fn examine(source: SourceFile) -> (Self, Option<Problems>) {
        let problems = Collector::default();
        let file = file::read(&source.text, &problems);
        check::check(&file, &find::dir_of(&source.path), &problems);
        let problems = problems.problems_of(&source);
        (Self::build(source, file), problems)
    }

    /// Checks the text of a scenario, with what it says beside a config. The component, with these settings or those of the
    /// scenario, is one of its plugins and judges the processes that name no policies.
    ///
    /// # Errors
    /// [`Problems`] if there are any.
    pub(super) fn parse_scenario(
        source: SourceFile,
        component: &str,
        settings_json: Option<&str>,
    ) -> Result<(Self, Told), Problems> {
        let problems = Collector::default();
        let (mut file, told) = file::read_with(&source.text, &problems, scenario::read);
        if let Some(taken) = file.plugins.iter().find(|plugin| plugin.name.get_ref() == SUBJECT) {
            let what = format!("`{SUBJECT}` is the name of the plugin that is simulated");
            problems.add(taken.name.span(), what, "give this plugin another name");
        }
        let unplaced = |text: &str| Spanned::new(0..0, text.to_owned());
        for process in &mut file.processes {
            if told.unjudged.contains(process.name.get_ref()) {
                process.policies = vec![unplaced(SUBJECT)];
            }
        }
        file.plugins.push(PluginSection {
            name: unplaced(SUBJECT),
            component: unplaced(component),
            settings_json: settings_json.or(told.settings_json.as_deref()).unwrap_or("{}").to_owned(),
            setting_spans: Vec::new(),
            sha256: None,
            grants: Grants::default(),
            limits: told.limits.clone(),
        });
        check::check(&file, &find::dir_of(&source.path), &problems);
        match problems.problems_of(&source) {
            Some(problems) => Err(problems),
            None => Ok((Self::build(source, file), told)),
        }
    }

    fn build(source: SourceFile, file: ConfigFile) -> Self {
        let dir = find::dir_of(&source.path);
        let ConfigFile { host, api, journal, trust, compile, plugins, processes } = file;
        let runtime_dir = find::runtime_dir(&dir, host.runtime_dir.as_deref());
        let log_dir = find::log_dir(&dir, &runtime_dir, host.log_dir.as_deref());
        let cgroups =
            CgroupPlace { root: host.cgroup.map(|root| dir.join(root)), tag: find::tag_of(&runtime_dir) };
        let tls_span = api.tls.as_ref().map(|(cert, _)| cert.span()).unwrap_or_default();
        let plugins = plugins.into_iter().map(|plugin| build_plugin(plugin, &dir)).collect();
        Self {
            settings: Settings { log_dir, cgroups, ..host.settings },
            cache_dir: host.cache_dir.map_or_else(find::cache_dir, |cache| dir.join(cache)),
            keeper: host.keeper,
            memory_dir: runtime_dir.join("memory"),
            journal,
            journal_dir: find::journal_dir(&runtime_dir),
            api: build_api(api, &dir, &runtime_dir),
            tls_span,
            runtime_dir,
            compile_limits: compile.limits,
            compile_wait_ms: compile.wait_ms,
            cache_bounds: compile.cache,
            require_signature: trust.require_signature,
            keys: trust.keys.into_iter().map(|key| (key.span(), dir.join(key.get_ref()))).collect(),
            plugins,
            processes,
            dir,
            source,
            owner: None,
            writers: None,
        }
    }

    /// Returns the path of the file, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Returns the absolute path of the file.
    pub(crate) fn absolute_path(&self) -> PathBuf {
        find::absolute(self.path())
    }

    /// Returns the absolute path of the directory that relative paths start from.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether plugins need a signature.
    pub(crate) fn requires_signature(&self) -> bool {
        self.require_signature
    }

    /// Returns the files of the public keys whose plugins are accepted.
    pub(crate) fn key_files(&self) -> Vec<PathBuf> {
        self.keys.iter().map(|(_, file)| file.clone()).collect()
    }

    /// Reads the public keys whose plugins are accepted.
    ///
    /// # Errors
    /// [`Problems`] if a file does not hold a public key.
    pub fn trust(&self) -> Result<Trust, Problems> {
        Trust::of(self.require_signature, &self.key_files()).map_err(|error| {
            let bad = |file: &PathBuf| Trust::of(true, std::slice::from_ref(file)).is_err();
            let span = self.keys.iter().find(|(_, file)| bad(file)).map(|(span, _)| span.clone());
            let hint = "`provost plugin keygen NAME` writes NAME.pub, which belongs here".to_owned();
            self.problems(vec![Problem { span: span.unwrap_or_default(), what: error.to_string(), hint }])
        })
    }

    /// Checks the certificate of the API.
    ///
    /// # Errors
    /// [`Problems`] if there is one that cannot be used.
    pub(crate) fn check_certificate(&self) -> Result<(), Problems> {
        let Some(files) = &self.api.tcp.tls else { return Ok(()) };
        files.check().map_err(|error| {
            let hint = "`tls` of [api] takes a certificate and its private key in PEM".to_owned();
            self.problems(vec![Problem { span: self.tls_span.clone(), what: error.to_string(), hint }])
        })
    }

    /// Returns the plugins, in the order of the file.
    pub fn plugins(&self) -> impl Iterator<Item = &PluginSpec> {
        self.plugins.iter().map(|plugin| &plugin.spec)
    }

    /// Returns the names of all processes, in the order of the file.
    pub fn process_names(&self) -> impl Iterator<Item = &str> {
        self.processes.iter().map(|process| process.name.get_ref().as_str())
    }

    /// Returns the names of all processes with their groups, in the order of the file; of replicas, only the first.
    pub fn process_groups(&self) -> impl Iterator<Item = (Arc<str>, Arc<str>)> {
        self.processes.iter().map(|process| {
            let name = process.name.get_ref().as_str();
            let name = process.replicas.map_or_else(|| name.into(), |_| replica_name(name, 1).into());
            (name, process.group.as_str().into())
        })
    }

    /// Returns the file that the config was read from.
    pub(crate) fn source(&self) -> &SourceFile {
        &self.source
    }

    /// Returns a problem with the component of the plugin `name`, located where the file names the component.
    #[must_use]
    pub fn component_problem(&self, name: &str, what: String, hint: String) -> Problem {
        let plugin = self.plugins.iter().find(|plugin| &*plugin.spec.name == name);
        Problem { span: plugin.map(|plugin| plugin.component_span.clone()).unwrap_or_default(), what, hint }
    }

    /// Returns the problems for which the plugin `name` is refused: one for each setting that is wrong, located there, or else one with
    /// its component.
    #[must_use]
    pub fn refusal_problems(&self, name: &str, what: String, hint: String) -> Vec<Problem> {
        let plugin = self.plugins.iter().find(|plugin| &*plugin.spec.name == name);
        let of_settings =
            plugin.map(|one| settings::problems(name, &what, &one.setting_spans, &one.component_span));
        match of_settings {
            Some(problems) if !problems.is_empty() => problems,
            _ => vec![self.component_problem(name, what, hint)],
        }
    }

    /// Returns these problems together with the file.
    #[must_use]
    pub fn problems(&self, mut list: Vec<Problem>) -> Problems {
        list.sort_by_key(|problem| problem.span.start);
        Problems { source_file: self.source.clone(), list, more: 0 }
    }
}

fn build_api(api: ApiSection, dir: &Path, runtime_dir: &Path) -> ApiConfig {
    let ApiSection { listen, tls, plaintext, tokens, rules } = api;
    let file = |path: Spanned<String>| dir.join(path.into_inner());
    let tls = tls.map(|(cert, key)| CertificateFiles { cert: file(cert), key: file(key) });
    let tokens = find::tokens_dir(dir, runtime_dir, tokens.as_deref());
    ApiConfig { tcp: TcpWanted { listen, tls, tokens }, plaintext, rules }
}

fn build_plugin(plugin: PluginSection, dir: &Path) -> PluginConfig {
    PluginConfig {
        component_span: plugin.component.span(),
        setting_spans: plugin.setting_spans,
        spec: PluginSpec {
            name: Arc::from(plugin.name.into_inner()),
            source: match Component::parse(plugin.component.get_ref()) {
                Component::Path(path) => Component::Path(dir.join(path)),
                other @ (Component::Bundled(_) | Component::Remote(_)) => other,
            },
            settings_json: plugin.settings_json,
            limits: plugin.limits,
            sha256: plugin.sha256.map(Spanned::into_inner),
            grants: plugin.grants,
        },
    }
}
