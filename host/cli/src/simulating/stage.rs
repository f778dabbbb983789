//! One run: the plugins of a scenario are loaded anew, so that none remembers the run before, and the scenario is played.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_plugin_host::{CacheBounds, Compiler, HostOptions, Limit, PluginHost, PluginSpec, trial_world};
use provost_simulation::{Expectation, Invariant, NotPlayed, Scenario, Targets, Verdict, check, play};
use provost_state::{Intensity, PluginStatus, Plugins};
use provost_supervisor::Clock;

use super::idle;
use super::outcome::Outcome;
use crate::compiling::{ChildCompiler, CompileOptions};
use crate::config::{Config, Problems, SUBJECT, ScenarioFile, SourceFile, usual_store};
use crate::fetching::{Fetcher, Reach};

/// How long one call may take, in milliseconds of real time. The machine may be busy, and the same scenario has to have the same
/// course; what is bounded is the fuel.
const CALL_MS: u64 = 60_000;

/// The component that is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its absolute path, or `bundled:NAME`.
    pub(crate) component: String,
    /// Its settings as JSON; `None` for those of the scenario, or none.
    pub(crate) settings_json: Option<String>,
}

/// What a run is made with.
#[derive(Debug)]
pub(crate) struct Stage {
    /// How long each scenario lasts, in milliseconds, if not as long as it says.
    pub(crate) lasts_ms: Option<u64>,
    /// The seed, if not that of the scenario.
    pub(crate) seed: Option<u64>,
    /// What the compilation of a plugin may use, if not what the scenario says.
    pub(crate) compile: CompileOptions,
    /// The directory of compiled code, for the next run.
    cache_dir: PathBuf,
    /// The directory that ends with the stage, if the code is kept in one.
    _cache: Option<tempfile::TempDir>,
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRun {
    /// The scenario is wrong, or a plugin cannot be loaded.
    #[error(transparent)]
    Scenario(#[from] Problems),
    /// The component is not one that can be simulated.
    #[error("{0}")]
    Subject(String),
    /// It could not be played.
    #[error(transparent)]
    NotPlayed(#[from] NotPlayed),
}

impl Stage {
    /// Creates a stage whose compiled code ends with it.
    ///
    /// # Errors
    /// There is no directory for compiled code.
    pub(crate) fn new(compile: CompileOptions) -> std::io::Result<Self> {
        let cache = tempfile::tempdir()?;
        let cache_dir = cache.path().join("compiled");
        Ok(Self { _cache: Some(cache), ..Self::beside(cache_dir, compile) })
    }

    /// Creates a stage that takes compiled code from the cache in this directory, and puts it there.
    pub(crate) fn beside(cache_dir: PathBuf, compile: CompileOptions) -> Self {
        Self { lasts_ms: None, seed: None, compile, cache_dir, _cache: None }
    }

    /// Returns the directory of compiled code.
    pub(crate) fn cache_dir(&self) -> &Path {
        &self.cache_dir
    }

    /// Plays a scenario with this component.
    ///
    /// # Errors
    /// [`NotRun`].
    pub(crate) fn run(&self, source: &SourceFile, subject: &Subject) -> Result<Outcome, NotRun> {
        self.run_for(source, subject, self.lasts_ms, self.seed)
    }

    /// Plays a scenario with this component, for as long and with the seed that the scenario says.
    ///
    /// # Errors
    /// [`NotRun`].
    pub(crate) fn run_as_written(&self, source: &SourceFile, subject: &Subject) -> Result<Outcome, NotRun> {
        self.run_for(source, subject, None, None)
    }

    fn run_for(
        &self,
        source: &SourceFile,
        subject: &Subject,
        lasts_ms: Option<u64>,
        seed: Option<u64>,
    ) -> Result<Outcome, NotRun> {
        let file = ScenarioFile::parse(source.clone(), &subject.component, subject.settings_json.as_deref())?;
        let plugins = self.loaded(&file.config)?;
        plugins.policy(SUBJECT).map_err(|error| NotRun::Subject(error.to_string()))?;
        let policy_of = |name: &str| plugins.policy(name).map_err(|error| error.to_string());
        let mut scenario = file.scenario(file.config.specs(policy_of)?)?;
        scenario.lasts_ms = lasts_ms.unwrap_or(scenario.lasts_ms);
        scenario.seed = seed.unwrap_or(scenario.seed);
        let clock = Clock::new();
        let played = play(&scenario)?;
        let took_ms = clock.now().mono_ns / 1_000_000;
        let warnings = idle::warnings(&file, &scenario, &played);
        let of_all = |invariant| Expectation { of: Targets::All, invariant };
        let expectations = scenario.expectations.iter().cloned().chain([of_all(Invariant::NoFaults)]);
        let verdicts = expectations
            .map(|one| (one.invariant.clone(), check(&one, &played.course, &played.affected)))
            .filter(|(invariant, verdict)| *invariant != Invariant::NoFaults || verdict.is_broken())
            .collect::<Vec<(Invariant, Verdict)>>();
        let ScenarioFile { name, about, .. } = file;
        let Scenario { lasts_ms, seed, faults, .. } = scenario;
        Ok(Outcome { name, about, lasts_ms, seed, faults, played, verdicts, warnings, took_ms })
    }

    /// Loads the plugins of a scenario.
    fn loaded(&self, config: &Config) -> Result<PluginHost, NotRun> {
        let compiler = ChildCompiler::with_options(self.compile, config.compile_limits);
        let host = plugin_host(self.cache_dir.clone(), compiler);
        let world = trial_world(config.process_groups());
        for spec in config.plugins() {
            let spec = as_simulated(spec.clone());
            let name = spec.name.clone();
            if let Err(error) = host.load_in(spec, &world) {
                return Err(refused(config, &name, error.to_string()));
            }
        }
        for report in host.reports() {
            if let Some(why) = objection(&report.status) {
                return Err(refused(config, &report.name, why.to_owned()));
            }
        }
        Ok(host)
    }
}

/// Returns a plugin host without plugins, whose compiled code is kept in the directory `cache_dir` for the next run. Nothing is removed
/// from there: a host that has it as its cache knows how large that may be.
pub(crate) fn plugin_host(cache_dir: PathBuf, compiler: Arc<dyn Compiler>) -> PluginHost {
    PluginHost::new(HostOptions {
        cache_dir: Some(cache_dir),
        cache_bounds: CacheBounds { bytes_max: u64::MAX, age_ms_max: u64::MAX },
        compiler,
        remote: Fetcher::reading(usual_store(), Reach::Network),
        ..HostOptions::default()
    })
}

/// Returns why a plugin that was loaded cannot be used, if it cannot.
pub(crate) fn objection(status: &PluginStatus) -> Option<&str> {
    match status {
        PluginStatus::Refused(why) | PluginStatus::Quarantined(why) => Some(why),
        _ => None,
    }
}

/// Returns the spec of a plugin whose calls are bounded by its fuel and not by the time that this machine takes, and which is asked
/// however often it fails.
pub(crate) fn as_simulated(mut spec: PluginSpec) -> PluginSpec {
    spec.limits.set(Limit::CallTime, CALL_MS);
    spec.limits.quarantine = Intensity { faults: u32::MAX, per_ms: 1 };
    spec
}

fn refused(config: &Config, name: &Arc<str>, why: String) -> NotRun {
    if **name == *SUBJECT {
        return NotRun::Subject(why);
    }
    let hint = "correct this plugin of the scenario, or remove it".to_owned();
    NotRun::Scenario(config.problems(config.refusal_problems(name, why, hint)))
}
