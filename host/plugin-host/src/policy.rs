//! A plugin as a policy: a fresh instance per decision.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use provost_state::{
    Decision, Demand, Ended, Fault, HealthAction, Judgement, Observation, Plan, Policy, ScaleAction,
    Snapshot, StartAction,
};

use crate::call::Purpose;
use crate::plugin::Plugin;
use crate::question::Question;
use crate::version::Version;

/// Whom a decision is asked of.
trait Judge {
    fn ask<Q: Question>(&self, question: &Q, world: &Arc<Snapshot>) -> Result<Q::Answer, Fault>;
}

/// Judges through whatever version is active, or answers every trigger with the reason for which that was refused.
#[derive(Debug)]
pub(crate) struct PluginPolicy(pub(crate) Arc<Plugin>);

impl Judge for PluginPolicy {
    fn ask<Q: Question>(&self, question: &Q, world: &Arc<Snapshot>) -> Result<Q::Answer, Fault> {
        self.0.ask(question, world)
    }
}

/// Judges through the version that was active before.
#[derive(Debug)]
struct FormerPolicy(Arc<Version>);

impl Judge for FormerPolicy {
    fn ask<Q: Question>(&self, question: &Q, world: &Arc<Snapshot>) -> Result<Q::Answer, Fault> {
        let result = self.0.ask(question, world, Purpose::Answer);
        self.0.figures.answered(result.as_ref().err());
        result
    }
}

/// The four judgements, each put to the judge.
macro_rules! judgements {
    () => {
        fn on_exit(&self, ended: &Ended, world: &Arc<Snapshot>) -> Result<Decision, Fault> {
            self.ask(ended, world)
        }

        fn before_start(&self, plan: &Plan, world: &Arc<Snapshot>) -> Result<Decision<StartAction>, Fault> {
            self.ask(plan, world)
        }

        fn on_probe(
            &self,
            seen: &Observation,
            world: &Arc<Snapshot>,
        ) -> Result<Decision<HealthAction>, Fault> {
            self.ask(seen, world)
        }

        fn replicas(&self, demand: &Demand, world: &Arc<Snapshot>) -> Result<Decision<ScaleAction>, Fault> {
            self.ask(demand, world)
        }
    };
}

impl Policy for PluginPolicy {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn judges(&self, judgement: Judgement) -> bool {
        self.0.versions().active.judges(judgement)
    }

    judgements!();

    fn last_good(&self) -> Option<Arc<dyn Policy>> {
        let versions = self.0.versions();
        let former = versions.former.as_ref().filter(|former| !versions.gone && former.admitted.is_ok())?;
        Some(Arc::new(FormerPolicy(former.clone())))
    }

    fn clamped(&self) {
        self.0.versions().active.figures.clamps.fetch_add(1, Ordering::Relaxed);
    }
}

impl Policy for FormerPolicy {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn judges(&self, judgement: Judgement) -> bool {
        self.0.judges(judgement)
    }

    judgements!();

    fn clamped(&self) {
        self.0.figures.clamps.fetch_add(1, Ordering::Relaxed);
    }
}
