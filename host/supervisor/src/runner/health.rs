//! The health of a process while it is ready: runs a check, asks the policies what the outcome means, commits that, and
//! repeats.

use std::sync::Arc;
use std::time::Duration;

use provost_state::{Cause, Event, Failing, Health, HealthAction, Incarnation, Observation, PhaseKind};
use tokio::time::Instant;

use super::checkup::Finding;
use super::news::News;
use super::task::Runner;
use crate::children::probe;
use crate::decider::{HealthCase, RestartBudget, Verdict, seed};
use crate::groups::Tried;

impl Runner {
    /// Begins the health checks when the process has become ready, if its spec has a check.
    pub(super) fn begin_checkup(&mut self) {
        self.checkup.end();
        self.checkup.news = News::after(Duration::ZERO);
        self.check_later();
    }

    fn check_later(&mut self) {
        let Some(health) = self.spec.health.clone() else { return };
        let (of, clock) = (self.checked(), self.shared.publisher.clock.clone());
        let finding = async move {
            tokio::time::sleep(Duration::from_millis(health.every_ms.max(1))).await;
            let of = of.knowing(&health.check).await;
            let began = clock.now();
            let outcome =
                probe::once(&health.check, false, health.timeout_ms, &of).await.map_err(|failed| failed.why);
            let outcome = outcome.map(Arc::from);
            Finding::Checked { outcome, took_ms: clock.now().ms_since(began) }
        };
        self.checkup.next = Some((self.state.incarnation, Box::pin(finding)));
    }

    pub(super) fn on_health(&mut self, incarnation: Incarnation, finding: Finding) {
        if incarnation != self.state.incarnation || self.state.phase.kind() != PhaseKind::Running {
            return;
        }
        match finding {
            Finding::Checked { outcome, took_ms } => self.ask_what_it_means(outcome, took_ms),
            Finding::Diagnosed { failed, verdict } => self.on_diagnosed(failed, &verdict),
        }
    }

    /// Asks what the outcome of a check means.
    pub(super) fn ask_what_it_means(&mut self, outcome: Result<Arc<str>, Arc<str>>, took_ms: u64) {
        let failures = self.spec.health.as_ref().map_or(1, |health| health.failures);
        self.ask_with(outcome, took_ms, failures);
    }

    /// Asks what it means that the process itself shows that it does not work, which needs no repetition.
    pub(super) fn ask_what_a_failure_means(&mut self, why: Arc<str>) {
        self.ask_with(Err(why), 0, 1);
    }

    fn ask_with(&mut self, outcome: Result<Arc<str>, Arc<str>>, took_ms: u64, failures: u32) {
        let (failed, detail) = match outcome {
            Ok(detail) => (None, detail),
            Err(detail) => (Some(detail.clone()), detail),
        };
        let (passed, now) = (failed.is_none(), self.shared.publisher.now());
        self.record.tried.health.keep(Tried { passed, found: detail.clone(), at: now });
        let has_failed = self.checkup.failing_since.is_some();
        let in_a_row = match self.checkup.last {
            Some((before, times)) if before == passed => times.saturating_add(1),
            _ => 1,
        };
        self.checkup.last = Some((passed, in_a_row));
        self.checkup.failing_since =
            if passed { None } else { Some(self.checkup.failing_since.unwrap_or(now)) };
        // Another host counts on; successes in a row begin anew.
        if !passed || has_failed {
            self.note_counted();
        }
        let state = &self.state;
        let seen = Observation {
            name: state.name().clone(),
            group: state.group().clone(),
            incarnation: state.incarnation,
            passed,
            detail,
            took_ms,
            in_a_row,
            before: state.health,
            uptime_ms: state.started_at.map_or(0, |started| now.ms_since(started)),
            now,
            seed: seed(&self.spec.name, state.incarnation.0, now),
        };
        let case = HealthCase {
            seen,
            failures,
            restarted: self.checkup.restarted.iter().copied().collect(),
            world: self.shared.publisher.reader().snapshot(),
        };
        let (shared, chain) = (self.shared.clone(), self.record.chain.load_full());
        let finding = async move {
            let verdict = shared.decider.ask(&chain, case).await;
            Finding::Diagnosed { failed, verdict }
        };
        self.checkup.next = Some((state.incarnation, Box::pin(finding)));
    }

    fn on_diagnosed(&mut self, failed: Option<Arc<str>>, verdict: &Verdict<HealthAction>) {
        let reason: Arc<str> = verdict.told().into();
        let health = match verdict.action {
            HealthAction::Hold(health) => health,
            HealthAction::Restart => Health::Unhealthy,
        };
        // The reason of a policy may count up with each check, so a change of it alone is not news.
        let found: Arc<str> = format!("{}: {}", verdict.by, failed.as_deref().unwrap_or("passed")).into();
        let news = &self.checkup.news;
        let is_news = news.is_new(&found) && Instant::now() >= news.not_before();
        if is_news || self.checkup.told != Some(health) || verdict.action == HealthAction::Restart {
            let since = self.checkup.failing_since.unwrap_or(self.state.changed_at);
            let failing = failed.map(|why| Arc::new(Failing { why, since }));
            self.commit_now(&Event::Health { health, reason: reason.clone(), failing });
            self.checkup.told = Some(health);
            self.checkup.news.tell(found);
        }
        match verdict.action {
            HealthAction::Hold(_) => self.check_later(),
            HealthAction::Restart => self.restart_unhealthy(reason),
        }
    }

    /// Writes down what the checks have counted.
    fn note_counted(&self) {
        if let Some(stash) = self.shared.publisher.stash() {
            stash.counted(&self.state, self.checkup.counted(self.state.incarnation));
        }
    }

    fn restart_unhealthy(&mut self, reason: Arc<str>) {
        self.checkup.restarted.push_front(self.shared.publisher.now());
        self.checkup.restarted.truncate(RestartBudget::RESTARTS_MAX);
        self.note_counted();
        self.restart_living(Cause::Health, reason, self.spec.stop_grace_ms);
    }
}
