//! From a start request to the spawn: the dependencies, the start policies, the spawn itself.

use std::sync::Arc;

use provost_state::{
    Cause, Event, Incarnation, Judgement, Phase, PhaseKind, Plan, Ruling, StartAction, failsafe,
};
use tokio::sync::oneshot;

use super::attempt::Launching;
use super::heard::Heard;
use super::kept::Kept;
use super::standing::Step;
use super::task::{Beyond, Own, Runner};
use crate::children::probe::{self, Checked};
use crate::children::spawned_with::SpawnedWith;
use crate::children::{Child, LifeEnv};
use crate::decider::{StartCase, Verdict, seed};
use crate::groups::{Gate, gate};
use crate::stash::Life;

/// Returns the reason of a restart that was decided.
pub(super) fn restarted_by(ruling: &Ruling) -> Arc<str> {
    Arc::from(format!("restarted by {}: {}", ruling.by, ruling.reason))
}

impl Runner {
    /// Whether only its dependencies may keep the process from being spawned.
    pub(super) fn waits_for_others(&self) -> bool {
        self.state.phase == Phase::Waiting && self.may_launch()
    }

    fn may_launch(&self) -> bool {
        self.standing.is_plain() && self.permission.is_none() && self.adoption.is_none()
    }

    /// Spawns if the dependencies and the start policies allow it; commits what the process waits for otherwise.
    pub(super) fn launch_if_open(&mut self) {
        let due = matches!(self.state.phase, Phase::Waiting | Phase::Backoff { .. }) && self.may_launch();
        if due && self.is_open() {
            self.ask_to_start();
        }
    }

    /// Returns true if nothing is in the way of the spawn; commits what is otherwise.
    fn is_open(&mut self) -> bool {
        if self.shared.closing() {
            // A process that was about to start has no child to signal.
            let _ = self.stop(Cause::Shutdown, Arc::from("the host is shutting down"));
            return false;
        }
        self.changed.mark_unchanged();
        let gate = gate(&self.spec.depends_on, &self.shared.publisher.reader().look());
        match gate {
            Gate::Open => true,
            Gate::Shut(why) => {
                self.wait(Cause::Dependency, why.into());
                false
            }
        }
    }

    /// Commits what the process waits for, if that is news.
    fn wait(&mut self, cause: Cause, reason: Arc<str>) {
        if self.state.phase != Phase::Waiting || self.state.reason != reason {
            self.commit_now(&Event::Wait { cause, reason });
        }
    }

    fn ask_to_start(&mut self) {
        let chain = self.record.chain.load_full();
        if !chain.iter().any(|policy| policy.judges(Judgement::Start)) {
            self.launch(Arc::default(), None);
            return;
        }
        let now = self.shared.publisher.now();
        let asked_first = *self.attempt.asked_first.get_or_insert(now);
        let state = &self.state;
        let plan = Plan {
            name: state.name().clone(),
            group: state.group().clone(),
            incarnation: state.incarnation.next(),
            cause: self.attempt.cause,
            waited_ms: now.ms_since(asked_first),
            failures: state.failures,
            now,
            seed: seed(&self.spec.name, state.incarnation.next().0, now),
        };
        let case = StartCase { plan, world: self.shared.publisher.reader().snapshot() };
        let shared = self.shared.clone();
        let permission = async move { shared.decider.ask(&chain, case).await };
        self.permission = Some((state.incarnation, Box::pin(permission)));
    }

    pub(super) fn on_permitted(&mut self, incarnation: Incarnation, verdict: &Verdict<StartAction>) {
        let startable = matches!(self.state.phase, Phase::Waiting | Phase::Backoff { .. });
        if incarnation != self.state.incarnation || !startable || !self.standing.is_plain() {
            return;
        }
        let told: Arc<str> = verdict.told().into();
        match &verdict.action {
            // A dependency may have changed meanwhile; then the policies are asked again once it is met.
            StartAction::Allow { env } if self.is_open() => {
                let env = env.as_slice().into();
                let said = *verdict.by != *failsafe::NAME || verdict.overruled.is_some();
                self.launch(env, said.then_some(told));
            }
            StartAction::Allow { .. } => {}
            StartAction::Wait { delay_ms } => {
                let until = self.shared.publisher.now().plus_ms(*delay_ms);
                self.attempt.waited = true;
                self.step(Step::Defer(until));
                self.wait(Cause::Policy, told);
            }
            StartAction::Refuse => {
                self.commit_now(&Event::Refused { reason: told });
            }
        }
    }

    /// Begins the spawn. The runner goes on listening: the end of the spawn is an input.
    fn launch(&mut self, env: LifeEnv, allowed: Option<Arc<str>>) {
        let before = self.state.incarnation;
        let incarnation = before.next();
        let spec = self.spec.clone();
        let pending = self.shared.spawner.spawn(spec.clone(), incarnation, env.clone(), self.past.take());
        let reason = self.why_now(allowed);
        self.launching = Some(Launching { before, spec, pending, env, reason, outcome: None });
        self.step(Step::Spawn);
    }

    /// Returns a receiver for the line of output that makes the process ready. Must be called before the output is
    /// read.
    pub(super) fn await_text(&self, incarnation: Incarnation) -> Option<oneshot::Receiver<()>> {
        let text = probe::awaited_text(&self.spec.ready.as_ref()?.check, &self.vars)?.ok()?;
        Some(self.shared.logs.await_text(self.state.id, incarnation, &text))
    }

    pub(super) fn on_spawned(&mut self) {
        let Some(launching) = self.launching.take() else { return };
        let Launching { before, spec, env, reason, outcome: Some(spawned), .. } = launching else {
            return;
        };
        self.step(Step::Spawned);
        match spawned {
            Ok(Child { pid, exit, output, notices, vars, given }) => {
                let incarnation = before.next();
                self.child = Some(Own { incarnation, pid, exit: Kept::new(exit), ended_at: None });
                self.heard = Heard::of(incarnation, notices);
                // It may have been changed during the spawn.
                if !Arc::ptr_eq(&spec, &self.spec) {
                    self.shared.spawner.reconfigure(pid, &self.spec);
                }
                (self.env, self.vars) = (env.clone(), vars);
                let spawned = Arc::new(SpawnedWith { incarnation, spec, env, given });
                self.record.spawned.store(Some(spawned.clone()));
                self.record.tried.forget();
                let text_seen = self.await_text(incarnation);
                self.capture(incarnation, output);
                self.fault_once_spawned();
                let said = self.beyond_spawn(spawned);
                self.commit_with(before, &Event::Spawned { pid, reason }, said);
                if self.state.phase.kind() == PhaseKind::Starting {
                    self.watch_readiness(incarnation, text_seen);
                }
            }
            Err(error) => {
                if self.commit(before, &Event::SpawnFailed { error }) {
                    self.ask(false, None);
                }
            }
        }
    }

    /// Lets a test make this runner panic when it has a child and has not committed that, by the name of the process.
    fn fault_once_spawned(&self) {
        fail::fail_point!("runner.spawned", |name| {
            #[expect(clippy::panic, reason = "compiled in only with fail points, which a test asks for")]
            if name.is_none_or(|name| *name == *self.spec.name) {
                panic!("a panic on purpose");
            }
        });
    }

    /// Returns what is written down with the commit of a spawn.
    pub(super) fn beyond_spawn(&self, spawned: Arc<SpawnedWith>) -> Beyond {
        Beyond { life: self.life(&spawned), spawned: Some(spawned), ..Beyond::default() }
    }

    /// Returns what another host has to know of the child that was spawned with this; `None` if nothing is written down.
    fn life(&self, spawned: &SpawnedWith) -> Option<Life> {
        self.shared.publisher.stash()?;
        let SpawnedWith { incarnation, spec, env, .. } = spawned;
        Some(Life {
            incarnation: *incarnation,
            spec: spec.digest_at_spawn(),
            env: env.to_vec(),
            vars: self.vars.to_vec(),
            stop_signal: spec.stop_signal,
            stop_to: spec.stop_to,
            escaped: spec.escaped,
            stop_grace_ms: spec.stop_grace_ms,
        })
    }

    /// Returns why the process is spawned at this moment.
    fn why_now(&self, allowed: Option<Arc<str>>) -> Arc<str> {
        let why = match (&self.state.phase, &self.state.decision, self.state.cause) {
            (Phase::Backoff { .. }, Some(ruling), _) => restarted_by(ruling),
            (_, _, Cause::Policy) if self.attempt.waited => Arc::from("its start policies no longer object"),
            (_, _, Cause::Dependency) => Arc::from("its dependencies are ready"),
            _ => self.state.reason.clone(),
        };
        let why = match allowed {
            Some(allowed) => Arc::from(format!("{why}; allowed: {allowed}")),
            None => why,
        };
        match &self.spec.ready {
            Some(ready) => Arc::from(format!("{why}; it will be ready when {}", ready.check)),
            None => why,
        }
    }

    /// Returns what the checks of this life need.
    pub(super) fn checked(&self) -> Checked {
        let spawned = self.record.spawned.load_full();
        let spec = spawned.map_or_else(|| self.spec.clone(), |spawned| spawned.spec.clone());
        Checked {
            is_reconfigured: !Arc::ptr_eq(&spec, &self.spec),
            spec,
            incarnation: self.state.incarnation,
            env: self.env.clone(),
            pid: self.state.pid(),
            vars: self.vars.clone(),
            spawner: self.shared.spawner.clone(),
            helpers: self.shared.helpers.clone(),
            resolver: self.shared.resolver.clone(),
            reading: self.shared.jobs.reading.clone(),
            turn: self.check_turn.clone(),
        }
    }
}
