//! When a process has to run again, and when it may or must be given up.

use std::sync::Arc;

use provost_state::PhaseKind;
use provost_state::span::exact;

use super::verdict::{Checked, about};
use crate::course::{Life, Track};
use crate::impact::{Affected, calm};

/// Whenever no fault affects a process for `within_ms`, it is ready by then, until the next fault.
pub(super) fn within(
    tracks: &[&Track],
    within_ms: u64,
    lasted_ms: u64,
    affected: &[Affected],
    checked: &mut Checked,
) {
    for track in tracks {
        let of_it: Vec<&Affected> = affected.iter().filter(|one| one.process == track.name).collect();
        for (from_ms, until_ms) in calm(&of_it, lasted_ms) {
            let due_ms = from_ms.saturating_add(within_ms);
            if due_ms >= until_ms {
                continue;
            }
            match first_gap(track, due_ms, until_ms) {
                None => checked.held += 1,
                Some(at_ms) => checked.broken(at_ms, Some(&track.name), || {
                    let (within, since) = (exact(within_ms), about(from_ms));
                    format!("it was not ready although no fault had affected it for {within}, since {since}")
                }),
            }
        }
    }
}

/// Returns the first time from `from_ms` on and before `until_ms` at which a process should be ready and is not.
fn first_gap(track: &Track, from_ms: u64, until_ms: u64) -> Option<u64> {
    let mut at_ms = from_ms;
    while at_ms < until_ms {
        let covered_until = covered(track, at_ms)?;
        match covered_until {
            Covered::Until(next_ms) if next_ms > at_ms => at_ms = next_ms,
            Covered::Until(_) | Covered::No => return Some(at_ms),
        }
    }
    None
}

enum Covered {
    /// It is ready, not wanted, or done, until this time.
    Until(u64),
    /// It should be ready, and is not.
    No,
}

/// Returns until when a process does what it should from `at_ms` on; `None` if it does so to the end.
fn covered(track: &Track, at_ms: u64) -> Option<Covered> {
    let unwanted = track
        .unwanted
        .iter()
        .find(|(from_ms, until)| *from_ms <= at_ms && until.is_none_or(|until_ms| at_ms < until_ms));
    if let Some((_, until)) = unwanted {
        return until.map(Covered::Until);
    }
    let after = track.lives.partition_point(|life| life.started_ms <= at_ms);
    let Some(life) = after.checked_sub(1).and_then(|last| track.lives.get(last)) else {
        return Some(Covered::No);
    };
    let next_ms = track.lives.get(after).map(|life| life.started_ms);
    match &life.end {
        None if is_ready(life, at_ms) => None,
        Some(end) if at_ms < end.at_ms && is_ready(life, at_ms) => Some(Covered::Until(end.at_ms)),
        // It is done; what follows begins a new life.
        Some(end) if at_ms >= end.at_ms && is_done(track, life) => next_ms.map(Covered::Until),
        _ if track.is_job => next_ms.map(Covered::Until),
        _ => Some(Covered::No),
    }
}

fn is_ready(life: &Life, at_ms: u64) -> bool {
    life.ready_ms.is_some_and(|ready_ms| ready_ms <= at_ms)
}

/// Whether a policy has left the process down after this life, and it was a success.
fn is_done(track: &Track, life: &Life) -> bool {
    let is_success = life.end.as_ref().is_some_and(|end| end.exit.is_success());
    let decision = track.decision_on(life.incarnation);
    is_success && decision.is_none_or(|made| made.delay_ms().is_none()) && track.phase != PhaseKind::Fatal
}

/// No process is restarted after `failures` failures in a row.
pub(super) fn gives_up(tracks: &[&Track], failures: u32, checked: &mut Checked) {
    for track in tracks {
        for made in track.decisions.iter().filter(|made| made.failures >= failures) {
            match made.delay_ms() {
                None => checked.held += 1,
                Some(_) => checked.broken(made.at_ms, Some(&track.name), || {
                    format!("it is restarted after {} failures in a row: {}", made.failures, made.reason)
                }),
            }
        }
    }
}

/// No process is restarted that has ended with exit code 0.
pub(super) fn leaves_success(tracks: &[&Track], checked: &mut Checked) {
    for track in tracks {
        for made in track.decisions.iter().filter(|made| made.exit.is_success()) {
            match made.delay_ms() {
                None => checked.held += 1,
                Some(_) => checked.broken(made.at_ms, Some(&track.name), || {
                    format!("it is restarted although it has ended with success: {}", made.reason)
                }),
            }
        }
    }
}

/// No life ends in a failure unless it was told to end.
pub(super) fn never_fails(tracks: &[&Track], checked: &mut Checked) {
    for track in tracks {
        for (life, end) in track.lives.iter().filter_map(|life| Some((life, life.end.as_ref()?))) {
            if end.is_asked || end.exit.is_success() {
                checked.held += 1;
            } else {
                checked.broken(end.at_ms, Some(&track.name), || {
                    let lived = about(end.at_ms.saturating_sub(life.started_ms));
                    format!("life {} failed after {lived}: {}", life.incarnation, end.exit)
                });
            }
        }
    }
}

/// Returns when lives of a process have ended, and when somebody has decided about that.
fn ends(track: &Track) -> impl Iterator<Item = u64> {
    let ends = track.lives.iter().filter_map(|life| life.end.as_ref()).map(|end| end.at_ms);
    ends.chain(track.decisions.iter().map(|made| made.at_ms))
}

/// No process is given up while the fault called `fault` affects it.
pub(super) fn keeps_on(tracks: &[&Track], fault: &str, affected: &[Affected], checked: &mut Checked) {
    for track in tracks {
        let is_of_it = |one: &&Affected| one.process == track.name && *one.fault == *fault;
        for Affected { from_ms, until_ms, .. } in affected.iter().filter(is_of_it) {
            let is_within = |at_ms: u64| at_ms >= *from_ms && at_ms <= *until_ms;
            match track.given_up.iter().find(|given_up| is_within(given_up.at_ms)) {
                // Only where something has ended could something have been given up.
                None if ends(track).any(is_within) => checked.held += 1,
                None => {}
                Some(given_up) => checked.broken(given_up.at_ms, Some(&track.name), || {
                    let reason: &Arc<str> = &given_up.reason;
                    format!("it was given up while the fault `{fault}` lasted: {reason}")
                }),
            }
        }
    }
}
