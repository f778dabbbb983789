//! Tests of the conversion of processes and their changes.

use provost_state::{
    At, Backend, Cause, Event, Exit, FaultKind, Identity, Incarnation, Moment, PhaseKind, ProcessId, Reader,
    Registry, Ruling, RulingAction, registry,
};
use provost_supervisor::rfc3339;
use serde_json::to_value;

use super::*;

/// The wall time of every event here, in milliseconds: 2026-11-23T07:00:00.123Z.
const NOW_MS: u64 = 1_795_417_200_123;

fn moment() -> Moment {
    Moment { wall_ms: NOW_MS, mono_ns: 1 }
}

fn commit(registry: &Registry, reader: &Reader, id: ProcessId, event: &Event) {
    let version = reader.snapshot().get(id).unwrap().version;
    let incarnation = reader.snapshot().get(id).unwrap().incarnation;
    registry.commit(id, At { incarnation, version }, event, moment()).unwrap();
}

/// Returns a process whose child was killed, with a decision about it.
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
        Event::Exited { exit: Exit::Signal(9), out_of_memory: false },
        Event::Decided { ruling: ruling.into() },
    ] {
        commit(&registry, &reader, id, &event);
    }
    (reader, id)
}

#[test]
fn setting_the_clock_keeps_the_distance_of_every_time() {
    let begun = moment();
    let later = begun.plus_ms(60_000);
    let time_at = |moment, now| time_at(moment, Wall::at(now)).to_string();
    assert_eq!(time_at(begun, later), rfc3339(NOW_MS));
    let set_back = Moment { wall_ms: later.wall_ms - 3_600_000, ..later };
    assert_eq!(time_at(begun, set_back), rfc3339(NOW_MS + 60_000 - 3_600_000 - 60_000));
    assert_eq!(time_at(later.plus_ms(16_000), set_back), rfc3339(set_back.wall_ms + 16_000));
    let set_forward = Moment { wall_ms: later.wall_ms + 86_400_000, ..later };
    assert_eq!(time_at(begun, set_forward), rfc3339(set_forward.wall_ms - 60_000));
}

#[test]
fn the_anchor_moves_only_when_the_clock_was_set() {
    let begun = moment();
    let anchor = Anchor::new(begun);
    let first = anchor.at(begun);
    let later = begun.plus_ms(60_000);
    let at = |wall_ms| anchor.at(Moment { wall_ms, ..later });
    assert_eq!([at(later.wall_ms + 500), at(later.wall_ms - 500)], [first, first]);
    let set = at(later.wall_ms + 501);
    assert_ne!(set, first);
    assert_eq!(at(later.wall_ms + 900), set);
    assert_eq!(at(later.wall_ms), first, "it was set back");
}

#[test]
fn each_event_has_the_fields_of_its_kind() {
    let (reader, _) = killed();
    let page = reader.changes_since(provost_state::Generation(0), 100);
    let events: Vec<_> =
        page.changes.iter().map(|change| to_value(event(change, Wall::at(moment()))).unwrap()).collect();
    let special = |event: &serde_json::Value| {
        let of = |field: &str| event.get(field).map(|_| field.to_owned());
        ["pid", "exit", "decision", "count"].into_iter().find_map(of).unwrap_or_default()
    };
    let kinds: Vec<_> = events.iter().map(|it| (it["kind"].as_str().unwrap(), special(it))).collect();
    let expected = [
        ("added", ""),
        ("start", ""),
        ("spawned", "pid"),
        ("ready", ""),
        ("exited", "exit"),
        ("decided", "decision"),
    ];
    assert_eq!(kinds, expected.map(|(kind, field)| (kind, field.to_owned())));
    assert_eq!(events[4]["before"], "running");
    assert_eq!(events[4]["incarnation"], Incarnation(1).0);
}

#[test]
fn the_times_of_changes_stay_in_order_after_the_clock_was_set_back() {
    let (registry, reader) = registry(|| 0);
    let id = registry.add(Identity::new("web", ""), moment()).unwrap().id;
    let set_back = Moment { wall_ms: NOW_MS - 3_600_000, ..moment().plus_ms(60_000) };
    let state = reader.snapshot().get(id).unwrap().clone();
    let at = At { incarnation: state.incarnation, version: state.version };
    let start = Event::Start { cause: Cause::Boot, reason: "boot".into() };
    registry.commit(id, at, &start, set_back).unwrap();
    let page = reader.changes_since(provost_state::Generation(0), 100);
    let times: Vec<_> = page.changes.iter().map(|change| event(change, Wall::at(set_back)).at).collect();
    assert_eq!(times, ["2026-11-23T05:59:00.123Z", "2026-11-23T06:00:00.123Z"]);
}

#[test]
fn every_word_of_the_state_is_the_same_in_the_api() {
    for kind in [
        PhaseKind::Stopped,
        PhaseKind::Waiting,
        PhaseKind::Starting,
        PhaseKind::Running,
        PhaseKind::Stopping,
        PhaseKind::Backoff,
        PhaseKind::Exited,
        PhaseKind::Fatal,
    ] {
        assert_eq!(phase(kind).as_str(), kind.as_str());
    }
    for one in Backend::ALL {
        assert_eq!(backend(one).as_str(), one.as_str());
    }
    for kind in FaultKind::ALL {
        assert_eq!(plugins::fault_kind(kind).as_str(), kind.as_str());
    }
}
