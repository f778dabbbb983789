//! What a version has to answer before it is put in force: one made-up question for each of its roles. Nothing of it is
//! counted, and nothing that it writes into its memory stays.

use std::sync::Arc;

use provost_state::{
    Cause, Demand, Ended, Exit, Fault, Health, Incarnation, Observation, Plan, Snapshot, ViewRequest,
};

use crate::question::{Input, Telling};
use crate::role::Role;
use crate::version::Version;

/// A role in which a version has failed its trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) role: Role,
    pub(crate) input: String,
    pub(crate) fault: Fault,
}

/// Asks `version` in each of its roles about the first process of `world`. Says for each what it answered.
pub(crate) fn run(version: &Arc<Version>, world: &Arc<Snapshot>) -> Result<Vec<String>, Failed> {
    let try_role = |role: Role| {
        let input = question(role, world);
        match input.try_on(version, world) {
            Ok(answer) => Ok(format!("trial of {role}: {input} -> {answer}")),
            Err(fault) => Err(Failed { role, input: input.to_string(), fault }),
        }
    };
    version.surface.roles().into_iter().map(try_role).collect()
}

/// A question about the first process, or about one called `trial` if there is none.
fn question(role: Role, world: &Snapshot) -> Input {
    let first = world.iter().next();
    let name: Arc<str> = first.map_or_else(|| "trial".into(), |state| state.name().clone());
    let group: Arc<str> = first.map_or_else(|| "".into(), |state| state.group().clone());
    let incarnation = first.map_or(Incarnation(1), |state| state.incarnation);
    let now = world.taken_at();
    let seed = 1;
    match role {
        Role::RestartPolicy => Input::Ended(Ended {
            name,
            group,
            incarnation,
            exit: Exit::Code(1),
            uptime_ms: 1_000,
            was_ready: true,
            failures: 1,
            restarts: 0,
            now,
            seed,
        }),
        Role::StartPolicy => Input::Plan(Plan {
            name,
            group,
            incarnation,
            cause: Cause::User,
            waited_ms: 0,
            failures: 0,
            now,
            seed,
        }),
        Role::HealthPolicy => Input::Probe(Observation {
            name,
            group,
            incarnation,
            passed: true,
            detail: "a trial".into(),
            took_ms: 1,
            in_a_row: 1,
            before: Health::Unknown,
            uptime_ms: 1_000,
            now,
            seed,
        }),
        Role::ScalePolicy => {
            Input::Demand(Demand { name, group, wanted: 1, running: 1, least: 1, most: 2, now, seed })
        }
        Role::StatusView => Input::Render(ViewRequest::default()),
        Role::StatusConsumer => Input::Tell(Telling::default()),
    }
}
