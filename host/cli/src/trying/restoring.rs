//! Converts what the API says about processes, exits and usage back into states. A plugin cannot tell a restored state from the
//! original, except that the code of a decision to shut the host down is not known.

use std::sync::Arc;

use provost_api as api;
use provost_state::{
    Change, ChangeKind, Death, Deaths, Desired, Escalation, EventKind, Exit, Failing, Generation, Identity,
    Incarnation, Moment, PhaseKind, ProcessId, ProcessState, ProcessType, Ruling, RulingAction, Scope, Usage,
    Version,
};

use super::error::TryError;
use super::words::{CAUSES, HEALTHS, PHASES, meaning};
use super::world::{in_phase, moment};
use crate::render::humane::unix_ms;

/// The process id of a child whose snapshot does not say it.
const PID: u32 = 1_000_000;

fn unknown(what: &str, word: impl std::fmt::Display) -> TryError {
    TryError::case(
        format!("the snapshot has an unknown {what}: `{word}`"),
        "it may have been written by a newer version, or edited",
    )
}

/// Reads a time of the API.
pub(super) fn at(time: &str) -> Result<Moment, TryError> {
    unix_ms(time).map(moment).ok_or_else(|| unknown("time", time))
}

fn maybe_at(time: Option<&str>) -> Result<Option<Moment>, TryError> {
    time.map(at).transpose()
}

/// Returns the states of a snapshot, and what had to be made up.
pub(crate) fn states(snapshot: &api::PluginSnapshot) -> Result<(Vec<ProcessState>, Vec<String>), TryError> {
    let mut notes = Vec::new();
    let mut states = Vec::with_capacity(snapshot.processes.len());
    for api::SnapshotProcess { process, deaths } in &snapshot.processes {
        let mut state = state(process)?;
        state.deaths = match deaths {
            Some(deaths) => deaths.iter().map(death).collect::<Result<Vec<_>, _>>()?.into_iter().collect(),
            None => {
                let made_up = made_up_deaths(&state);
                if !made_up.is_empty() {
                    let count = made_up.len();
                    notes.push(format!(
                        "the snapshot has no deaths of {}: {count} made up from its failures and its last end",
                        state.name()
                    ));
                }
                made_up
            }
        };
        states.push(state);
    }
    Ok((states, notes))
}

/// Makes up the tally of a process whose deaths are not known: as many failures as it has, each life as long as the last one.
fn made_up_deaths(state: &ProcessState) -> Deaths {
    let (Some(exit), Some(started), Some(ended)) = (&state.exit, state.started_at, state.ended_at) else {
        // It runs, or it was never started: when it failed before is not known.
        let at = state.started_at.unwrap_or(state.changed_at);
        return (0..state.failures)
            .map(|before| Death {
                incarnation: Incarnation(state.incarnation.0.saturating_sub(1 + u64::from(before))),
                exit: Exit::Code(1),
                at,
                uptime_ms: 0,
            })
            .collect();
    };
    let uptime_ms = ended.wall_ms.saturating_sub(started.wall_ms);
    (0..u64::from(state.failures))
        .map(|before| Death {
            incarnation: Incarnation(state.incarnation.0.saturating_sub(before)),
            exit: exit.clone(),
            at: moment(ended.wall_ms.saturating_sub(uptime_ms.saturating_mul(before))),
            uptime_ms,
        })
        .collect()
}

fn death(from: &api::Death) -> Result<Death, TryError> {
    Ok(Death {
        incarnation: Incarnation(from.incarnation),
        exit: exit(&from.exit)?,
        at: at(&from.at)?,
        uptime_ms: from.uptime_ms,
    })
}

/// Reads an exit of the API.
pub(super) fn exit(from: &api::Exit) -> Result<Exit, TryError> {
    const NOT_READY: &str = "did not become ready in time: ";
    Ok(match from {
        api::Exit::Code { code } => Exit::Code(*code),
        api::Exit::Signal { signal, .. } => Exit::Signal(*signal),
        api::Exit::Error { error } if *error == Exit::Unobserved.to_string() => Exit::Unobserved,
        api::Exit::Error { error } => match error.strip_prefix(NOT_READY) {
            Some(why) => Exit::NotReady(why.into()),
            None => Exit::NotSpawned(error.as_str().into()),
        },
        api::Exit::Unknown => return Err(unknown("exit", "{}")),
    })
}

/// Reads the result of health checks of the API.
pub(super) fn health(from: &api::Health) -> Result<provost_state::Health, TryError> {
    meaning(&HEALTHS, from.as_str()).ok_or_else(|| unknown("health", from))
}

/// Reads a cause of the API.
pub(super) fn cause(from: &api::Cause) -> Result<provost_state::Cause, TryError> {
    meaning(&CAUSES, from.as_str()).ok_or_else(|| unknown("cause", from))
}

fn phase(from: &api::Phase) -> Result<PhaseKind, TryError> {
    meaning(&PHASES, from.as_str()).ok_or_else(|| unknown("phase", from))
}

/// Reads what a process uses.
pub(super) fn usage(from: &api::ProcessUsage) -> Result<Usage, TryError> {
    Ok(Usage {
        at: at(&from.at)?,
        cpu_ms: from.cpu_ms,
        cpu_millis: thousandths(from.cpu),
        rss_bytes: from.rss_bytes,
        pss_bytes: from.pss_bytes,
        fds: from.fds,
        threads: from.threads,
        members: from.members,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number that is too large or negative saturates"
)]
fn thousandths(cores: f64) -> u32 {
    (cores * 1_000.0).round() as u32
}

/// Reads a change of the API, with the process after it.
pub(super) fn change(from: &api::PluginEvent) -> Result<Change, TryError> {
    let kind = kind(&from.kind)?;
    let state = ProcessState { changed_at: at(&from.at)?, ..state(&from.process)? };
    Ok(Change::new(kind, phase(&from.before)?, Arc::new(state)))
}

fn kind(from: &api::EventKind) -> Result<ChangeKind, TryError> {
    let kinds = EventKind::ALL.into_iter().map(ChangeKind::Event);
    let mut all = [ChangeKind::Added, ChangeKind::Removed].into_iter().chain(kinds);
    all.find(|kind| provost_control::event_kind(*kind) == *from)
        .ok_or_else(|| unknown("kind of change", from))
}

/// Reads a process of the API, without its deaths.
fn state(from: &api::Process) -> Result<ProcessState, TryError> {
    let exit = from.exit.as_ref().map(exit).transpose()?;
    let identity = Identity::new(from.name.as_str(), from.group.as_deref().unwrap_or_default());
    let identity = identity.of_type(process_type(from, exit.as_ref()));
    let next = maybe_at(from.next_action_at.as_deref())?;
    let started_at = maybe_at(from.started_at.as_deref())?;
    let ended_at = maybe_at(from.ended_at.as_deref())?;
    let changed_at = ended_at.or(started_at).unwrap_or_default();
    let failing = from.failing.as_ref().map(|failing| {
        Ok::<_, TryError>(Arc::new(Failing { why: failing.why.as_str().into(), since: at(&failing.since)? }))
    });
    Ok(ProcessState {
        incarnation: Incarnation(from.incarnation),
        version: Version(from.version),
        generation: Generation(from.generation),
        desired: if from.desired == api::Desired::Up { Desired::Up } else { Desired::Down },
        phase: in_phase(phase(&from.phase)?, from.pid.unwrap_or(PID), next.unwrap_or(changed_at)),
        cause: cause(&from.cause)?,
        reason: from.reason.as_str().into(),
        health: health(&from.health)?,
        failing: failing.transpose()?,
        started_at,
        ended_at,
        exit,
        restarts: from.restarts,
        failures: from.failures,
        decision: from.decision.as_ref().map(ruling).transpose()?.map(Arc::new),
        ..ProcessState::new(ProcessId::NOBODY, Arc::new(identity), changed_at)
    })
}

/// Returns the type of a process. The success codes of a job are not known: they are such that it is as ready as it was.
fn process_type(from: &api::Process, exit: Option<&Exit>) -> ProcessType {
    match (&from.process_type, exit) {
        (api::ProcessType::Job, Some(Exit::Code(code))) if from.ready => {
            ProcessType::Job { success_codes: [*code].into() }
        }
        (api::ProcessType::Job, Some(Exit::Code(0))) => ProcessType::Job { success_codes: [1].into() },
        (api::ProcessType::Job, _) => ProcessType::job(),
        _ => ProcessType::Service,
    }
}

fn ruling(from: &api::Decision) -> Result<Ruling, TryError> {
    let action = match &from.action {
        api::Action::Restart => RulingAction::Restart {
            delay_ms: from.delay_ms.unwrap_or(0),
            scope: match &from.scope {
                None | Some(api::Scope::Itself) => Scope::Itself,
                Some(api::Scope::Group) => Scope::Group,
                Some(api::Scope::Rest) => Scope::Rest,
                Some(other) => return Err(unknown("scope", other)),
            },
        },
        api::Action::StayDown => RulingAction::StayDown,
        api::Action::GiveUp => RulingAction::GiveUp(match &from.escalation {
            None | Some(api::Escalation::Nothing) => Escalation::Nothing,
            Some(api::Escalation::StopDependents) => Escalation::StopDependents,
            Some(api::Escalation::GiveUpGroup) => Escalation::GiveUpGroup,
            Some(api::Escalation::ShutDown) => Escalation::ShutDown { code: 0 },
            Some(other) => return Err(unknown("escalation", other)),
        }),
        other => return Err(unknown("action", other)),
    };
    Ok(Ruling {
        action,
        by: from.by.as_str().into(),
        reason: from.reason.as_str().into(),
        overruled: from.overruled.as_deref().map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(state: &ProcessState) -> ProcessState {
        let snapshot = api::PluginSnapshot {
            processes: vec![api::SnapshotProcess {
                process: provost_control::past_process(state),
                deaths: Some(Vec::new()),
            }],
            ..Default::default()
        };
        states(&snapshot).unwrap().0.remove(0)
    }

    fn state(phase: PhaseKind, exit: Option<Exit>, process_type: ProcessType) -> ProcessState {
        let at = |ms: u64| Some(moment(1_767_225_600_000 + ms));
        let identity = Identity::new("web", "site").of_type(process_type);
        let action = RulingAction::Restart { delay_ms: 70, scope: Scope::Rest };
        let ruling =
            Ruling { action, by: "judge".into(), reason: "again".into(), overruled: Some("late".into()) };
        ProcessState {
            incarnation: Incarnation(4),
            version: Version(9),
            generation: Generation(12),
            desired: Desired::Up,
            phase: in_phase(phase, 77, moment(1_767_225_600_500)),
            cause: provost_state::Cause::Oom,
            reason: "its memory ran out".into(),
            health: provost_state::Health::Degraded,
            failing: Some(Arc::new(Failing { why: "no answer".into(), since: moment(1_767_225_600_001) })),
            started_at: at(1),
            ended_at: exit.is_some().then_some(moment(1_767_225_600_123)),
            exit,
            restarts: 3,
            failures: 2,
            decision: Some(Arc::new(ruling)),
            ..ProcessState::new(ProcessId::NOBODY, Arc::new(identity), moment(1_767_225_600_001))
        }
    }

    #[test]
    fn a_process_of_the_api_becomes_the_state_that_it_was_made_of() {
        let exits = [
            None,
            Some(Exit::Code(3)),
            Some(Exit::Signal(9)),
            Some(Exit::NotSpawned("no such file".into())),
            Some(Exit::NotReady("no answer".into())),
            Some(Exit::Unobserved),
        ];
        for phase in PhaseKind::ALL {
            for exit in exits.clone() {
                let original = state(phase, exit, ProcessType::Service);
                // No plugin sees when it was changed, and what the API does not say is the same for all.
                let restored = ProcessState { changed_at: original.changed_at, ..back(&original) };
                assert_eq!(restored, original, "{phase}");
            }
        }
    }

    #[test]
    fn a_job_is_as_ready_as_it_was() {
        let job = |codes: &[i32]| ProcessType::Job { success_codes: codes.into() };
        for (codes, code) in [(&[0, 4][..], 4), (&[0], 4), (&[4], 0), (&[0], 0)] {
            let original = state(PhaseKind::Exited, Some(Exit::Code(code)), job(codes));
            let restored = back(&original);
            assert_eq!(restored.ready(), original.ready(), "{codes:?} {code}");
            assert!(restored.identity.process_type.is_job());
        }
    }

    #[test]
    fn deaths_that_are_not_known_are_made_up_and_said() {
        let original = state(PhaseKind::Exited, Some(Exit::Code(3)), ProcessType::Service);
        let process = provost_control::past_process(&original);
        let processes = vec![api::SnapshotProcess { process, deaths: None }];
        let (states, notes) = states(&api::PluginSnapshot { processes, ..Default::default() }).unwrap();
        let made_up: Vec<_> =
            states[0].deaths.iter().map(|it| (it.incarnation.0, it.uptime_ms, it.at.wall_ms)).collect();
        assert_eq!(made_up, [(4, 122, 1_767_225_600_123), (3, 122, 1_767_225_600_001)]);
        assert_eq!(
            notes,
            ["the snapshot has no deaths of web: 2 made up from its failures and its last end"]
        );
    }

    #[test]
    fn a_word_of_a_newer_host_is_an_error() {
        let mut process =
            provost_control::past_process(&state(PhaseKind::Running, None, ProcessType::Service));
        process.phase = "paused".into();
        let processes = vec![api::SnapshotProcess { process, deaths: None }];
        let error = states(&api::PluginSnapshot { processes, ..Default::default() }).unwrap_err();
        assert_eq!(error.to_string(), "the snapshot has an unknown phase: `paused`");
    }
}
