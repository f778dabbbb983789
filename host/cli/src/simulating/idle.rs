//! Warnings about what a scenario has and its course does not: faults that have hit nothing, and orders that were not given. They say
//! nothing about the policy, and may be mistakes in the scenario.

use provost_simulation::{Fault, FaultKind, Played, Scenario};
use provost_state::span::exact;

use crate::config::{Problem, ScenarioFile};

/// Returns the warnings about a run, in the order of the file.
pub(super) fn warnings(file: &ScenarioFile, scenario: &Scenario, played: &Played) -> Vec<Problem> {
    let lasted_ms = played.course.lasted_ms;
    let of_fault = |index: &usize| {
        let fault = scenario.faults.get(*index)?;
        let (what, hint) = idle_fault(fault, lasted_ms, scenario.seed);
        Some(Problem { span: file.fault_span(*index), what, hint })
    };
    let of_order = |(index, at_ms): (usize, u64)| Problem {
        span: file.order_span(index),
        what: format!("this order was not given: {}", after_the_end(at_ms, lasted_ms)),
        hint: LATE_HINT.to_owned(),
    };
    let orders = scenario.orders.iter().map(|order| order.at_ms).enumerate();
    let late = orders.filter(|(_, at_ms)| *at_ms > lasted_ms).map(of_order);
    let mut all: Vec<Problem> = played.idle_faults.iter().filter_map(of_fault).chain(late).collect();
    all.sort_by_key(|warning| warning.span.start);
    all
}

const LATE_HINT: &str =
    "give it an earlier time, or let the scenario last longer: `for` of [scenario], --for or --days";

fn after_the_end(due_ms: u64, lasted_ms: u64) -> String {
    format!("it is due at {}, and the scenario has ended after {}", exact(due_ms), exact(lasted_ms))
}

/// Says what a fault that has hit nothing has not hit, and why that may be.
fn idle_fault(fault: &Fault, lasted_ms: u64, seed: u64) -> (String, String) {
    let begins_ms = fault.kind.begins_ms();
    if begins_ms >= lasted_ms {
        let what = format!("this fault has hit nothing: {}", after_the_end(begins_ms, lasted_ms));
        return (what, LATE_HINT.to_owned());
    }
    let (what, why) = match fault.kind {
        FaultKind::Crash { .. } => (
            "this fault has ended no life",
            "no life of its targets that began in its window lasted until it would have ended",
        ),
        FaultKind::Outage { .. } => (
            "this fault has ended no life",
            "none of its targets ran in its window, or each of their lives ended earlier for another reason",
        ),
        FaultKind::Kill { .. } => ("this fault has ended no life", "none of its targets ran at its time"),
        FaultKind::NoStart { .. } => {
            ("this fault has prevented no start", "none of its targets was to be started in its window")
        }
        FaultKind::SlowStart { .. } | FaultKind::Leak { .. } => {
            ("this fault has hit no life", "none of its targets was started in its window")
        }
        FaultKind::Unhealthy { .. } => (
            "this fault has changed the result of no check",
            "none of its targets was checked in its window: only processes with `health` or `ready` are checked",
        ),
        FaultKind::ClockStep { .. } => ("this fault has hit nothing", "its time has not come"),
    };
    let chance = match fault.chance < 1.0 {
        true => format!("; or, with its chance of {}, it was never drawn with seed {seed}", fault.chance),
        false => String::new(),
    };
    (what.to_owned(), format!("{why}{chance}"))
}
