//! A start policy for a process that is of no use without another one: after a failure it is started again only when that one is up. Unlike
//! `after` in the config, this does not concern the first start, and a dependency that was given up is reported.

use provost_guest::{Phase, Plan, Span, StartDecision, StartPolicy, World};
use serde::Deserialize;

/// The policy and its settings.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DependencyFirst {
    /// The process that has to be up.
    pub on: String,
    /// The time after which the policy looks again.
    #[serde(default = "one_second")]
    pub look_every: Span,
}

fn one_second() -> Span {
    Span::from_ms(1_000)
}

impl StartPolicy for DependencyFirst {
    fn before_start(&self, plan: &Plan, world: &dyn World) -> StartDecision {
        if plan.failures == 0 {
            return StartDecision::pass("it has not failed");
        }
        let wait = |why| StartDecision::wait(self.look_every, format!("{} {why}", self.on));
        match world.get(&self.on) {
            None => StartDecision::refuse(format!("there is no process {}", self.on)),
            Some(on) if on.ready => StartDecision::pass(format!("{} is up", self.on)),
            Some(on) if on.phase == Phase::Fatal => wait("was given up; start it"),
            Some(on) => wait(&format!("is {}", on.phase)),
        }
    }
}

provost_guest::export!(DependencyFirst: StartPolicy);
provost_guest::settings_schema!(DependencyFirst);
