//! The result of a run for programs.

use provost_simulation::{Course, Track, Verdict};
use serde_json::{Value, json};

use super::outcome::Outcome;
use super::smallest::Smallest;
use crate::config::{Place, Problem, SourceFile};

/// Renders one run of the scenario `source` as a JSON object.
pub(crate) fn json(
    source: &SourceFile,
    outcome: &Outcome,
    smallest: Option<&Smallest>,
    against: Option<&Outcome>,
) -> Value {
    let mut value = run(source, outcome);
    if let Some(smallest) = smallest {
        value["smallest"] =
            json!({"scenario": smallest.text, "tried": smallest.tried, "minimal": smallest.is_minimal});
    }
    if let Some(against) = against {
        value["against"] = run(source, against);
    }
    value
}

/// Returns the warnings about a run of the scenario `source`.
pub(crate) fn warnings(source: &SourceFile, outcome: &Outcome) -> Vec<Value> {
    let one = |warning: &Problem| {
        let Place { line, column } = source.place(warning.span.start);
        json!({"line": line, "column": column, "message": warning.what, "hint": warning.hint})
    };
    outcome.warnings.iter().map(one).collect()
}

fn run(source: &SourceFile, outcome: &Outcome) -> Value {
    let Course { lasted_ms, shut_down, tracks, decisions, bounded, faults, faults_count } =
        &outcome.played.course;
    let faults: Vec<Value> = faults
        .iter()
        .map(|one| json!({"at_ms": one.at_ms, "process": one.process, "policy": one.policy, "why": one.why}))
        .collect();
    json!({
        "scenario": outcome.name,
        "about": outcome.about,
        "seed": outcome.seed,
        "lasted_ms": lasted_ms,
        "took_ms": outcome.took_ms,
        "shut_down": shut_down,
        "decisions": decisions,
        "bounded": bounded,
        "faults_count": faults_count,
        "faults": faults,
        "broken": outcome.is_broken(),
        "warnings": warnings(source, outcome),
        "expected": outcome.verdicts.iter().map(expected).collect::<Vec<_>>(),
        "processes": tracks.iter().map(|one| track(outcome, one)).collect::<Vec<_>>(),
    })
}

/// Returns what was expected, and whether it holds.
pub(crate) fn expected((invariant, verdict): &(provost_simulation::Invariant, Verdict)) -> Value {
    let (word, count, breaches) = match verdict {
        Verdict::Held(count) => ("holds", *count, &[][..]),
        Verdict::Untested => ("untested", 0, &[][..]),
        Verdict::Broken { breaches, count } => ("broken", *count, &breaches[..]),
    };
    let breaches: Vec<Value> = breaches
        .iter()
        .map(|one| json!({"at_ms": one.at_ms, "process": one.process, "what": one.what}))
        .collect();
    json!({"invariant": invariant.name(), "expects": invariant.to_string(), "verdict": word, "count": count, "breaches": breaches})
}

fn track(outcome: &Outcome, track: &Track) -> Value {
    let figures = outcome.figures(track);
    let lives: Vec<Value> = track
        .lives
        .iter()
        .map(|life| {
            let end = life.end.as_ref();
            json!({
                "incarnation": life.incarnation,
                "cause": life.cause.as_str(),
                "started_ms": life.started_ms,
                "ready_ms": life.ready_ms,
                "ended_ms": end.map(|end| end.at_ms),
                "exit": end.map(|end| end.exit.to_string()),
                "asked": end.map(|end| end.is_asked),
            })
        })
        .collect();
    let decisions: Vec<Value> = track
        .decisions
        .iter()
        .map(|made| {
            json!({
                "at_ms": made.at_ms,
                "incarnation": made.incarnation,
                "failures": made.failures,
                "action": made.action.to_string(),
                "delay_ms": made.delay_ms(),
                "by": made.by,
                "reason": made.reason,
                "overruled": made.overruled,
            })
        })
        .collect();
    json!({
        "name": track.name,
        "phase": track.phase.as_str(),
        "restarts": figures.restarts,
        "failures_in_a_row": figures.failures_in_a_row,
        "longest_delay_ms": figures.longest_delay_ms,
        "ready_ms": figures.ready_ms,
        "given_up": track.given_up.iter().map(|one| json!({"at_ms": one.at_ms, "reason": one.reason})).collect::<Vec<_>>(),
        "lives": lives,
        "decisions": decisions,
    })
}
