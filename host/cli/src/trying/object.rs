//! Outcomes, vectors, scenarios and measurements as JSON with documented, stable fields.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_plugin_host::{Measure, Outcome, PluginLine};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::facts::facts;
use super::measuring::{Measured, Room, tightest};
use super::scenarios::Played;
use super::suite::{Found, Report, Tried};
use super::vector::Deviation;
use crate::simulating::{expected_object, warning_objects};

/// Returns what one call did.
pub(crate) fn outcome_object(outcome: &Outcome, case: &Case, digest: &str) -> Value {
    json!({
        "sha256": digest,
        "role": case.role.as_str(),
        "answer": answer(outcome),
        "fault": outcome.reply.as_ref().err().map(|fault| json!({
            "kind": fault.kind.as_str(),
            "message": &*fault.message,
        })),
        "took_ns": outcome.ns,
        "fuel": outcome.fuel,
        "memory_bytes": outcome.memory_bytes,
        "log": outcome.lines.iter().map(line).collect::<Vec<_>>(),
        "lines_dropped": outcome.lines_dropped,
        "writes": writes(outcome),
        "notes": case.notes,
    })
}

/// Returns the answer by the names that vectors use; `null` if there is none.
fn answer(outcome: &Outcome) -> Value {
    if outcome.reply.is_err() {
        return Value::Null;
    }
    let is_of_answer = |name: &String| name != "log" && !name.starts_with("writes.");
    let facts = facts(outcome).into_iter().filter(|(name, _)| is_of_answer(name));
    Value::Object(facts.map(|(name, value)| (name, Value::from(value))).collect())
}

fn line(line: &PluginLine) -> Value {
    json!({ "level": line.level, "text": line.text })
}

/// Returns the written keys, each with its value as text or in base64; `null` for one that was deleted.
fn writes(outcome: &Outcome) -> Value {
    let value = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    };
    let written = outcome.written.iter();
    let entries = written.map(|(key, bytes)| (key.to_string(), bytes.as_deref().map_or(Value::Null, value)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Returns all vectors that were run, and all scenarios that were played. `passed` and `failed` count both.
pub(crate) fn report_object(report: &Report) -> Value {
    let goods = report.tried.iter().map(Tried::is_good).chain(report.played.iter().map(Played::is_good));
    let (passed, failed): (Vec<bool>, Vec<bool>) = goods.partition(|is_good| *is_good);
    json!({
        "passed": passed.len(),
        "failed": failed.len(),
        "vectors": report.tried.iter().map(tried).collect::<Vec<_>>(),
        "scenarios": report.played.iter().map(played).collect::<Vec<_>>(),
    })
}

fn played(played: &Played) -> Value {
    let outcome = played.outcome.as_ref().ok();
    let result = match outcome {
        Some(outcome) if outcome.is_broken() => "broken",
        Some(_) => "passed",
        None => "unusable",
    };
    json!({
        "file": played.source.path.display().to_string(),
        "name": played.name(),
        "result": result,
        "why": played.outcome.as_ref().err().map(ToString::to_string),
        "seed": outcome.map(|outcome| outcome.seed),
        "lasted_ms": outcome.map(|outcome| outcome.played.course.lasted_ms),
        "took_ms": outcome.map(|outcome| outcome.took_ms),
        "warnings": outcome.map(|outcome| warning_objects(&played.source, outcome)),
        "expected": outcome.map(|outcome| outcome.verdicts.iter().map(expected_object).collect::<Vec<_>>()),
        "again": played.again,
    })
}

fn tried(tried: &Tried) -> Value {
    let (result, why, deviations) = match &tried.found {
        Found::Passed => ("passed", None, Vec::new()),
        Found::Deviates(deviations) => ("deviates", None, deviations.iter().map(deviation).collect()),
        Found::Impure(why) => ("impure", Some(why), Vec::new()),
        Found::Unusable { why, .. } => ("unusable", Some(why), Vec::new()),
    };
    json!({
        "file": tried.file.display().to_string(),
        "line": tried.line,
        "name": tried.name,
        "result": result,
        "why": why,
        "deviations": deviations,
        "hint": tried.advice(),
        "took_ns": tried.outcome.as_ref().map(|outcome| outcome.ns),
        "fuel": tried.outcome.as_ref().map(|outcome| outcome.fuel),
    })
}

fn deviation(deviation: &Deviation) -> Value {
    let expected = &deviation.expected;
    json!({
        "fact": expected.fact,
        "expected": expected.value,
        "contains": expected.contains,
        "actual": deviation.actual,
    })
}

/// Returns measurements.
pub(crate) fn measured_object(measured: &[Measured]) -> Value {
    let case = |one: &Measured| {
        json!({
            "case": one.name,
            "role": one.role.as_str(),
            "calls": one.calls,
            "fault": one.fault,
            "p50_ns": one.p50_ns,
            "p95_ns": one.p95_ns,
            "p99_ns": one.p99_ns,
            "fuel_max": one.fuel_max,
            "memory_bytes_max": one.memory_bytes_max,
            "calls_per_second": one.per_second,
            "limits": one.rooms.iter().map(room).collect::<Vec<_>>(),
        })
    };
    json!({
        "cases": measured.iter().map(case).collect::<Vec<_>>(),
        "limits": tightest(measured).iter().map(room).collect::<Vec<_>>(),
    })
}

fn room(room: &Room) -> Value {
    let unit = match room.limit.measure() {
        Measure::Bytes => "bytes",
        Measure::Milliseconds => "ns",
        Measure::Count => "count",
    };
    json!({
        "limit": room.limit.name(),
        "unit": unit,
        "used": room.used,
        "most": room.most,
        "head_room": room.factor(),
    })
}
