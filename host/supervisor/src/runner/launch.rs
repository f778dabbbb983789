//! From wanted to ready: the gate of dependencies, the start policies, the spawn, and the check of readiness.

use std::sync::Arc;

use provost_state::{Cause, Event, Incarnation, Judgement, Moment, Phase, Plan, failsafe};
use tokio::sync::oneshot;

use super::{Runner, seed};
use crate::children::probe::{self, Checked};
use crate::children::variables;
use crate::decider::{Permission, StartCase, Verdict};
use crate::order::{Gate, gate};

/// An attempt to start it, from the wish to the spawn.
#[derive(Debug)]
pub(super) struct Attempt {
    cause: Cause,
    /// When its start policies were asked first.
    asked_first: Option<Moment>,
    /// When they want to be asked again.
    pub(super) not_before: Option<Moment>,
}

impl Attempt {
    pub(super) fn new(cause: Cause) -> Self {
        Self { cause, asked_first: None, not_before: None }
    }
}

impl Runner {
    /// Is there nothing that keeps it down but what it depends on?
    pub(super) fn waits_for_others(&self) -> bool {
        let free = !self.held && self.permission.is_none() && self.attempt.not_before.is_none();
        free && self.state.phase == Phase::Waiting
    }

    /// Spawns if what it depends on and its start policies allow it; says what it waits for otherwise.
    pub(super) async fn launch_if_open(&mut self) {
        let due = self.waits_for_others()
            || matches!(self.state.phase, Phase::Backoff { .. }) && !self.held && self.permission.is_none();
        if due && self.is_open() {
            self.ask_to_start().await;
        }
    }

    /// Is there nothing in its way? Otherwise it says what.
    fn is_open(&mut self) -> bool {
        if self.shared.closing() {
            // What was about to start when the host began to stop has no child to be told.
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

    /// Says what it waits for, if that is news.
    fn wait(&mut self, cause: Cause, reason: Arc<str>) {
        if self.state.phase != Phase::Waiting || self.state.reason != reason {
            self.commit_now(&Event::Wait { cause, reason });
        }
    }

    async fn ask_to_start(&mut self) {
        let chain = self.chain.load_full();
        if !chain.iter().any(|policy| policy.judges(Judgement::Start)) {
            self.launch(Arc::default(), None).await;
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

    pub(super) async fn on_permitted(&mut self, incarnation: Incarnation, verdict: Verdict<Permission>) {
        let startable = matches!(self.state.phase, Phase::Waiting | Phase::Backoff { .. });
        if incarnation != self.state.incarnation || !startable || self.held {
            return;
        }
        let told: Arc<str> = verdict.told().into();
        match &verdict.action {
            // The world may have changed while they thought; then they are asked again when it is ready.
            Permission::Granted(env) if self.is_open() => {
                let env = env.clone();
                let said = *verdict.by != *failsafe::NAME || verdict.overruled.is_some();
                self.launch(env, said.then_some(told)).await;
            }
            Permission::Granted(_) => {}
            Permission::Later(delay_ms) => {
                self.attempt.not_before = Some(self.shared.publisher.now().plus_ms(*delay_ms));
                self.wait(Cause::Policy, told);
            }
            Permission::Refused => {
                self.commit_now(&Event::Refused { reason: told });
            }
        }
    }

    async fn launch(&mut self, env: probe::LifeEnv, allowed: Option<Arc<str>>) {
        let before = self.state.incarnation;
        let incarnation = before.next();
        let vars = variables::of_life(&self.spec, &[], &env, incarnation);
        let text_seen = match probe::awaited_text(&self.spec, &vars) {
            Some(Ok(text)) => Some(self.shared.logs.await_text(self.state.id, incarnation, &text)),
            _ => None,
        };
        match self.shared.spawner.spawn(self.spec.clone(), incarnation, env.clone()).await {
            Ok(child) => {
                let reason = self.why_now(allowed);
                if let Some(output) = child.output {
                    self.shared.logs.capture(self.state.id, incarnation, output);
                }
                self.env = env;
                self.child = Some((incarnation, child.exit));
                self.commit(before, &Event::Spawned { pid: child.pid, reason });
                self.watch_readiness(incarnation, text_seen);
            }
            Err(error) => {
                if self.commit(before, &Event::SpawnFailed { error }) {
                    self.ask(false);
                }
            }
        }
    }

    /// Why it is spawned at this moment.
    fn why_now(&self, allowed: Option<Arc<str>>) -> Arc<str> {
        let why = match (&self.state.phase, &self.state.decision, self.state.cause) {
            (Phase::Backoff { .. }, Some(ruling), _) => {
                Arc::from(format!("restarted by {}: {}", ruling.by, ruling.reason))
            }
            (_, _, Cause::Dependency) => Arc::from("what it waited for has come"),
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

    fn watch_readiness(&mut self, incarnation: Incarnation, text_seen: Option<oneshot::Receiver<()>>) {
        match self.spec.ready.clone() {
            None => {
                let reason = self.state.reason.clone();
                self.on_ready(incarnation, &reason);
            }
            Some(readiness) => {
                let ready = probe::until_ready(readiness, text_seen, self.checked());
                self.readiness = Some((incarnation, Box::pin(ready)));
            }
        }
    }

    /// Whose checks are made.
    pub(super) fn checked(&self) -> Checked {
        let vars = variables::of_life(&self.spec, &[], &self.env, self.state.incarnation);
        Checked {
            spec: self.spec.clone(),
            env: self.env.clone(),
            pid: self.state.pid(),
            vars,
            helpers: self.shared.helpers.clone(),
            resolver: self.shared.resolver.clone(),
            reading: self.shared.jobs.reading.clone(),
            turn: self.check_turn.clone(),
        }
    }

    pub(super) fn on_ready(&mut self, incarnation: Incarnation, reason: &str) {
        if self.commit(incarnation, &Event::Ready { reason: Arc::from(reason) }) {
            self.begin_checkup();
        }
    }
}
