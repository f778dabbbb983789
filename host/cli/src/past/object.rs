//! A record in JSON: one object, with its kind and its time. A change has the fields of an event of the API.

use provost_api as api;
use provost_control::{past_event, past_process};
use provost_journal::{Commit, Entry, Record};
use provost_plugin_host::hex;
use provost_state::{Answer, Asked, Judged, Moment, Noted, PluginNote, Sample, Trigger, Usage};
use provost_supervisor::rfc3339;
use serde_json::{Map, Value, json};

/// Returns the event of a commit.
pub(super) fn event(commit: &Commit) -> api::Event {
    past_event(commit.kind, commit.from, &commit.state)
}

/// Returns a record as an object.
pub(crate) fn object(entry: &Entry) -> Value {
    let body = match &entry.record {
        Record::Commit(commit) => json!(event(commit)),
        Record::Checkpoint { generation, processes, .. } => {
            json!({ "generation": generation.0, "processes": processes })
        }
        Record::Standing(state) => json!({ "process": state.name(), "state": past_process(state) }),
        Record::InForce { plugin, .. } => changed(plugin),
        Record::Gap(gap) => json!({
            "reason": gap.reason.as_str(),
            "count": (gap.count > 0).then_some(gap.count),
        }),
        Record::Note(note) => noted(&note.what, note.after.0),
    };
    let at = entry.record.at();
    let mut object = Map::new();
    object.insert("seq".to_owned(), entry.seq.into());
    object.insert("kind".to_owned(), entry.record.kind().as_str().into());
    object.insert("at".to_owned(), rfc3339(at.wall_ms).into());
    object.insert("mono_ns".to_owned(), at.mono_ns.into());
    if let Value::Object(body) = body {
        // A change has its own kind.
        object.extend(body);
    }
    Value::Object(object)
}

fn noted(what: &Noted, after: u64) -> Value {
    match what {
        Noted::Decision(judged) => decision(judged, after),
        Noted::Order(ordered) => json!({
            "after": after,
            "process": Some(&ordered.name).filter(|name| !name.is_empty()),
            "order": ordered.order,
            "reason": ordered.detail,
        }),
        Noted::Plugin(plugin) => {
            let mut object = changed(plugin);
            object["after"] = after.into();
            object
        }
        Noted::Reload { outcome } => json!({ "after": after, "outcome": outcome }),
        Noted::Backend { before, now } => {
            let routing = |of: &provost_state::Routing| json!({ "backend": of.backend.as_str(), "rollout": of.rollout.percent() });
            json!({ "after": after, "before": routing(before), "now": routing(now) })
        }
        Noted::HostStarted { pid, version } => json!({ "pid": pid, "version": version }),
        Noted::HostEnded { code } => json!({ "after": after, "code": code }),
    }
}

/// Returns the last change of a plugin.
fn changed(plugin: &PluginNote) -> Value {
    json!({
        "plugin": plugin.name,
        "action": plugin.action,
        "version": plugin.version,
        "digest": Some(&plugin.digest).filter(|digest| !digest.is_empty()),
    })
}

/// Returns a decision with all of its inputs.
fn decision(judged: &Judged, after: u64) -> Value {
    json!({
        "after": after,
        "process": judged.trigger.name(),
        "world": judged.world.0,
        "trigger": trigger(&judged.trigger),
        "asked": judged.asked.iter().map(asked).collect::<Vec<_>>(),
        "action": judged.action.to_string(),
        "by": judged.by,
        "reason": judged.reason,
        "overruled": judged.overruled,
    })
}

fn asked(asked: &Asked) -> Value {
    let answer = match &asked.answer {
        Answer::Wanted(action) => json!({ "wanted": action.to_string() }),
        Answer::Passed => json!({ "passed": true }),
        Answer::Failed { kind, why } => json!({ "fault": kind.map(|kind| kind.as_str()), "why": why }),
    };
    let basis = asked.basis.as_ref().map(|basis| {
        json!({
            "component": hex(&basis.source.component),
            "settings": hex(&basis.source.settings),
            "engine": format!("{:016x}", basis.source.engine),
            "memory_version": basis.memory_version,
            "fuel": basis.fuel,
        })
    });
    json!({ "policy": asked.name, "version": asked.version, "basis": basis, "answer": answer })
}

fn moment(at: Moment) -> Value {
    json!({ "at": rfc3339(at.wall_ms), "mono_ns": at.mono_ns })
}

/// Returns a trigger with the fields that the policies were given. The seed is a text, because it does not fit in a number of
/// every program that reads JSON.
fn trigger(trigger: &Trigger) -> Value {
    match trigger {
        Trigger::Exit(it) => json!({
            "on": "exit", "incarnation": it.incarnation.0, "exit": it.exit.to_string(), "uptime_ms": it.uptime_ms,
            "was_ready": it.was_ready, "failures": it.failures, "restarts": it.restarts, "now": moment(it.now),
            "seed": it.seed.to_string(),
        }),
        Trigger::Start(it) => json!({
            "on": "start", "incarnation": it.incarnation.0, "cause": it.cause.as_str(), "waited_ms": it.waited_ms,
            "failures": it.failures, "now": moment(it.now), "seed": it.seed.to_string(),
        }),
        Trigger::Probe(it) => json!({
            "on": "probe", "incarnation": it.incarnation.0, "passed": it.passed, "detail": it.detail,
            "took_ms": it.took_ms, "in_a_row": it.in_a_row, "before": it.before.as_str(),
            "uptime_ms": it.uptime_ms, "now": moment(it.now), "seed": it.seed.to_string(),
        }),
        Trigger::Scale(it) => json!({
            "on": "scale", "wanted": it.wanted, "running": it.running, "min": it.least, "max": it.most,
            "now": moment(it.now), "seed": it.seed.to_string(),
        }),
        Trigger::Usage(it) => sample(it),
    }
}

fn sample(it: &Sample) -> Value {
    json!({
        "on": "usage", "incarnation": it.incarnation.0, "usage": usage(&it.usage),
        "former": it.former.iter().map(usage).collect::<Vec<_>>(), "uptime_ms": it.uptime_ms,
        "now": moment(it.now), "seed": it.seed.to_string(),
    })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "at": rfc3339(usage.at.wall_ms), "mono_ns": usage.at.mono_ns, "cpu_ms": usage.cpu_ms,
        "cpu_millis": usage.cpu_millis, "rss_bytes": usage.rss_bytes, "pss_bytes": usage.pss_bytes,
        "fds": usage.fds, "threads": usage.threads, "members": usage.members,
    })
}
