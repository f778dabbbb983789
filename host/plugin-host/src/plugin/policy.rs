//! A plugin as a policy: a fresh instance per decision.

use std::sync::Arc;

use provost_state::{
    Decision, Demand, Ended, Fault, HealthAction, Judgement, Observation, Plan, Policy, Sample, Snapshot,
    StartAction, UsageAction,
};

use super::input::Input;
use super::purpose::Purpose;
use super::question::Question;
use super::slot::Plugin;
use super::version::Version;

/// Judges through the active version, or answers every trigger with the reason for which that version was refused.
#[derive(Debug)]
pub(crate) struct PluginPolicy {
    plugin: Arc<Plugin>,
    within_ms: Option<u64>,
}

impl PluginPolicy {
    pub(crate) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin, within_ms: None }
    }

    fn ask<Q: Question + Into<Input>>(
        &self,
        question: &Q,
        world: &Arc<Snapshot>,
    ) -> Result<Q::Answer, Fault> {
        self.plugin.ask(question, world, self.within_ms)
    }
}

/// Judges through the former version.
#[derive(Debug)]
struct FormerPolicy {
    version: Arc<Version>,
    within_ms: Option<u64>,
}

impl FormerPolicy {
    fn ask<Q: Question>(&self, question: &Q, world: &Arc<Snapshot>) -> Result<Q::Answer, Fault> {
        let result = self.version.ask(question, world, Purpose::Answer { within_ms: self.within_ms });
        self.version.context.figures.answered(result.as_ref().err());
        result
    }
}

/// The judgements of a policy, each passed on to `ask`.
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

        fn replicas(&self, demand: &Demand, world: &Arc<Snapshot>) -> Result<Decision<u32>, Fault> {
            self.ask(demand, world)
        }

        fn on_sample(&self, sample: &Sample, world: &Arc<Snapshot>) -> Result<Decision<UsageAction>, Fault> {
            self.ask(sample, world)
        }
    };
}

impl Policy for PluginPolicy {
    fn name(&self) -> &Arc<str> {
        &self.plugin.name
    }

    fn version(&self) -> u64 {
        self.plugin.versions().active.number()
    }

    fn judges(&self, judgement: Judgement) -> bool {
        self.plugin.versions().active.judges(judgement)
    }

    judgements!();

    fn within(&self, most_ms: u64) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(Self { plugin: self.plugin.clone(), within_ms: Some(most_ms) }))
    }

    fn last_good(&self) -> Option<Arc<dyn Policy>> {
        let versions = self.plugin.versions();
        let former = versions.former.as_ref().filter(|former| !versions.gone && former.is_good())?;
        Some(Arc::new(FormerPolicy { version: former.clone(), within_ms: self.within_ms }))
    }

    fn clamped(&self) {
        self.plugin.versions().active.context.figures.clamped();
    }
}

impl Policy for FormerPolicy {
    fn name(&self) -> &Arc<str> {
        self.version.context.name()
    }

    fn version(&self) -> u64 {
        self.version.number()
    }

    fn judges(&self, judgement: Judgement) -> bool {
        self.version.judges(judgement)
    }

    judgements!();

    fn within(&self, most_ms: u64) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(Self { version: self.version.clone(), within_ms: Some(most_ms) }))
    }

    fn clamped(&self) {
        self.version.context.figures.clamped();
    }
}
