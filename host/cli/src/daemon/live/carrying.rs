//! Carries out a reload that was checked, in this order: settings of the host, plugins, changes in place, replica sets, new
//! processes (which are not started yet), removals, restarts, starts, and plugins that go. A step that fails is reported, and the
//! others go on: what is in force is asked of the supervisor and of the plugin host, so that the next reload does what remains.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use provost_api::ReloadStepKind as Kind;
use provost_control::{Awaited, RulesInForce};
use provost_plugin_host::{PluginHost, Ready};
use provost_state::naming::replica_name;
use provost_state::{Cause, Desired, Noted, Phase, PluginNote, Plugins, ProcessId, ProcessState, Routing};
use provost_supervisor::{
    Motive, NotAdded, NotScaled, ProcessSpec, Refusal, ReplicaCount, ReplicaSet, Supervisor,
};

use super::checked::{Checked, Compared};
use super::in_force::InForce;
use super::noting::Noting;
use super::steps::Steps;
use super::targets::{Target, have_changed, in_dependency_order, listed, summary, targets};
use crate::config::Config;
use crate::difference::{Changed, Plan};
use crate::render::humane::counted;

/// Everything that carrying out needs.
pub(super) struct Carrying {
    pub(super) supervisor: Supervisor,
    pub(super) plugins: PluginHost,
    pub(super) rules: RulesInForce,
    pub(super) steps: Steps,
    pub(super) no_restart: bool,
}

impl Carrying {
    /// Carries everything out, and reports the last step. Before that, `complete` is called if nothing has failed.
    pub(super) async fn run(
        mut self,
        checked: Checked,
        in_force: &Mutex<InForce>,
        complete: impl FnOnce(),
        noting: &Noting,
    ) {
        let Checked { compared, ready, processes } = checked;
        // Processes may be down that are about to be replaced or started.
        let _changing = self.supervisor.changing();
        self.steps.checked(summary(&compared.plan));
        self.settings(&compared, in_force);
        self.put_in_force(&ready);
        let targets = targets(&self.supervisor, processes.specs, &compared);
        // Before the sets, which start replicas: those have their new values then.
        let before = self.reconfigure(&targets).await;
        self.sets(&processes.replica_sets, &compared.plan).await;
        let new: Vec<usize> = (0..targets.len()).filter(|at| targets[*at].id.is_none()).collect();
        let mut added = self.add(&targets, &new);
        let replaced = self.remove(&targets, &processes.replica_sets).await;
        added.extend(self.add(&targets, &replaced));
        self.arrange(&compared.config, &targets, &processes.replica_sets);
        let order = in_dependency_order(&targets);
        if !self.no_restart {
            self.restart(&targets, &order, &before).await;
        }
        self.start(&targets, &order, &added).await;
        self.unload(&compared.plan);
        if !self.steps.has_failed() {
            in_force.lock().loaded = Arc::new(compared.wanted);
            complete();
            noting.reloaded().await;
        } else {
            noting.again().await;
        }
        self.supervisor.note(|| Noted::Reload { outcome: self.steps.outcome().into() });
        self.steps.done();
    }

    /// Puts the settings of the host into force.
    fn settings(&mut self, compared: &Compared, in_force: &Mutex<InForce>) {
        let settings = &compared.config.settings;
        if compared.plan.host.is_empty() {
            return;
        }
        self.supervisor.retune(settings);
        let Routing { backend, rollout } = settings.routing;
        self.supervisor.reroute(|_| Routing { backend, rollout });
        let api = &compared.config.api;
        self.rules.set(api.rules.clone());
        let mut in_force = in_force.lock();
        in_force.supervising = settings.clone();
        in_force.host.api = api.clone();
        in_force.host.compile_wait_ms = compared.config.compile_wait_ms;
        for change in &compared.plan.host {
            let new = change.new.as_ref().map_or("its default", |new| &new.text);
            self.steps.host(format!("{} is {new} now", change.key));
        }
    }

    /// Puts plugins into force that were made and tried.
    fn put_in_force(&mut self, ready: &[Ready]) {
        for one in ready {
            let name = one.name();
            let consumed = Plugins::consumer(&self.plugins, name).is_some();
            let report = match self.plugins.enact(one) {
                Ok(report) => report,
                Err(error) => {
                    let what = "it is not in force";
                    self.steps.failed(None, Some(name), what, format!("plugin `{name}`: {error}"));
                    continue;
                }
            };
            let (action, word) = match one.is_new() {
                true => ("load", "loaded"),
                false => ("swap", "replaced by a new version"),
            };
            self.supervisor.note(|| Noted::Plugin(PluginNote::new(name, action, Some(&report))));
            if let Some(consumer) = Plugins::consumer(&self.plugins, name).filter(|_| !consumed) {
                self.supervisor.consume(consumer);
            }
            self.steps.plugin(name, word.to_owned());
        }
    }

    /// Unloads the plugins that the config does not have.
    fn unload(&mut self, plan: &Plan) {
        for (name, changed) in &plan.plugins {
            if !matches!(changed, Changed::Removed { .. }) {
                continue;
            }
            self.supervisor.remove_policy(name);
            match Plugins::unload(&self.plugins, name) {
                Ok(_) => {
                    self.supervisor.note(|| Noted::Plugin(PluginNote::new(name, "unload", None)));
                    self.steps.plugin(name, "unloaded".to_owned());
                }
                Err(refusal) => {
                    self.steps.failed(None, Some(name), "it is not unloaded", refusal.to_string());
                }
            }
        }
    }

    /// Adds the replica sets that are new, and changes those that differ.
    async fn sets(&mut self, wanted: &[ReplicaSet], plan: &Plan) {
        let there: HashMap<Arc<str>, ReplicaCount> =
            self.supervisor.replica_sets().into_iter().map(|set| (set.name.clone(), set)).collect();
        let changed: HashMap<&str, &Changed> =
            plan.processes.iter().map(|(name, changed)| (name.as_str(), changed)).collect();
        for set in wanted {
            let done = match (there.get(&set.name), changed.get(&*set.name)) {
                (None, _) => self.supervisor.add_set(set.clone()),
                (Some(before), Some(changed)) => self.change_set(before, set, changed).await,
                (Some(_), None) => continue,
            };
            if let Err(error) = done {
                let why = error.to_string();
                self.steps.failed(Some(&set.name), None, "its replicas are not changed", why);
            }
        }
    }

    /// Changes a replica set, and reports that and which replicas it starts.
    async fn change_set(
        &mut self,
        before: &ReplicaCount,
        set: &ReplicaSet,
        changed: &Changed,
    ) -> Result<(), NotScaled> {
        let world = self.supervisor.reader().snapshot();
        let after = self.supervisor.reconfigure_set(set.clone()).await?;
        if after.wanted != before.wanted {
            let many = counted(after.wanted.into(), "replica");
            let message = format!("{many} wanted, before {}", before.wanted);
            self.steps.process(Kind::Changed, &set.name, message);
        } else if let Changed::Keys(keys) = changed {
            let of_set: Vec<&str> =
                keys.iter().map(|change| &*change.key).filter(|key| key.starts_with("replicas")).collect();
            if !of_set.is_empty() {
                self.steps.process(
                    Kind::Changed,
                    &set.name,
                    format!("changed in place: {}", listed(&of_set)),
                );
            }
        }
        let now = self.supervisor.reader().snapshot();
        for number in before.wanted + 1..=after.wanted {
            let name = replica_name(&set.name, number);
            let both = world.by_name(&name).and_then(|was| Some((was, now.get(was.id)?)));
            // One that was stopped by hand stays down.
            let is_started = |(was, is): &(&Arc<ProcessState>, &Arc<ProcessState>)| {
                (was.desired, is.desired) == (Desired::Down, Desired::Up)
            };
            if let Some((was, _)) = both.filter(is_started) {
                self.steps.started(Kind::Started, &name, "started".to_owned(), awaited(was));
            }
        }
        Ok(())
    }

    /// Adds processes, without starting them. Returns their names.
    fn add(&mut self, targets: &[Target], which: &[usize]) -> HashSet<Arc<str>> {
        let specs: Vec<ProcessSpec> =
            which.iter().filter_map(|at| targets.get(*at)).map(|target| target.spec.clone()).collect();
        if specs.is_empty() {
            return HashSet::new();
        }
        let names: Vec<Arc<str>> = specs.iter().map(|spec| spec.name.clone()).collect();
        let added = if add_fails() { Err(NotAdded::ShuttingDown) } else { self.supervisor.add(specs) };
        match added {
            Ok(_) => {
                for name in &names {
                    self.steps.process(Kind::Added, name, "added".to_owned());
                }
                names.into_iter().collect()
            }
            Err(error) => {
                for name in &names {
                    self.steps.failed(Some(name), None, "it is not added", error.to_string());
                }
                HashSet::new()
            }
        }
    }

    /// Changes in place what differs and can be changed in place. Returns the states from before.
    async fn reconfigure(&mut self, targets: &[Target]) -> HashMap<ProcessId, Arc<ProcessState>> {
        let world = self.supervisor.reader().snapshot();
        let mut before = HashMap::new();
        for target in targets.iter().filter(|target| !target.keys.is_empty()) {
            let Some(state) = target.id.and_then(|id| world.get(id)) else { continue };
            if target.is_replaced() && !self.no_restart {
                continue;
            }
            before.insert(state.id, state.clone());
            // What is postponed keeps its identity.
            let spec = ProcessSpec {
                group: state.identity.group.clone(),
                process_type: state.identity.process_type.clone(),
                ..target.spec.clone()
            };
            let name = target.name();
            match self.supervisor.reconfigure(state.id, spec).await {
                Err(refusal) => {
                    before.remove(&state.id);
                    self.steps.failed(Some(name), None, "it is not changed", refusal.to_string());
                }
                Ok(()) => {
                    if target.is_replaced() {
                        self.supervisor.postpone(state.id, &target.spec);
                    }
                    self.tell_changed(target, state);
                }
            }
        }
        before
    }

    /// Reports a change in place, unless a restart follows and is reported.
    fn tell_changed(&mut self, target: &Target, state: &ProcessState) {
        let (name, restart) = (target.name(), target.for_restart());
        let lives = self.supervisor.spawned_with(state.id).is_some();
        if target.is_replaced() {
            // Only with `--no-restart`. No start changes its identity.
            let old = listed(&restart);
            let message = format!("it has its old {old} until a reload without `--no-restart`");
            self.steps.process(Kind::Postponed, name, message);
        } else if restart.is_empty() || !lives {
            self.steps.process(Kind::Changed, name, format!("changed in place: {}", target.all_keys()));
        } else if self.no_restart {
            let message = format!("it has its old {} until its next start", listed(&restart));
            self.steps.process(Kind::Postponed, name, message);
        }
    }

    /// Removes the processes that the config does not have, dependents first, and those that are replaced. Returns the places of
    /// the latter among the targets.
    async fn remove(&mut self, targets: &[Target], sets: &[ReplicaSet]) -> Vec<usize> {
        let world = self.supervisor.reader().snapshot();
        let wanted: HashSet<&str> = targets.iter().map(|target| &**target.name()).collect();
        let gone = world.iter().filter(|state| !wanted.contains(&**state.name()));
        let reason: Arc<str> = Arc::from("removed by a reload: the config does not have it any more");
        let mut leaving: Vec<(ProcessId, Arc<str>)> = gone.map(|state| (state.id, reason.clone())).collect();
        let mut replaced = Vec::new();
        for (at, target) in targets.iter().enumerate() {
            let goes = target.is_leaving || target.is_replaced() && !self.no_restart;
            if let Some(id) = target.id.filter(|_| goes) {
                let why = match target.is_leaving {
                    true => "it was being removed already".to_owned(),
                    false => have_changed(&target.for_restart()),
                };
                leaving.push((id, format!("replaced by a reload: {why}").into()));
                replaced.push(at);
            }
        }
        let names: HashMap<ProcessId, Arc<str>> =
            leaving.iter().filter_map(|(id, _)| Some((*id, world.get(*id)?.name().clone()))).collect();
        for (id, name) in &names {
            let message = match self.supervisor.is_leaving(*id) {
                true => "it is being removed already, and its end is waited for",
                false => "it is stopped, to be removed",
            };
            self.steps.process(Kind::Removing, name, message.to_owned());
        }
        if !leaving.is_empty() {
            let mut results = self.supervisor.remove_in_order(leaving);
            while let Some((id, removed)) = results.recv().await {
                let name = names.get(&id).cloned().unwrap_or_default();
                match removed {
                    Ok(()) | Err(Refusal::Removed) => {
                        self.steps.process(Kind::Removed, &name, "removed".to_owned());
                    }
                    Err(refusal) => {
                        self.steps.failed(Some(&name), None, "it is not removed", refusal.to_string());
                        replaced.retain(|at| targets.get(*at).is_none_or(|target| target.id != Some(id)));
                    }
                }
            }
        }
        self.remove_sets(sets);
        replaced
    }

    /// Removes the replica sets that the config does not have.
    fn remove_sets(&mut self, sets: &[ReplicaSet]) {
        for set in self.supervisor.replica_sets() {
            if sets.iter().all(|wanted| wanted.name != set.name)
                && let Err(error) = self.supervisor.remove_set(&set.name)
            {
                self.steps.failed(Some(&set.name), None, "its replicas are not removed", error.to_string());
            }
        }
    }

    /// Sets the order of the config.
    fn arrange(&self, config: &Config, targets: &[Target], sets: &[ReplicaSet]) {
        let mut names: Vec<Arc<str>> = targets.iter().map(|target| target.name().clone()).collect();
        names.extend(sets.iter().map(|set| set.name.clone()));
        self.supervisor.arrange(&names);
        let plugins: Vec<Arc<str>> = config.plugins().map(|plugin| plugin.name.clone()).collect();
        self.plugins.arrange(&plugins);
    }

    /// Restarts what runs with old values, and starts what has ended for good with them.
    async fn restart(
        &mut self,
        targets: &[Target],
        order: &[usize],
        before: &HashMap<ProcessId, Arc<ProcessState>>,
    ) {
        for target in order.iter().filter_map(|at| targets.get(*at)) {
            let keys = target.for_restart();
            let Some(state) = target.id.filter(|_| !keys.is_empty()).and_then(|id| before.get(&id)) else {
                continue;
            };
            let (id, name) = (state.id, target.name());
            if self.has_new_values(id) {
                continue;
            }
            let why = have_changed(&keys);
            let awaited = awaited(state);
            let motive = Motive::because(Cause::Reload, format!("restarted by a reload: {why}"));
            match self.supervisor.renew(id, motive).await {
                Ok(()) => self.steps.started(Kind::Restarted, name, format!("restarted: {why}"), awaited),
                Err(Refusal::NotRunning) => {
                    let is_over = matches!(state.phase, Phase::Fatal | Phase::Exited { settled: true });
                    if is_over && self.supervisor.is_autostarted(id) {
                        let reason = format!("started by a reload: {why}");
                        self.start_one(id, name, reason, awaited).await;
                    }
                }
                Err(refusal) => {
                    self.steps.failed(Some(name), None, "it is not restarted", refusal.to_string());
                }
            }
        }
    }

    /// Whether the child was spawned since the process was changed in place, so that it has all values of the config.
    fn has_new_values(&self, id: ProcessId) -> bool {
        let both = self.supervisor.spawned_with(id).zip(self.supervisor.spec(id));
        both.is_some_and(|(then, now)| Arc::ptr_eq(&then.spec, &now))
    }

    /// Starts what was added, and what is started with the host from now on and has never been told to be down.
    async fn start(&mut self, targets: &[Target], order: &[usize], added: &HashSet<Arc<str>>) {
        let world = self.supervisor.reader().snapshot();
        for target in order.iter().filter_map(|at| targets.get(*at)) {
            let name = target.name();
            let is_new = added.contains(name);
            let now_wanted = target.keys.iter().any(|(key, _)| key == "autostart");
            let Some(state) = world.by_name(name).filter(|_| is_new || now_wanted) else { continue };
            let rests = state.phase == Phase::Stopped && !matches!(state.cause, Cause::User | Cause::Api);
            if !rests || !self.supervisor.is_autostarted(state.id) {
                continue;
            }
            let reason = match is_new {
                true => "added by a reload".to_owned(),
                false => "started by a reload: autostart has changed".to_owned(),
            };
            self.start_one(state.id, name, reason, awaited(state)).await;
        }
    }

    async fn start_one(&mut self, id: ProcessId, name: &str, reason: String, awaited: Awaited) {
        match self.supervisor.start(id, Motive::because(Cause::Reload, reason)).await {
            Ok(()) => self.steps.started(Kind::Started, name, "started".to_owned(), awaited),
            Err(refusal) => self.steps.failed(Some(name), None, "it is not started", refusal.to_string()),
        }
    }
}

/// Returns what is waited for when a process is started that is in this state before.
fn awaited(state: &ProcessState) -> Awaited {
    Awaited { id: state.id, incarnation: state.incarnation, version: state.version }
}

/// Whether a test lets an addition fail.
fn add_fails() -> bool {
    fail::fail_point!("reload.add", |_| true);
    false
}
