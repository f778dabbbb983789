//! Another spec for the process, in place: what takes effect at once does so here, and the rest with the next spawn.

use std::sync::Arc;

use provost_state::{Event, Health, PhaseKind};

use super::standing::Step;
use super::task::Runner;
use crate::mailbox::Refusal;
use crate::spec::ProcessSpec;

impl Runner {
    /// Puts `spec` into force, with its policies.
    pub(super) fn reconfigure(&mut self, mut spec: ProcessSpec) -> Result<(), Refusal> {
        if !spec.is_of_same_process(&self.spec) {
            return Err(Refusal::OtherIdentity);
        }
        let (policies, id) = (std::mem::take(&mut spec.policies), self.state.id);
        let spec = Arc::new(spec);
        let before = std::mem::replace(&mut self.spec, spec.clone());
        self.record.chain.store(Arc::new(policies));
        self.record.spec.store(spec.clone());
        // Before anything follows from it: another host does not restart the process for what was changed without that.
        if let Some(stash) = self.shared.publisher.stash() {
            stash.in_force(&self.state, spec.digest_at_spawn());
        }
        self.shared.lineup.replace(id, &spec);
        self.shared.logs.limit(id, spec.log);
        if let Some(pid) = self.state.pid() {
            self.shared.spawner.reconfigure(pid, &spec);
        }
        // What is being spawned would already be out of date.
        let is_outdated = |launched: &ProcessSpec| !launched.changed_at_spawn(&spec).is_empty();
        if self.launching.as_ref().is_some_and(|launching| is_outdated(&launching.spec)) {
            self.step(Step::Renew);
        }
        match self.state.phase.kind() {
            PhaseKind::Starting if before.ready != spec.ready => self.await_anew(),
            // Start policies that have deferred it may be others now.
            PhaseKind::Waiting => {
                self.step(Step::Due);
                self.launch_if_open();
            }
            PhaseKind::Running => {
                if before.health != spec.health {
                    self.check_anew();
                }
                if before.usage_every_ms != spec.usage_every_ms {
                    self.meter_anew();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Begins to wait for readiness anew, with another check.
    fn await_anew(&mut self) {
        let incarnation = self.state.incarnation;
        self.readiness = None;
        self.record.tried.readiness.forget();
        let text_seen = self.await_text(incarnation);
        self.watch_readiness(incarnation, text_seen);
    }

    /// Begins the health checks anew, with another check or without one.
    fn check_anew(&mut self) {
        self.record.tried.health.forget();
        if self.spec.health.is_none() {
            self.checkup.end();
            if self.state.health != Health::Unknown {
                let reason = Arc::from("its health check was removed from the config");
                self.commit_now(&Event::Health { health: Health::Unknown, reason, failing: None });
            }
            return;
        }
        self.begin_checkup();
    }
}
