//! The checks before anything is changed: the config itself, what it changes, the plugins with their trial calls, and whether
//! what would be restarted could start here. A refusal leaves everything as it is.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use provost_control::{ConfigRefusal, ConfigReport};
use provost_plugin_host::{FetchedTogether, PluginHost, Ready, Unfit};
use provost_state::Policy;
use provost_supervisor::{Supervisor, obstacles};

use super::in_force::InForce;
use super::running;
use crate::config::{Config, Problem, Problems, Processes};
use crate::daemon::plugins;
use crate::difference::{self, Changed, Effect, Plan, Read, Shape, wanted};

/// A config compared with what runs.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) config: Config,
    pub(super) running: Shape,
    pub(super) wanted: Shape,
    pub(super) plan: Plan,
}

/// A config that can be put into force.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) compared: Compared,
    /// The plugins that are new or have changed, made and tried.
    pub(super) ready: Vec<Ready>,
    pub(super) processes: Processes,
}

/// What is compared with a config.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) supervisor: Supervisor,
    pub(super) plugins: PluginHost,
    pub(super) in_force: InForce,
}

impl Host {
    /// Reads the config at `path` and compares it with what runs. Reads files, and may wait for disks.
    pub(super) fn compare(&self, path: &Path) -> Result<Compared, ConfigRefusal> {
        let config = Config::load(path).map_err(|error| {
            let (whole, without_lines) = (error.to_string(), error.without_lines());
            ConfigRefusal::BadConfig(ConfigReport { whole, without_lines })
        })?;
        let wanted = wanted(&config, &Read);
        let running = running::shape(&self.supervisor, &self.plugins, &self.in_force, config.dir());
        let plan = Plan::between(&running, &wanted, &self.in_force.loaded);
        Ok(Compared { config, running, wanted, plan })
    }

    /// Reads the config at `path` and checks everything that can be checked before something is changed. Compiles plugins.
    pub(super) fn check(&self, path: &Path, no_restart: bool) -> Result<Checked, ConfigRefusal> {
        let compared = self.compare(path)?;
        let Compared { config, plan, .. } = &compared;
        refuse(config, new_host_needed(config, plan), ConfigRefusal::NeedsNewHost)?;
        let bad = |problems| ConfigRefusal::BadConfig(reported(&problems));
        let ready = self.rehearsed(config, plan)?;
        let by_name: HashMap<&str, &Ready> = ready.iter().map(|one| (&**one.name(), one)).collect();
        let policy_of = |name: &str| -> Result<Arc<dyn Policy>, String> {
            match by_name.get(name) {
                Some(ready) => ready
                    .policy()
                    .ok_or_else(|| format!("plugin `{name}` is not a policy: it judges nothing")),
                None => self.plugins.policy(name).map_err(|error| error.to_string()),
            }
        };
        let processes = config.specs(policy_of).map_err(bad)?;
        if !no_restart {
            self.refuse_obstacles(&compared)?;
        }
        Ok(Checked { compared, ready, processes })
    }

    /// Refuses to restart a process that runs and could not start again: its program, directory or environment file is missing.
    fn refuse_obstacles(&self, compared: &Compared) -> Result<(), ConfigRefusal> {
        let Compared { config, running, plan, .. } = compared;
        let restarted = plan.restarted();
        let all = running.processes.iter().filter(|one| restarted.contains(&*one.name));
        let living: HashSet<&str> = all
            .filter(|one| one.members.iter().any(|member| self.lives(&member.name)))
            .map(|one| &*one.name)
            .collect();
        let drafts = config.drafts();
        let concerned = drafts.iter().filter(|draft| living.contains(&*draft.spec.name));
        let problems: Vec<Problem> = concerned
            .flat_map(|draft| {
                obstacles(&draft.spec, &config.settings.cgroups).into_iter().map(|obstacle| Problem {
                    span: draft.span.clone(),
                    what: format!(
                        "`{}` would be restarted and could not start: {}",
                        draft.spec.name,
                        obstacle.why()
                    ),
                    hint: "correct it, or use `--no-restart`: the process then keeps running with its old values"
                        .to_owned(),
                })
            })
            .collect();
        refuse(config, problems, ConfigRefusal::BadConfig)
    }

    /// Whether a process has a child.
    fn lives(&self, name: &str) -> bool {
        let id = self.supervisor.reader().look().id(name);
        id.is_some_and(|id| self.supervisor.spawned_with(id).is_some())
    }

    /// Makes and tries the plugins that are new or have changed.
    fn rehearsed(&self, config: &Config, plan: &Plan) -> Result<Vec<Ready>, ConfigRefusal> {
        let world = self.supervisor.reader().snapshot();
        let concerned = |name: &str| {
            plan.plugins.iter().any(|(of, changed)| of == name && !matches!(changed, Changed::Removed { .. }))
        };
        let (mut ready, mut problems) = (Vec::new(), Vec::new());
        let specs = || config.plugins().filter(|spec| concerned(&spec.name));
        // They stay in the cache until all plugins are made.
        let together = FetchedTogether::of(specs().map(|spec| &spec.source), self.plugins.remote());
        for spec in specs() {
            if let Some(error) = together.error(&spec.source) {
                problems.push(plugins::problem(config, &spec.name, &error.into()));
                continue;
            }
            match self.plugins.rehearse(spec.clone(), &world) {
                Ok(one) => ready.push(one),
                Err(Unfit::Load(error)) => problems.push(plugins::problem(config, &spec.name, &error)),
                Err(unfit) => {
                    let hint = match &unfit {
                        Unfit::LacksRole { .. } => "give the new one another name, or start the host anew",
                        _ => "`provost plugin inspect` shows what a component asks for",
                    };
                    let found = config.refusal_problems(&spec.name, unfit.to_string(), hint.to_owned());
                    problems.extend(found);
                }
            }
        }
        refuse(config, problems, ConfigRefusal::BadConfig).map(|()| ready)
    }
}

/// Refuses the config if there are problems, as what `refusal` makes of the whole report.
fn refuse(
    config: &Config,
    problems: Vec<Problem>,
    refusal: fn(ConfigReport) -> ConfigRefusal,
) -> Result<(), ConfigRefusal> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(refusal(reported(&config.problems(problems)))),
    }
}

fn reported(problems: &Problems) -> ConfigReport {
    ConfigReport { whole: problems.to_string(), without_lines: problems.without_lines() }
}

/// Returns what the config changes that cannot change while the host runs.
fn new_host_needed(config: &Config, plan: &Plan) -> Vec<Problem> {
    let fixed = plan.host.iter().filter(|change| change.effect == Effect::NewHost);
    fixed
        .map(|change| {
            let value = |setting: &Option<difference::Setting>| {
                setting.as_ref().map_or_else(|| "not set".to_owned(), |setting| setting.text.clone())
            };
            let (old, new) = (value(&change.old), value(&change.new));
            let what = match old == new {
                true => format!("`{}` cannot change while the host runs, and what {old} holds has changed", change.key),
                false => format!(
                    "`{}` cannot change while the host runs: the host has {old}, and the config {new}",
                    change.key
                ),
            };
            let hint = "write it as it was; or start the host anew, by `provost down` with the former config and `provost up`";
            Problem { span: config.source().place_of_key(&change.key), what, hint: hint.to_owned() }
        })
        .collect()
}
