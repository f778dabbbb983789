//! From the spawn to readiness: reports what the check finds, and ends a process that is not ready in time.

use std::sync::Arc;

use provost_state::{Event, Failing, Incarnation, Moment, Phase, span};
use tokio::sync::{oneshot, watch};

use super::awaited::{Awaited, Trial};
use super::news::{FIRST, News};
use super::standing::Step;
use super::task::{Beyond, Runner};
use crate::children::probe::{self, Failed};
use crate::groups::Tried;
use crate::spec::{Check, Readiness};
use crate::stash::Beside;

/// How late a runner has to be for a deadline, in milliseconds, to conclude that the host was suspended.
const ASLEEP_MS: u64 = 1_000;

impl Runner {
    /// Begins to wait for readiness. Without a check the process is ready at once.
    pub(super) fn watch_readiness(
        &mut self,
        incarnation: Incarnation,
        text_seen: Option<oneshot::Receiver<()>>,
    ) {
        match self.spec.ready.clone() {
            None => {
                let reason = self.state.reason.clone();
                self.on_ready(incarnation, &reason);
            }
            Some(Readiness { check: Check::Notified | Check::Descriptor(_), .. }) => {
                let (report, failed) = watch::channel(self.not_said());
                self.readiness = Some(Awaited {
                    incarnation,
                    // The process says it, which is another input.
                    ready: Box::pin(std::future::pending()),
                    failed,
                    news: News::after(FIRST),
                    postponed: None,
                    report: Some(report),
                });
            }
            Some(readiness) => {
                let (report, failed) = watch::channel(None);
                let (record, clock) = (self.record.clone(), self.shared.publisher.clock.clone());
                let tried = move |passed, found| {
                    record.tried.readiness.keep(Tried { passed, found, at: clock.now() });
                };
                let ready = Box::pin(probe::until_ready(readiness, text_seen, self.checked(), report, tried));
                self.readiness = Some(Awaited {
                    incarnation,
                    ready,
                    failed,
                    news: News::after(FIRST),
                    postponed: None,
                    report: None,
                });
            }
        }
    }

    pub(super) fn on_trial(&mut self, incarnation: Incarnation, trial: Trial) {
        match trial {
            Trial::Ready(reason) => self.on_ready(incarnation, &reason),
            Trial::NotYet(failed) => self.on_not_ready(incarnation, failed),
        }
    }

    pub(super) fn on_ready(&mut self, incarnation: Incarnation, reason: &str) {
        if self.commit(incarnation, &Event::Ready { reason: Arc::from(reason) }) {
            self.begin_checkup();
            self.begin_metering();
            self.begin_watchdog();
        }
    }

    fn on_not_ready(&mut self, incarnation: Incarnation, failed: Failed) {
        let Failed { why, lasting } = failed;
        if let Some(awaited) = &mut self.readiness {
            awaited.news.tell(why.clone());
        }
        if lasting {
            tracing::warn!(process = &*self.spec.name, "is not ready: {why}");
        }
        let since = self.state.started_at.unwrap_or(self.state.changed_at);
        self.commit(incarnation, &Event::NotReady { failing: Arc::new(Failing { why, since }) });
    }

    /// Returns the deadline for readiness, while the process is not ready: the configured one, the one that the process has asked
    /// for, or the one that was postponed, whichever is the last.
    pub(super) fn ready_by(&self) -> Option<Moment> {
        let within_ms = self.spec.ready.as_ref()?.within_ms?;
        if !matches!(self.state.phase, Phase::Starting { .. }) {
            return None;
        }
        let configured = self.state.started_at?.plus_ms(within_ms);
        let postponed = self.readiness.as_ref().and_then(|awaited| awaited.postponed);
        let later = |due: Moment, other: Moment| if other.ms_since(due) > 0 { other } else { due };
        Some([self.heard.extended, postponed].into_iter().flatten().fold(configured, later))
    }

    /// Handles the deadline for readiness.
    pub(super) fn on_deadline(&mut self) {
        let now = self.shared.publisher.now();
        let is_asleep = self.ready_by().is_some_and(|by| now.ms_since(by) > ASLEEP_MS);
        if let (Some(ready), Some(awaited)) = (&self.spec.ready, &mut self.readiness)
            && awaited.postponed.is_none()
            && is_asleep
        {
            // It may have become ready while the host was suspended: it gets one more try.
            awaited.postponed = Some(now.plus_ms(ready.every_ms.saturating_add(ready.timeout_ms)));
        } else {
            self.on_overdue();
        }
    }

    /// Ends a process that is not ready in time; that end will be judged.
    fn on_overdue(&mut self) {
        let Some(within_ms) = self.spec.ready.as_ref().and_then(|ready| ready.within_ms) else { return };
        let awaited = self.readiness.take();
        let last =
            awaited.and_then(|awaited| awaited.failed.borrow().as_ref().map(|failed| failed.why.clone()));
        let last = last.unwrap_or_else(|| Arc::from("no check has ended yet"));
        let within = span::exact(within_ms);
        let kill_at = self.shared.publisher.now().plus_ms(self.spec.stop_grace_ms);
        let reason = Arc::from(format!("not ready within {within}: {last}"));
        let why: Arc<str> = Arc::from(format!("{last} (ready.within is {within})"));
        let follows = Beyond { beside: Some(Beside::Overdue(why.clone())), ..Beyond::default() };
        if !self.commit_with(self.state.incarnation, &Event::Overdue { reason, kill_at }, follows) {
            return;
        }
        self.step(Step::Overdue(why));
        if let Err(refusal) = self.tell_to_end() {
            tracing::warn!(process = &*self.spec.name, %refusal, "cannot send the stop signal");
        }
    }
}
