//! The resources that a process uses while it is ready: waits for a sample, asks the policies what it means, restarts the
//! process if they want that, and repeats. A sample is no commit; only a restart is.

use std::sync::Arc;

use provost_state::{Cause, Incarnation, Judgement, Moment, PhaseKind, Sample, Usage, UsageAction};
use tokio::time::Instant;

use super::metered::Metered;
use super::task::Runner;
use crate::decider::{RestartBudget, UsageCase, Verdict, seed};

impl Runner {
    /// Begins to wait for samples when the process has become ready, if its spec wants that.
    pub(super) fn begin_metering(&mut self) {
        self.metering.end();
        self.meter_anew();
    }

    /// Begins anew with the interval of the spec, and keeps the samples.
    pub(super) fn meter_anew(&mut self) {
        self.metering.next = None;
        self.sample_after(self.shared.publisher.now());
    }

    fn sample_after(&mut self, last: Moment) {
        let Some(every_ms) = self.spec.usage_every_ms else { return };
        let (table, id, incarnation) =
            (self.shared.usage.table.clone(), self.state.id, self.state.incarnation);
        let from = last.plus_ms(every_ms.max(1));
        let due = self.shared.publisher.clock.instant(from);
        let sampled = async move {
            // No look before that is of interest.
            tokio::time::sleep_until(due).await;
            Metered::Sampled(table.sample(id, incarnation, from).await)
        };
        self.metering.next = Some((incarnation, Box::pin(sampled)));
    }

    pub(super) fn on_metered(&mut self, incarnation: Incarnation, metered: Metered) {
        if incarnation != self.state.incarnation || self.state.phase.kind() != PhaseKind::Running {
            return;
        }
        match metered {
            Metered::Sampled(usage) => self.ask_about(usage),
            Metered::Judged(verdict) => self.on_judged(&verdict),
        }
    }

    fn ask_about(&mut self, usage: Usage) {
        self.metering.samples.push_front(usage);
        self.metering.samples.truncate(Sample::FORMER_MAX + 1);
        let chain = self.record.chain.load_full();
        if !chain.iter().any(|policy| policy.judges(Judgement::Usage)) {
            // One may be loaded later.
            return self.sample_after(usage.at);
        }
        let (state, now) = (&self.state, self.shared.publisher.now());
        let sample = Sample {
            name: state.name().clone(),
            group: state.group().clone(),
            incarnation: state.incarnation,
            usage,
            former: self.metering.samples.iter().skip(1).copied().collect(),
            uptime_ms: state.started_at.map_or(0, |started| now.ms_since(started)),
            now,
            seed: seed(&self.spec.name, state.incarnation.0, now),
        };
        let case = UsageCase {
            sample,
            restarted: self.metering.restarted.iter().copied().collect(),
            world: self.shared.publisher.reader().snapshot(),
        };
        let shared = self.shared.clone();
        let verdict = async move { Metered::Judged(shared.decider.ask(&chain, case).await) };
        self.metering.next = Some((state.incarnation, Box::pin(verdict)));
    }

    fn on_judged(&mut self, verdict: &Verdict<UsageAction>) {
        let last = self.metering.samples.front().map_or_else(|| self.shared.publisher.now(), |one| one.at);
        match verdict.action {
            UsageAction::Keep => {
                self.complain(verdict);
                self.sample_after(last);
            }
            UsageAction::Restart { drain_ms } => self.restart_for_usage(verdict.told().into(), drain_ms),
        }
    }

    /// Logs that policies failed or were overruled. No commit does: the process is as it was.
    fn complain(&mut self, verdict: &Verdict<UsageAction>) {
        let Some(overruled) = &verdict.overruled else { return };
        let news = &mut self.metering.complained;
        // A note has a figure that differs each time, so that the pause alone bounds the lines.
        if news.is_new(overruled) && Instant::now() >= news.not_before() {
            tracing::warn!(process = &*self.spec.name, "about its usage: {overruled}");
            news.tell(overruled.clone());
        }
    }

    fn restart_for_usage(&mut self, reason: Arc<str>, drain_ms: Option<u64>) {
        self.metering.restarted.push_front(self.shared.publisher.now());
        self.metering.restarted.truncate(RestartBudget::RESTARTS_MAX);
        self.restart_living(Cause::Policy, reason, drain_ms.unwrap_or(self.spec.stop_grace_ms));
    }
}
