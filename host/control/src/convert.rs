//! State to wire, and nothing the other way.

use provost_state::{
    Change, ChangeKind, Escalation, EventKind, Exit, Failing, Latency, Moment, PhaseKind, ProcessState,
    Ruling, RulingAction, Scope, Snapshot, process::signal_name,
};
use provost_supervisor::{Leftover, LogItem, LogStream, ReplicaCount, Trouble, rfc3339};

use crate::wire;

/// If the clocks have gone apart by more than this since a moment, the one for people was set; less is its ordinary
/// correction.
const CLOCK_SET_MS: u64 = 2_000;

pub(crate) fn lack(trouble: &Trouble) -> wire::Lack {
    let Trouble { what, reason, since_ms } = trouble;
    wire::Lack { what: what.to_string(), reason: reason.to_string(), since: rfc3339(*since_ms) }
}

pub(crate) fn left(leftover: &Leftover) -> wire::Left {
    let Leftover { process, pid, reason } = leftover;
    let process = process.as_ref().map(ToString::to_string);
    wire::Left { process, pid: Some(*pid), reason: reason.to_string() }
}

pub(crate) fn replicas(set: &ReplicaCount, world: &Snapshot) -> wire::Replicas {
    let ReplicaCount { name, wanted, least, most, .. } = set;
    let replicas = (1..=*most).filter_map(|number| world.by_name(&format!("{name}.{number}")));
    let running = replicas.filter(|state| state.phase.kind() == PhaseKind::Running).count();
    wire::Replicas {
        name: name.to_string(),
        wanted: *wanted,
        running: u32::try_from(running).unwrap_or(*most),
        least: *least,
        most: *most,
    }
}

/// A process, for whoever looks at its times at `now` by a clock that may have been set since they were noted.
pub(crate) fn process(state: &ProcessState, now: Moment) -> wire::Process {
    let time = |moment| time_at(moment, now);
    wire::Process {
        name: state.name().to_string(),
        process_type: state.identity.process_type.as_str().to_owned(),
        group: (!state.group().is_empty()).then(|| state.group().to_string()),
        phase: state.phase.kind().as_str().to_owned(),
        desired: state.desired.as_str().to_owned(),
        pid: state.pid(),
        incarnation: state.incarnation.0,
        version: state.version.0,
        generation: state.generation.0,
        restarts: state.restarts,
        failures: state.failures,
        ready: state.ready(),
        health: state.health.as_str().to_owned(),
        failing: state.failing.as_deref().map(|it| failing(it, now)),
        exit: state.exit.as_ref().map(exit),
        cause: state.cause.as_str().to_owned(),
        reason: state.reason.to_string(),
        started_at: state.started_at.map(time),
        ended_at: state.ended_at.map(time),
        next_action_at: state.next_action_at().map(time),
        decision: state.decision.as_deref().map(decision),
    }
}

/// The time of a moment by the clock as it is set `now`: as far away as the monotonic clock says.
pub(crate) fn time_at(moment: Moment, now: Moment) -> String {
    let since = (i128::from(moment.mono_ns) - i128::from(now.mono_ns)) / 1_000_000;
    let seen = u64::try_from(i128::from(now.wall_ms) + since).unwrap_or(0);
    let was_set = seen.abs_diff(moment.wall_ms) > CLOCK_SET_MS;
    rfc3339(if was_set { seen } else { moment.wall_ms })
}

fn failing(failing: &Failing, now: Moment) -> wire::Failing {
    wire::Failing { why: failing.why.to_string(), since: time_at(failing.since, now) }
}

fn exit(exit: &Exit) -> wire::Exit {
    match exit {
        Exit::Code(code) => wire::Exit::Code { code: *code },
        Exit::Signal(signal) => wire::Exit::Signal { signal: *signal, name: signal_name(*signal) },
        Exit::NotSpawned(error) => wire::Exit::Error { error: error.to_string() },
        Exit::NotReady(_) | Exit::Unobserved => wire::Exit::Error { error: exit.to_string() },
    }
}

fn decision(ruling: &Ruling) -> wire::Decision {
    let (action, delay_ms) = match ruling.action {
        RulingAction::Restart { delay_ms, .. } => ("restart", Some(delay_ms)),
        RulingAction::StayDown => ("stay-down", None),
        RulingAction::GiveUp(_) => ("give-up", None),
    };
    let scope = match ruling.action {
        RulingAction::Restart { scope, .. } => Some(match scope {
            Scope::Itself => "itself",
            Scope::Group => "group",
            Scope::Rest => "rest",
        }),
        RulingAction::StayDown | RulingAction::GiveUp(_) => None,
    };
    let escalation = match ruling.action {
        RulingAction::GiveUp(escalation) => Some(match escalation {
            Escalation::Nothing => "nothing",
            Escalation::StopDependents => "stop-dependents",
            Escalation::GiveUpGroup => "give-up-group",
            Escalation::ShutDown { .. } => "shut-down",
        }),
        RulingAction::Restart { .. } | RulingAction::StayDown => None,
    };
    wire::Decision {
        action: action.to_owned(),
        delay_ms,
        scope: scope.map(str::to_owned),
        escalation: escalation.map(str::to_owned),
        by: ruling.by.to_string(),
        reason: ruling.reason.to_string(),
        overruled: ruling.overruled.as_deref().map(str::to_owned),
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Event(EventKind::Start) => "start",
        ChangeKind::Event(EventKind::Stop) => "stop",
        ChangeKind::Event(EventKind::Wait) => "waiting",
        ChangeKind::Event(EventKind::Spawned) => "spawned",
        ChangeKind::Event(EventKind::SpawnFailed) => "spawn_failed",
        ChangeKind::Event(EventKind::NotReady) => "not_ready",
        ChangeKind::Event(EventKind::Overdue) => "overdue",
        ChangeKind::Event(EventKind::Ready) => "ready",
        ChangeKind::Event(EventKind::Exited) => "exited",
        ChangeKind::Event(EventKind::Decided) => "decided",
        ChangeKind::Event(EventKind::Refused) => "refused",
        ChangeKind::Event(EventKind::Health) => "health",
        ChangeKind::Event(EventKind::TakenOver) => "taken_over",
    }
}

/// A change, with its time as of `now`.
pub(crate) fn event(change: &Change, now: Moment) -> wire::Event {
    let state = &change.state;
    let is = |wanted| change.kind == ChangeKind::Event(wanted);
    wire::Event {
        generation: change.generation.0,
        at: time_at(state.changed_at, now),
        process: state.name().to_string(),
        incarnation: state.incarnation.0,
        kind: kind(change.kind).to_owned(),
        phase: state.phase.kind().as_str().to_owned(),
        before: change.from.as_str().to_owned(),
        cause: state.cause.as_str().to_owned(),
        reason: state.reason.to_string(),
        pid: state.pid().filter(|_| is(EventKind::Spawned)),
        exit: state.exit.as_ref().filter(|_| is(EventKind::Exited) || is(EventKind::SpawnFailed)).map(exit),
        decision: state.decision.as_deref().filter(|_| is(EventKind::Decided)).map(decision),
        count: None,
    }
}

/// The line that stands for changes which are no longer remembered.
pub(crate) fn missed(count: u64) -> wire::Event {
    wire::Event { kind: wire::MISSED.to_owned(), count: Some(count), ..wire::Event::default() }
}

pub(crate) fn latency(latency: &Latency) -> wire::Latency {
    let Latency { timed, p50_ns, p95_ns, p99_ns, max_ns } = *latency;
    wire::Latency { timed, p50_ns, p95_ns, p99_ns, max_ns }
}

/// A line of a log as the API gives it.
#[must_use]
pub fn log_item(item: LogItem) -> wire::LogItem {
    let line = match item {
        LogItem::Missed { process, lines } => {
            return wire::LogItem::Missed { process: process.to_string(), missed: lines };
        }
        LogItem::Cleared { process } => {
            return wire::LogItem::Cleared { process: process.to_string(), cleared: true };
        }
        LogItem::Line(line) => line,
    };
    let process = line.process.to_string();
    let stream = match line.stream {
        LogStream::Out => "stdout",
        LogStream::Err => "stderr",
    };
    let (stream, at, partial) = (stream.to_owned(), rfc3339(line.at_ms), line.partial);
    match std::str::from_utf8(&line.text) {
        Ok(text) => wire::LogItem::Text { process, stream, at, text: text.to_owned(), partial },
        Err(_) => {
            use base64::Engine as _;
            let base64 = base64::engine::general_purpose::STANDARD.encode(&line.text);
            wire::LogItem::Binary { process, stream, at, base64, partial }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_state::{At, Cause, Event, Identity, Incarnation, ProcessId, Reader, Registry, registry};
    use serde_json::{json, to_value};

    /// Milliseconds of the clock at which everything here happens: 2026-11-23T07:00:00.123Z.
    const NOW_MS: u64 = 1_795_417_200_123;

    fn moment() -> Moment {
        Moment { wall_ms: NOW_MS, mono_ns: 1 }
    }

    fn commit(registry: &Registry, reader: &Reader, id: ProcessId, event: &Event) {
        let version = reader.snapshot().get(id).unwrap().version;
        let incarnation = reader.snapshot().get(id).unwrap().incarnation;
        registry.commit(id, At { incarnation, version }, event, moment()).unwrap();
    }

    /// A life that was killed, and what was decided about it.
    fn killed() -> (Reader, ProcessId) {
        let (registry, reader) = registry(|| 0);
        let identity = Identity::new("web", "");
        let id = registry.add(identity, moment()).unwrap().id;
        let ruling = Ruling {
            action: RulingAction::restart(200),
            by: "backoff".into(),
            reason: "first failure".into(),
            overruled: Some("tyrant trapped".into()),
        };
        for event in [
            Event::Start { cause: Cause::Boot, reason: "boot".into() },
            Event::Spawned { pid: 42, reason: "boot".into() },
            Event::Ready { reason: "it listens".into() },
            Event::Exited { exit: Exit::Signal(9) },
            Event::Decided { ruling: ruling.into() },
        ] {
            commit(&registry, &reader, id, &event);
        }
        (reader, id)
    }

    #[test]
    fn times_are_as_far_away_as_they_were_when_the_clock_has_been_set() {
        let begun = moment();
        let later = begun.plus_ms(60_000);
        assert_eq!(time_at(begun, later), rfc3339(NOW_MS));
        let set_back = Moment { wall_ms: later.wall_ms - 3_600_000, ..later };
        assert_eq!(time_at(begun, set_back), rfc3339(NOW_MS + 60_000 - 3_600_000 - 60_000));
        assert_eq!(time_at(later.plus_ms(16_000), set_back), rfc3339(set_back.wall_ms + 16_000));
        let set_forward = Moment { wall_ms: later.wall_ms + 86_400_000, ..later };
        assert_eq!(time_at(begun, set_forward), rfc3339(set_forward.wall_ms - 60_000));
    }

    #[test]
    fn a_process_is_told_with_all_that_its_state_knows() {
        let (reader, id) = killed();
        let golden = json!({
            "name": "web", "type": "service", "group": null, "phase": "backoff", "desired": "up", "pid": null, "incarnation": 1,
            "version": 5, "generation": 6, "restarts": 1, "failures": 1, "ready": false, "health": "unknown", "failing": null,
            "exit": {"signal": 9, "name": "SIGKILL"}, "cause": "policy",
            "reason": "tyrant trapped; backoff: first failure",
            "started_at": "2026-11-23T07:00:00.123Z", "ended_at": "2026-11-23T07:00:00.123Z",
            "next_action_at": "2026-11-23T07:00:00.323Z",
            "decision": {
                "action": "restart", "delay_ms": 200, "scope": "itself", "escalation": null, "by": "backoff", "reason": "first failure",
                "overruled": "tyrant trapped"
            }
        });
        assert_eq!(to_value(process(reader.snapshot().get(id).unwrap(), moment())).unwrap(), golden);
    }

    #[test]
    fn each_event_has_what_belongs_to_its_kind() {
        let (reader, _) = killed();
        let page = reader.changes_since(provost_state::Generation(0), 100);
        let told: Vec<_> =
            page.changes.iter().map(|change| to_value(event(change, moment())).unwrap()).collect();
        let special = |event: &serde_json::Value| {
            let of = |field: &str| event.get(field).map(|_| field.to_owned());
            ["pid", "exit", "decision", "count"].into_iter().find_map(of).unwrap_or_default()
        };
        let kinds: Vec<_> = told.iter().map(|it| (it["kind"].as_str().unwrap(), special(it))).collect();
        let expected = [
            ("added", ""),
            ("start", ""),
            ("spawned", "pid"),
            ("ready", ""),
            ("exited", "exit"),
            ("decided", "decision"),
        ];
        assert_eq!(kinds, expected.map(|(kind, field)| (kind, field.to_owned())));
        assert_eq!(told[4]["before"], "running");
        assert_eq!(told[4]["incarnation"], Incarnation(1).0);
    }

    #[test]
    fn the_changes_of_before_come_in_the_order_of_time_after_the_clock_was_set_back() {
        let (registry, reader) = registry(|| 0);
        let id = registry.add(Identity::new("web", ""), moment()).unwrap().id;
        let set_back = Moment { wall_ms: NOW_MS - 3_600_000, ..moment().plus_ms(60_000) };
        let state = reader.snapshot().get(id).unwrap().clone();
        let at = At { incarnation: state.incarnation, version: state.version };
        let start = Event::Start { cause: Cause::Boot, reason: "boot".into() };
        registry.commit(id, at, &start, set_back).unwrap();
        let page = reader.changes_since(provost_state::Generation(0), 100);
        let times: Vec<_> = page.changes.iter().map(|change| event(change, set_back).at).collect();
        assert_eq!(times, ["2026-11-23T05:59:00.123Z", "2026-11-23T06:00:00.123Z"]);
    }
}
