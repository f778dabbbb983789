//! What a runner takes over from the one of a former host, and how it goes on from there. Nothing is done before the host
//! has started: its readers of output come first.
//!
//! A life is spawned once: a child that is held is taken over, and only without one is anything spawned. An end is decided
//! once: what was decided was written down before anything was done about it, and what was not is asked now.

use std::sync::Arc;

use provost_state::{Cause, Desired, Event, Exit, Incarnation, Phase, PhaseKind};

use super::adopted::Adoption;
use super::attempt::Attempt;
use super::heard::Heard;
use super::kept::Kept;
use super::standing::{Standing, Step};
use super::task::{Beyond, Own, Runner};
use crate::adoption::Held;
use crate::children::spawned_with::SpawnedWith;
use crate::children::{Boxed, Child, LifeEnd, Output, Past};
use crate::gave::Given;
use crate::spec::ProcessSpec;
use crate::stash::{Aside, AtSpawn, Beside};

impl Runner {
    /// Makes the runner go on where that of a former host was, when it is told to.
    pub(crate) fn adopt(&mut self, adoption: Adoption) {
        self.adoption = Some(adoption);
    }

    /// Goes on where the runner of a former host was.
    pub(super) fn go_on(&mut self) {
        let Some(adoption) = self.adoption.take() else { return };
        let Adoption { held, unwanted, life, aside, at_spawn, given, counted, why } = adoption;
        self.aside = aside.clone();
        let Aside { beside, was_ready, again } = aside;
        self.standing = Standing::resumed(&self.state.phase, beside.clone());
        if let Some(life) = life {
            (self.env, self.vars) = (life.env.into(), life.vars.into());
        }
        self.end_unwanted(unwanted, held.is_some());
        match held {
            Some(held) => self.take_in(held, (at_spawn, given), &why),
            None if self.state.phase.kind().is_live() => {
                // It ended, and nobody saw how.
                return self.on_exited(self.state.incarnation, Exit::Unobserved.into());
            }
            None => {}
        }
        if again && self.state.desired == Desired::Down {
            let (cause, reason) = (self.state.cause, self.state.reason.clone());
            if !self.shared.closing() && self.want_up(cause, reason) && beside == Beside::Held {
                self.step(Step::Hold);
            }
        }
        self.go_on_from_phase(was_ready, &beside);
        self.checkup.go_on(&counted, self.state.incarnation);
    }

    /// Takes over a child, which may have ended meanwhile.
    fn take_in(&mut self, held: Held, then: (Option<AtSpawn>, Given), why: &str) {
        let (incarnation, pid, started_at) = (held.incarnation, held.pid, held.started_at);
        let ended_at = held.ended.as_ref().map(|end| end.at);
        let is_unannounced = incarnation == self.state.incarnation.next();
        let is_starting = is_unannounced || self.state.phase.kind() == PhaseKind::Starting;
        let text_seen = if is_starting { self.await_text(incarnation) } else { None };
        let (at_spawn, given) = then;
        let spec = self.spawned_by(at_spawn);
        let Child { exit, output, notices, .. } = self.shared.spawner.adopt(spec.clone(), held, true);
        self.child = Some(Own { incarnation, pid, exit: Kept::new(exit), ended_at });
        self.heard = Heard::of(incarnation, notices);
        let env = self.env.clone();
        let spawned = Arc::new(SpawnedWith { incarnation, spec, env, given });
        self.record.spawned.store(Some(spawned.clone()));
        self.capture(incarnation, output);
        if is_unannounced {
            let reason = Arc::from(format!("started by the former host, and taken over: {why}"));
            let said = Beyond { at: Some(started_at), ..self.beyond_spawn(spawned) };
            self.commit_with(self.state.incarnation, &Event::Spawned { pid, reason }, said);
        } else if ended_at.is_none() {
            self.commit_now(&Event::TakenOver { reason: Arc::from(format!("taken over: {why}")) });
        }
        if self.state.phase.kind() == PhaseKind::Starting {
            self.watch_readiness(incarnation, text_seen);
            self.allow_time_anew();
        }
    }

    /// Returns the spec that a child was spawned with, where it may differ from the one in force in these parts.
    fn spawned_by(&self, at_spawn: Option<AtSpawn>) -> Arc<ProcessSpec> {
        let other = at_spawn.filter(|then| then.digest != self.spec.digest_at_spawn());
        match other.map(|then| then.over(&self.spec)) {
            Some(Ok(spec)) => Arc::new(spec),
            Some(Err(error)) => {
                tracing::warn!(process = &*self.spec.name, %error, "what its child was started with cannot be read");
                self.spec.clone()
            }
            None => self.spec.clone(),
        }
    }

    /// Reads the output of a child, if it is captured.
    pub(super) fn capture(&self, incarnation: Incarnation, output: Option<Output>) {
        if let Some(output) = output {
            self.shared.logs.capture(self.state.id, incarnation, output);
        }
    }

    fn go_on_from_phase(&mut self, was_ready: bool, beside: &Beside) {
        match &self.state.phase {
            Phase::Waiting => {
                self.attempt = Attempt::new(self.state.cause);
                self.launch_if_open();
            }
            Phase::Running { .. } => self.go_on_running(),
            Phase::Stopping { .. } => self.go_on_ending(),
            Phase::Exited { settled: false } => self.ask(was_ready, None),
            Phase::Backoff { .. } => {
                self.attempt = Attempt::new(Cause::Policy);
                // The supervisor lets its group go on.
                if self.state.decision.as_ref().is_some_and(|ruling| ruling.restarts_others()) {
                    self.step(Step::Hold);
                }
            }
            Phase::Stopped => {
                if let Beside::Fatal(reason) = beside {
                    self.commit_now(&Event::Refused { reason: reason.clone() });
                }
            }
            Phase::Starting { .. } | Phase::Exited { settled: true } | Phase::Fatal => {}
        }
    }

    /// Ends children that are not to be. Without another child, nothing is spawned before they are gone.
    fn end_unwanted(&mut self, unwanted: Vec<Held>, has_child: bool) {
        let mut ends: Vec<(Incarnation, Boxed<LifeEnd>)> = Vec::new();
        for held in unwanted {
            let (incarnation, pid) = (held.incarnation, held.pid);
            if held.ended.is_some() {
                // What followed from it is written down. What it has written last may not be, and something of it may be left in its
                // cgroup.
                let past = Past::new(self.shared.spawner.clone(), self.spec.name.clone(), incarnation);
                let Child { exit, output, .. } = self.shared.spawner.adopt(self.spec.clone(), held, false);
                self.capture(incarnation, output);
                self.shared.runtime.spawn(async move {
                    exit.await;
                    drop(past);
                });
                continue;
            }
            tracing::warn!(process = &*self.spec.name, pid, "ends a child that a former host has abandoned");
            let Child { exit, output, .. } = self.shared.spawner.adopt(self.spec.clone(), held, false);
            self.capture(incarnation, output);
            if let Err(error) = self.shared.spawner.kill(pid) {
                tracing::warn!(process = &*self.spec.name, %error, "cannot kill");
            }
            ends.push((incarnation, exit));
        }
        if ends.is_empty() {
            return;
        }
        let (shared, name) = (self.shared.clone(), self.spec.name.clone());
        let gone = Box::pin(async move {
            for (incarnation, exit) in ends {
                exit.await;
                shared.spawner.forget(&name, incarnation);
            }
        });
        if has_child || self.state.phase.kind().is_live() {
            self.shared.runtime.spawn(gone);
        } else {
            self.late = Some(Kept::new(gone));
            self.standing = Standing::Late(self.standing.lasting());
        }
    }
}
