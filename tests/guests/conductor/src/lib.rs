//! A component that plays all seven roles as its settings say, for the tests of roles.

use std::collections::BTreeMap;

use provost_guest::{
    Batch, Decision, Demand, Ended, HealthDecision, HealthPolicy, Observation, Plan, Request, Response,
    RestartPolicy, Sample, ScaleDecision, ScalePolicy, Span, StartDecision, StartPolicy, StatusConsumer,
    StatusView, UsageDecision, UsagePolicy, World, memory::Slot,
};

/// The plugin and its settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conductor {
    /// The process that is refused a start.
    refuse: Option<String>,
    /// How long all others have to wait first.
    wait: Span,
    /// The number of replicas to run.
    replicas: u32,
    /// The resident memory above which a process is restarted, in bytes.
    rss_bytes_max: Option<u64>,
    /// The variables to set for each start, whether the operator has granted them or not.
    #[serde(default)]
    set: BTreeMap<String, String>,
}

/// The number of changes that it has received.
const TOLD: Slot<u64> = Slot::new("told");

impl RestartPolicy for Conductor {
    fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
        Decision::restart(30, format!("{} goes on", ended.name))
    }
}

impl StartPolicy for Conductor {
    fn before_start(&self, plan: &Plan, _world: &dyn World) -> StartDecision {
        if self.refuse.as_ref() == Some(&plan.name) {
            return StartDecision::refuse("not this one");
        }
        if plan.waited < self.wait.ms() {
            return StartDecision::wait(self.wait, "not before its turn");
        }
        let greeted = StartDecision::allow("its turn").with_env("GREETING", format!("hello {}", plan.name));
        self.set.iter().fold(greeted, |decision, (name, value)| decision.with_env(name, value))
    }
}

impl HealthPolicy for Conductor {
    fn on_probe(&self, seen: &Observation, _world: &dyn World) -> HealthDecision {
        if seen.passed { HealthDecision::degraded("it could be better") } else { HealthDecision::pass("") }
    }
}

impl ScalePolicy for Conductor {
    fn replicas(&self, demand: &Demand, _world: &dyn World) -> ScaleDecision {
        ScaleDecision::to(self.replicas, format!("{} were wanted", demand.wanted))
    }
}

impl UsagePolicy for Conductor {
    fn on_sample(&self, sample: &Sample, _world: &dyn World) -> UsageDecision {
        match self.rss_bytes_max {
            Some(most) if sample.usage.rss_bytes > most => {
                UsageDecision::restart_within(Span::from_ms(700), format!("uses more than {most} bytes"))
            }
            _ => UsageDecision::pass("it may go on"),
        }
    }
}

impl StatusConsumer for Conductor {
    fn on_change(&mut self, batch: &Batch, _world: &dyn World) {
        // A number always fits into the store.
        let _ = TOLD.update(|told| *told += batch.events.len() as u64);
    }
}

impl StatusView for Conductor {
    fn render(&self, request: &Request, world: &dyn World) -> Response {
        if request.path == "missing" {
            return Response::of("text/plain", "there is no such page").with_status(404);
        }
        let told = TOLD.get_or_default();
        Response::of("text/plain", format!("told {told} changes of {} processes", world.size()))
    }
}

provost_guest::export!(
    Conductor: RestartPolicy, StartPolicy, HealthPolicy, ScalePolicy, UsagePolicy, StatusConsumer, StatusView
);
