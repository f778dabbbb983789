//! A plugin as a policy: a fresh instance per decision.

use std::sync::Arc;

use provost_state::{
    Decision, Demand, Ended, Fault, HealthAction, Judgement, Observation, Plan, Policy, Snapshot, StartAction,
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

/// The four judgements of a policy, each passed on to `ask`.
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

    fn after_answer(&self) {
        let versions = self.plugin.versions();
        if versions.gone {
            versions.active.ready.free();
        } else {
            versions.active.after_answer();
        }
        // It may have answered until now.
        if let Some(former) = &versions.former {
            former.ready.free();
        }
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

    fn after_answer(&self) {
        self.version.ready.free();
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{Exit, Incarnation, Moment};

    use crate::{Grants, HostOptions, Limits, PluginHost, PluginSpec, Source};

    use super::*;

    fn ended(failures: u32) -> Ended {
        Ended {
            name: "web".into(),
            group: "".into(),
            incarnation: Incarnation(1),
            exit: Exit::Code(1),
            uptime_ms: 5,
            was_ready: true,
            failures,
            restarts: 0,
            now: Moment::default(),
            seed: 7,
        }
    }

    fn host_with(name: &str) -> PluginHost {
        let host = PluginHost::new(HostOptions::default());
        let limits = Limits { call_ms_max: Some(60_000), ..Limits::default() };
        host.load(PluginSpec {
            name: name.into(),
            source: Source::Bundled("backoff".to_owned()),
            settings_json: "{}".to_owned(),
            limits,
            sha256: None,
            grants: Grants::default(),
        })
        .unwrap();
        host
    }

    #[test]
    fn an_instance_that_was_made_in_advance_answers_as_one_that_the_call_makes_and_answers_once() {
        let host = host_with("patience");
        let policy = PluginHost::policy(&host, "patience").unwrap();
        let decider = policy.within(10_000).unwrap();
        let version = host.plugin("patience").unwrap().versions().active.clone();
        let fuel = || version.context.figures.read(0).fuel_last;
        let world = Arc::new(Snapshot::default());
        assert!(!version.ready.restart.is_made(), "nothing is made before the first question");
        let made_by_the_call = (decider.on_exit(&ended(3), &world).unwrap(), fuel());
        assert!(!version.ready.restart.is_made(), "nothing is made while somebody waits");
        for _ in 0..3 {
            policy.after_answer();
            assert!(version.ready.restart.is_made());
            let made_in_advance = (decider.on_exit(&ended(3), &world).unwrap(), fuel());
            assert_eq!(made_in_advance, made_by_the_call);
            assert!(!version.ready.restart.is_made(), "it is used once");
        }
        policy.after_answer();
        policy.on_exit(&ended(3), &world).unwrap();
        assert!(version.ready.restart.is_made(), "only a decider uses it");
    }

    #[test]
    fn nothing_is_kept_ready_for_a_plugin_that_was_unloaded() {
        let host = host_with("patience");
        let policy = PluginHost::policy(&host, "patience").unwrap();
        let version = host.plugin("patience").unwrap().versions().active.clone();
        policy.within(10_000).unwrap().on_exit(&ended(1), &Arc::new(Snapshot::default())).unwrap();
        policy.after_answer();
        assert!(version.ready.restart.is_made());
        host.remove(&host.change(), &host.plugin("patience").unwrap());
        assert!(!version.ready.restart.is_made());
    }
}
