//! The exact JSON of the schema, read and written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use provost_api::{
    Action, Cause, Decision, Desired, Event, EventKind, Exit, LogItem, LogStream, OrderCause, Phase, Process,
    ProcessOrder, ProcessOutcome, Scope, Signal, Status,
};
use serde_json::{Value, from_value, json, to_value};

/// Asserts that `value` is written as `golden` and that `golden` is read as `value`.
fn is<T>(value: &T, golden: Value)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(to_value(value).unwrap(), golden);
    assert_eq!(&from_value::<T>(golden).unwrap(), value);
}

#[test]
fn a_field_without_a_value_is_present_and_null() {
    let process =
        Process { name: "web".into(), phase: Phase::Stopped, desired: Desired::Down, ..Process::default() };
    is(
        &process,
        json!({
            "name": "web", "type": "", "group": null, "phase": "stopped", "desired": "down", "pid": null, "incarnation": 0,
            "version": 0, "generation": 0, "restarts": 0, "failures": 0, "ready": false, "health": "",
            "failing": null, "exit": null,
            "cause": "", "reason": "", "started_at": null, "ended_at": null, "next_action_at": null,
            "decision": null
        }),
    );
}

#[test]
fn an_exit_is_one_of_three_objects() {
    is(&Exit::Code { code: 3 }, json!({"code": 3}));
    is(&Exit::Signal { signal: 9, name: "SIGKILL".into() }, json!({"signal": 9, "name": "SIGKILL"}));
    is(&Exit::Error { error: "no such file".into() }, json!({"error": "no such file"}));
}

#[test]
fn an_event_has_only_what_belongs_to_its_kind() {
    let event = Event {
        generation: 7,
        at: "2026-11-23T07:00:00.123Z".into(),
        process: "web".into(),
        incarnation: 2,
        kind: EventKind::Decided,
        phase: Phase::Backoff,
        before: Phase::Exited,
        cause: Cause::Policy,
        reason: "second failure".into(),
        decision: Some(Decision {
            action: Action::Restart,
            delay_ms: Some(200),
            scope: Some(Scope::Itself),
            escalation: None,
            by: "backoff".into(),
            reason: "second failure".into(),
            overruled: None,
        }),
        ..Event::default()
    };
    is(
        &event,
        json!({
            "generation": 7, "at": "2026-11-23T07:00:00.123Z", "process": "web", "incarnation": 2,
            "kind": "decided", "phase": "backoff", "before": "exited", "cause": "policy",
            "reason": "second failure", "decision": {
                "action": "restart", "delay_ms": 200, "scope": "itself", "escalation": null, "by": "backoff",
                "reason": "second failure", "overruled": null
            }
        }),
    );
}

#[test]
fn a_gap_has_two_fields() {
    is(
        &Event { kind: EventKind::Missed, count: Some(5), ..Event::default() },
        json!({"kind": "missed", "count": 5}),
    );
}

#[test]
fn a_line_of_output_is_text_or_base64_or_a_gap() {
    let (process, stream, at) = ("web".to_owned(), LogStream::Stdout, "2026-11-23T07:00:00.123Z".to_owned());
    is(
        &LogItem::Text {
            process: process.clone(),
            stream: stream.clone(),
            at: at.clone(),
            text: "hi".into(),
            partial: false,
        },
        json!({"process": "web", "stream": "stdout", "at": "2026-11-23T07:00:00.123Z", "text": "hi"}),
    );
    is(
        &LogItem::Binary { process: process.clone(), stream, at, base64: "/w==".into(), partial: false },
        json!({"process": "web", "stream": "stdout", "at": "2026-11-23T07:00:00.123Z", "base64": "/w=="}),
    );
    is(
        &LogItem::Missed { process: process.clone(), missed: Some(4) },
        json!({"process": "web", "missed": 4}),
    );
    is(
        &LogItem::Missed { process: process.clone(), missed: None },
        json!({"process": "web", "missed": null}),
    );
    is(&LogItem::Cleared { process, cleared: true }, json!({"process": "web", "cleared": true}));
}

#[test]
fn only_the_targets_of_an_order_are_required() {
    let order: ProcessOrder = from_value(json!({"select": ["web"]})).unwrap();
    assert_eq!(order, ProcessOrder { select: vec!["web".into()], ..ProcessOrder::default() });
    assert_eq!(order.cause, OrderCause::Api);
    let full = json!({"select": ["all"], "cause": "user", "wait": true, "timeout_ms": 5, "signal": "HUP"});
    let order: ProcessOrder = from_value(full).unwrap();
    assert_eq!((order.cause, order.signal), (OrderCause::User, Some(Signal::Name("HUP".into()))));
    let numbered: ProcessOrder = from_value(json!({"select": ["all"], "signal": 1})).unwrap();
    assert_eq!(numbered.signal, Some(Signal::Number(1)));
}

#[test]
fn an_outcome_without_an_error_has_error_null() {
    is(
        &ProcessOutcome {
            name: "web".into(),
            ok: true,
            phase: Phase::Running,
            reason: "boot".into(),
            error: None,
        },
        json!({"name": "web", "ok": true, "phase": "running", "reason": "boot", "error": null}),
    );
}

#[test]
fn a_field_that_a_later_host_adds_is_ignored() {
    let status = json!({
        "generation": 1, "taken_at": "", "processes": [], "plugins": [], "mood": "good",
        "host": {"pid": 1, "version": "9", "started_at": "", "socket": "", "config": "", "uptime_ms": 5}
    });
    assert_eq!(from_value::<Status>(status).unwrap().host.version, "9");
    let event = json!({
        "generation": 1, "at": "", "process": "a", "incarnation": 1, "kind": "ready", "phase": "running",
        "before": "starting", "cause": "boot", "reason": "", "colour": "green"
    });
    assert_eq!(from_value::<Event>(event).unwrap().kind, EventKind::Ready);
}

#[test]
fn an_unknown_word_or_form_of_a_later_host_breaks_no_client() {
    for exit in [json!({"mood": "good"}), json!({})] {
        assert_eq!(from_value::<Exit>(exit).unwrap(), Exit::Unknown);
    }
    let item = json!({"process": "web", "mood": "good"});
    assert_eq!(from_value::<LogItem>(item).unwrap(), LogItem::Unknown { process: "web".into() });
    let process = Process { phase: Phase::Other("resting".into()), ..Process::default() };
    let written = to_value(&process).unwrap();
    assert_eq!(written["phase"], "resting");
    assert_eq!(from_value::<Process>(written).unwrap(), process);
}
