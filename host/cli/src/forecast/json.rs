//! A forecast for programs.

use provost_simulation::Made;
use provost_supervisor::rfc3339;
use serde_json::{Value, json};

use super::beginning::{Beginning, First};
use super::branch::Branch;

/// Renders a forecast as a JSON object.
pub(crate) fn json(
    beginning: &Beginning,
    policy: &str,
    (ours, present): (&Branch, &Branch),
    lasts_ms: u64,
    notes: &[String],
) -> Value {
    json!({
        "process": beginning.name,
        "policy": policy,
        "begins": match beginning.first {
            First::Life => "now",
            First::LastEnd => "last-end",
        },
        "at": rfc3339(beginning.at_ms),
        "failures": beginning.failures,
        "lived_ms": beginning.lived_ms,
        "first_exit": beginning.first_exit.to_string(),
        "exit": beginning.exit.to_string(),
        "uptime_ms": beginning.uptime_ms,
        "for_ms": lasts_ms,
        "what_if": branch(ours),
        "present": branch(present),
        "first_difference": ours.first_difference(present),
        "notes": notes,
    })
}

fn branch(branch: &Branch) -> Value {
    json!({
        "policies": branch.policies,
        "decisions": branch.decisions.iter().map(decision).collect::<Vec<_>>(),
        "longest_delay_ms": branch.longest_delay_ms(),
        "phase": branch.phase.as_str(),
        "reason": branch.reason,
        "shut_down": branch.shut_down,
        "faults_count": branch.faults,
        "first_fault": branch.first_fault,
    })
}

fn decision(made: &Made) -> Value {
    json!({
        "at_ms": made.at_ms,
        "incarnation": made.incarnation,
        "failures": made.failures,
        "exit": made.exit.to_string(),
        "uptime_ms": made.uptime_ms,
        "action": made.action.to_string(),
        "delay_ms": made.delay_ms(),
        "by": made.by,
        "reason": made.reason,
        "overruled": made.overruled,
    })
}
