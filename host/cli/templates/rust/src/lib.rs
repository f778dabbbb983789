//! A plugin of Provost. Each role is one `impl` below; the last line exports them.

// [[restart-policy start-policy]]
use provost_guest::Span;
// [[]]
use provost_guest::World;
// [[status-consumer]]
use provost_guest::{Batch, Phase, StatusConsumer};
// [[restart-policy]]
use provost_guest::{Decision, Ended, RestartPolicy};
// [[scale-policy]]
use provost_guest::{Demand, ScaleDecision, ScalePolicy};
// [[health-policy]]
use provost_guest::{HealthDecision, HealthPolicy, Observation};
// [[start-policy]]
use provost_guest::{Plan, StartDecision, StartPolicy};
// [[status-view]]
use provost_guest::{Request, Response, StatusView};
// [[usage-policy]]
use provost_guest::{Sample, UsageDecision, UsagePolicy};
// [[]]
use serde::Deserialize;

/// The settings that the operator writes under `[plugins.{{name}}] settings`. One that is left out has its default.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Plugin {
    // [[restart-policy]]
    /// The number of failures in a row after which a process is given up.
    pub tries: u32,
    /// The delay before the first restart, such as "500ms" or "5s"; the second one is twice as long, and so on.
    pub pause: Span,
    // [[start-policy]]
    /// The time that a process waits before it is started after a failure.
    pub settle: Span,
    // [[health-policy]]
    /// The number of failed checks in a row after which a process is restarted.
    pub failed_checks: u32,
    // [[scale-policy]]
    /// The first and the last hour of the day (UTC) in which all replicas run.
    pub busy_hours: (u64, u64),
    // [[usage-policy]]
    /// The resident memory, in MiB, above which a process is restarted.
    pub memory_mib_max: u64,
    // [[status-view]]
    /// The first line of the page.
    pub title: String,
    // [[status-consumer]]
    /// Whether a process that becomes ready is logged, too.
    pub verbose: bool,
    // [[]]
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            // The values of settings that are left out.
            // [[restart-policy]]
            tries: 5,
            pause: Span::from_ms(500),
            // [[start-policy]]
            settle: Span::from_ms(1_000),
            // [[health-policy]]
            failed_checks: 3,
            // [[scale-policy]]
            busy_hours: (8, 18),
            // [[usage-policy]]
            memory_mib_max: 512,
            // [[status-view]]
            title: "Processes".to_owned(),
            // [[status-consumer]]
            verbose: false,
            // [[]]
        }
    }
}

// [[restart-policy]]
/// Restarts what fails, each time a little later, and gives up after `tries` failures in a row.
impl RestartPolicy for Plugin {
    fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
        match ended.failures {
            0 => Decision::stay_down("it has done its work"),
            n if n > self.tries => Decision::give_up(format!("{}, {n} times in a row", ended.exit)),
            n => {
                let delay_ms = self.pause.ms() * u64::from(n);
                Decision::restart(
                    delay_ms,
                    format!("{}: try {n} of {}", ended.exit, self.tries),
                )
            }
        }
    }
}

// [[start-policy]]
/// Starts a process that has failed only after it has waited for `settle`.
impl StartPolicy for Plugin {
    fn before_start(&self, plan: &Plan, _world: &dyn World) -> StartDecision {
        let rest = self.settle.ms().saturating_sub(plan.waited);
        if plan.failures == 0 || rest == 0 {
            return StartDecision::allow("nothing speaks against it");
        }
        StartDecision::wait(
            Span::from_ms(rest),
            format!("{} failures before: waiting {rest} ms", plan.failures),
        )
    }
}

// [[health-policy]]
/// Restarts a process after `failed_checks` failed checks in a row; until then it is degraded.
impl HealthPolicy for Plugin {
    fn on_probe(&self, observation: &Observation, _world: &dyn World) -> HealthDecision {
        let (row, most) = (observation.in_a_row, self.failed_checks);
        match observation.passed {
            true => HealthDecision::healthy(format!("{row} checks in a row have passed")),
            false if row >= most => {
                HealthDecision::restart(format!("{row} checks in a row have failed"))
            }
            false => HealthDecision::degraded(format!("check {row} of {most} in a row has failed")),
        }
    }
}

// [[scale-policy]]
/// Runs all replicas in the busy hours of the day, and the fewest at other times.
impl ScalePolicy for Plugin {
    fn replicas(&self, demand: &Demand, _world: &dyn World) -> ScaleDecision {
        let hour = demand.now / 3_600_000 % 24;
        let (first, last) = self.busy_hours;
        if (first..=last).contains(&hour) {
            return ScaleDecision::to(demand.most, format!("{hour} h is busy"));
        }
        ScaleDecision::to(demand.least, format!("{hour} h is quiet"))
    }
}

// [[usage-policy]]
/// Restarts a process that uses more memory than `memory_mib_max`.
impl UsagePolicy for Plugin {
    fn on_sample(&self, sample: &Sample, _world: &dyn World) -> UsageDecision {
        let (used, most) = (sample.usage.rss_bytes >> 20, self.memory_mib_max);
        if used > most {
            return UsageDecision::restart(format!("{used} MiB, more than {most}"));
        }
        UsageDecision::keep(format!("{used} of {most} MiB"))
    }
}

// [[status-view]]
/// Renders a line for each process: `provost view {{name}}`.
impl StatusView for Plugin {
    fn render(&self, request: &Request, world: &dyn World) -> Response {
        if !request.path.is_empty() {
            return Response::of("text/plain", "there is no such page\n").with_status(404);
        }
        let mut text = format!("{}\n", self.title);
        for process in world.page(0, 1024) {
            text += &format!("{} {} {}\n", process.name, process.phase, process.restarts);
        }
        Response::of("text/plain; charset=utf-8", text)
    }
}

// [[status-consumer]]
/// Logs the processes that are given up on, and with `verbose` those that become ready.
impl StatusConsumer for Plugin {
    fn on_change(&mut self, batch: &Batch, _world: &dyn World) {
        for event in &batch.events {
            let process = &event.process;
            if process.phase == Phase::Fatal && event.before != Phase::Fatal {
                provost_guest::log::warn(format!(
                    "{} is given up on: {}",
                    process.name, process.reason
                ));
            } else if self.verbose && process.ready && event.before == Phase::Starting {
                provost_guest::log::info(format!("{} is ready", process.name));
            }
        }
    }
}

// [[]]
// The component carries settings.schema.json; `WRITE_SCHEMA=1 cargo test` writes it after a change of the settings.
provost_guest::settings_schema!(Plugin);
provost_guest::export!(Plugin: {{traits}});
