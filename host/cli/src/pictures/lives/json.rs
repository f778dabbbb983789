//! The JSON of a history.

use provost_supervisor::rfc3339;
use serde_json::{Value, json};

use super::history::{History, Span};

/// Returns what `-o json` prints; docs/pictures.md describes it.
pub(crate) fn json(history: &History) -> Value {
    let lives = history.lives.iter().map(|life| {
        json!({
            "incarnation": life.number,
            "pid": life.pid,
            "spawned_at": life.spawned.map(rfc3339),
            "ready_at": life.ready.map(rfc3339),
            "ended_at": life.ended.map(rfc3339),
            "exit": life.exit,
            "decision": life.decision,
        })
    });
    json!({
        "process": history.process.name,
        "from": rfc3339(history.from),
        "to": rfc3339(history.to),
        "forgotten": history.forgotten,
        "ready_ms": history.ready_ms(),
        "incarnations": lives.collect::<Vec<_>>(),
        "phases": spans(&history.phases, "phase"),
        "health": spans(&history.healths, "health"),
        "events": history.events,
    })
}

fn spans<T: std::fmt::Display>(spans: &[Span<T>], key: &str) -> Vec<Value> {
    let one = |span: &Span<T>| {
        json!({
            key: span.what.to_string(),
            "from": rfc3339(span.from),
            "to": rfc3339(span.to),
            "reason": span.reason,
        })
    };
    spans.iter().map(one).collect()
}
