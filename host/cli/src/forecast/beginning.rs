//! The state from which the simulation goes on, made of what the host tells, and what is assumed about the lives to come.
//!
//! A process that lives ends now. For one that has ended the simulation goes back to that end, whose decision is made again, and
//! everything later follows from it. So the first decision always counts the failures before it.

use std::sync::Arc;

use provost_api as api;
use provost_simulation::{Begun, Exits, Fault, FaultKind, Span, Targets, Window};
use provost_state::{Exit, Generation, Phase, PhaseKind, ProcessState, RulingAction};

use super::error::ForecastError;
use super::shifting::Times;
use crate::trying::{moment, restored};

/// What a host tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// The process.
    pub(crate) subject: api::SnapshotProcess,
    /// All other processes.
    pub(crate) others: Vec<api::SnapshotProcess>,
    /// The generation of the last commit.
    pub(crate) generation: u64,
    /// The time, in milliseconds since the Unix epoch.
    pub(crate) now_ms: u64,
}

/// What is wanted of the ends to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// How the process ends; `None` for as it ended last.
    pub(crate) exit: Option<Exit>,
    /// How long each life to come lasts, in milliseconds; `None` for as long as the last one.
    pub(crate) uptime_ms: Option<u64>,
}

/// The end that is decided first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// The present life ends now.
    Life,
    /// The last end is decided again.
    LastEnd,
}

/// The state from which the simulation goes on.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    /// The name of the process.
    pub(crate) name: Arc<str>,
    pub(crate) first: First,
    /// How the life ends, or has ended, whose end is decided first.
    pub(crate) first_exit: Exit,
    /// How long that life has lasted, in milliseconds.
    pub(crate) lived_ms: u64,
    /// The number of failures in a row: before that end if the life ends now, and with it otherwise.
    pub(crate) failures: u32,
    /// How the lives to come end.
    pub(crate) exit: Exit,
    /// How long they last, in milliseconds.
    pub(crate) uptime_ms: u64,
    /// When that is, in milliseconds since the Unix epoch.
    pub(crate) at_ms: u64,
    /// What had to be made up.
    pub(crate) notes: Vec<String>,
    /// The time of day at the start of the scenario, in milliseconds since the Unix epoch.
    pub(super) starts_at_ms: u64,
    pub(super) begun: Begun,
    pub(super) faults: Vec<Fault>,
}

impl Beginning {
    /// Finds out where to begin.
    ///
    /// # Errors
    /// [`ForecastError`] if there is no end that a policy could decide about.
    pub(crate) fn of(live: &Live, wish: &Wish) -> Result<Self, ForecastError> {
        let (mut all, notes) = restored(&api::PluginSnapshot {
            generation: live.generation,
            taken_at: String::new(),
            processes: [&live.subject].into_iter().chain(&live.others).cloned().collect(),
        })?;
        let others = all.split_off(1);
        let Some(state) = all.pop() else { return Err(ForecastError::NoLife(String::new())) };
        let name = state.name().clone();
        let first = first(&state)?;
        let (state, at_ms) = match first {
            First::Life => {
                // It has begun before it ends, also if the clock was set.
                let begun_ms = state.started_at.map_or(0, |at| at.wall_ms);
                (state, live.now_ms.max(begun_ms.saturating_add(1)))
            }
            First::LastEnd => undecided(state, live.now_ms),
        };
        let last = state.deaths.first();
        let exit = wish.exit.clone().or_else(|| last.map(|death| death.exit.clone()));
        let exit = exit.ok_or_else(|| ForecastError::NeverDied(name.to_string()))?;
        let lived_ms = match (first, last) {
            (First::LastEnd, Some(death)) => death.uptime_ms,
            _ => at_ms.saturating_sub(state.started_at.map_or(at_ms, |at| at.wall_ms)),
        };
        let uptime_ms = wish.uptime_ms.or(last.map(|death| death.uptime_ms)).unwrap_or(lived_ms).max(1);
        let first_exit = match (first, last) {
            (First::LastEnd, Some(death)) => death.exit.clone(),
            _ => exit.clone(),
        };
        let failures = state.failures;
        let others: Vec<ProcessState> = others.into_iter().map(at_rest).collect();
        let times = Times::of([&state].into_iter().chain(&others), at_ms);
        let begun = Begun {
            at_ms: times.since_ms(at_ms),
            generation: Generation(live.generation),
            states: [&state].into_iter().chain(&others).map(|state| times.shifted(state)).collect(),
        };
        let faults = faults(&name, first, &exit, uptime_ms, begun.at_ms);
        let starts_at_ms = times.origin_ms;
        Ok(Self {
            name,
            first,
            first_exit,
            lived_ms,
            failures,
            exit,
            uptime_ms,
            at_ms,
            notes,
            starts_at_ms,
            begun,
            faults,
        })
    }
}

/// Returns which end of a process is decided first.
fn first(state: &ProcessState) -> Result<First, ForecastError> {
    let name = || state.name().to_string();
    match state.phase.kind() {
        PhaseKind::Starting | PhaseKind::Running => Ok(First::Life),
        phase @ (PhaseKind::Stopped | PhaseKind::Stopping) => {
            Err(ForecastError::AskedFor { name: name(), phase: phase.as_str() })
        }
        _ if state.is_done() => Err(ForecastError::Done(name())),
        PhaseKind::Waiting | PhaseKind::Backoff | PhaseKind::Exited | PhaseKind::Fatal => {
            let has_ended = state.exit.is_some() && !state.deaths.is_empty();
            if has_ended { Ok(First::LastEnd) } else { Err(ForecastError::NoLife(name())) }
        }
    }
}

/// Returns the state of a process whose last end is not decided yet, and when that end was. What was decided before it is not known.
fn undecided(state: ProcessState, now_ms: u64) -> (ProcessState, u64) {
    let at_ms = state.deaths.first().map_or(now_ms, |death| death.at.wall_ms);
    let restarts = |action: RulingAction| matches!(action, RulingAction::Restart { .. });
    let is_counted = matches!(state.phase.kind(), PhaseKind::Backoff | PhaseKind::Waiting)
        && state.decision.as_ref().is_some_and(|ruling| restarts(ruling.action));
    let state = ProcessState {
        phase: Phase::Exited { settled: false },
        changed_at: moment(at_ms),
        restarts: state.restarts - u64::from(is_counted && state.restarts > 0),
        decision: None,
        ..state
    };
    (state, at_ms)
}

/// Returns the state of another process as it stays: its own ends and what follows from its last decision for others are not played.
fn at_rest(state: ProcessState) -> ProcessState {
    let phase = match state.phase {
        Phase::Exited { .. } => Phase::Exited { settled: true },
        other => other,
    };
    ProcessState { phase, decision: None, ..state }
}

/// Returns what ends the lives.
fn faults(name: &Arc<str>, first: First, exit: &Exit, uptime_ms: u64, at_ms: u64) -> Vec<Fault> {
    let fault = |kind| Fault {
        name: "".into(),
        of: Targets::Named(vec![name.clone()]),
        kind,
        chance: 1.0,
        times: None,
        with_dependents: false,
    };
    let exits = || Exits { any_of: vec![exit.clone()], out_of_memory: false };
    let window = Window { from_ms: at_ms, until_ms: None };
    let mut kinds = Vec::new();
    if first == First::Life {
        kinds.push(FaultKind::Kill { at_ms, every_ms: None, exits: exits() });
    }
    match exit {
        Exit::NotSpawned(error) => kinds.push(FaultKind::NoStart { window, error: error.clone() }),
        _ => {
            let after = Span::Between(uptime_ms, uptime_ms);
            kinds.push(FaultKind::Crash { window, after, exits: exits() });
        }
    }
    if matches!(exit, Exit::NotReady(_)) {
        let later_ms = uptime_ms.saturating_add(1);
        kinds.push(FaultKind::SlowStart { window, after: Span::Between(later_ms, later_ms) });
    }
    kinds.into_iter().map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_767_600_600_000;

    /// Returns a process that has failed three times in a row, after 20 ms each time; the last time ten seconds ago.
    fn web(phase: api::Phase) -> api::SnapshotProcess {
        let time = |ms: u64| provost_supervisor::rfc3339(ms);
        let is_live = phase == api::Phase::Running;
        let death = |before: u64| api::Death {
            incarnation: 3 - before,
            exit: api::Exit::Code { code: 7 },
            at: time(NOW - 10_000 - before * 1_000),
            uptime_ms: 20,
        };
        api::SnapshotProcess {
            process: api::Process {
                name: "web".into(),
                phase,
                desired: api::Desired::Up,
                cause: api::Cause::Policy,
                health: api::Health::Unknown,
                incarnation: 3 + u64::from(is_live),
                restarts: 3,
                failures: 3,
                exit: (!is_live).then_some(api::Exit::Code { code: 7 }),
                started_at: Some(time(if is_live { NOW - 4_000 } else { NOW - 10_020 })),
                ended_at: (!is_live).then(|| time(NOW - 10_000)),
                next_action_at: Some(time(NOW + 30_000)),
                decision: Some(api::Decision {
                    action: api::Action::Restart,
                    delay_ms: Some(40_000),
                    scope: None,
                    escalation: None,
                    by: "backoff".into(),
                    reason: "again".into(),
                    overruled: None,
                }),
                ..api::Process::default()
            },
            deaths: Some((0..3).map(death).collect()),
        }
    }

    fn beginning(subject: api::SnapshotProcess, wish: &Wish) -> Result<Beginning, ForecastError> {
        let live = Live { subject, others: Vec::new(), generation: 40, now_ms: NOW };
        Beginning::of(&live, wish)
    }

    fn error(phase: api::Phase, deaths: Option<Vec<api::Death>>, exit: Option<api::Exit>) -> String {
        let mut subject = web(phase);
        subject.deaths = deaths;
        subject.process.exit = exit;
        subject.process.failures = 0;
        beginning(subject, &Wish::default()).unwrap_err().to_string()
    }

    #[test]
    fn a_process_that_lives_ends_now_as_it_ended_last_and_the_lives_to_come_last_as_long() {
        let it = beginning(web(api::Phase::Running), &Wish::default()).unwrap();
        assert_eq!((it.first, it.failures, it.at_ms), (First::Life, 3, NOW));
        assert_eq!((it.lived_ms, it.uptime_ms), (4_000, 20));
        assert_eq!((&it.first_exit, &it.exit), (&Exit::Code(7), &Exit::Code(7)));
        // The first life began 12.02 s before, which is where the clock begins.
        assert_eq!((it.begun.at_ms, it.starts_at_ms), (12_021, NOW - 12_021));
        let state = &it.begun.states[0];
        assert_eq!(state.started_at.unwrap().mono_ns, 8_021 * 1_000_000);
        assert_eq!(state.deaths.first().unwrap().at.mono_ns, 2_021 * 1_000_000);
        assert!(matches!(it.faults[0].kind, FaultKind::Kill { at_ms: 12_021, .. }), "{:?}", it.faults);
    }

    #[test]
    fn a_process_that_has_ended_is_as_it_was_before_that_end_was_decided() {
        for phase in [api::Phase::Backoff, api::Phase::Waiting, api::Phase::Fatal, api::Phase::Exited] {
            let it = beginning(web(phase.clone()), &Wish::default()).unwrap();
            assert_eq!((it.first, it.failures, it.at_ms), (First::LastEnd, 3, NOW - 10_000));
            let state = &it.begun.states[0];
            assert_eq!((&state.phase, &state.decision), (&Phase::Exited { settled: false }, &None));
            let was_counted = matches!(phase, api::Phase::Backoff | api::Phase::Waiting);
            assert_eq!(state.restarts, 3 - u64::from(was_counted), "{phase}");
            assert_eq!(state.changed_at.wall_ms, NOW - 10_000);
            assert!(matches!(it.faults[..], [Fault { kind: FaultKind::Crash { .. }, .. }]));
        }
    }

    #[test]
    fn another_end_and_another_uptime_are_those_of_the_lives_to_come() {
        let wish = Wish { exit: Some(Exit::Signal(9)), uptime_ms: Some(0) };
        let it = beginning(web(api::Phase::Backoff), &wish).unwrap();
        assert_eq!((&it.first_exit, it.lived_ms), (&Exit::Code(7), 20), "the last end was what it was");
        assert_eq!((&it.exit, it.uptime_ms), (&Exit::Signal(9), 1), "a life takes time");
        let none = Wish { exit: Some(Exit::NotSpawned("no such file".into())), uptime_ms: None };
        let it = beginning(web(api::Phase::Fatal), &none).unwrap();
        assert!(matches!(it.faults[..], [Fault { kind: FaultKind::NoStart { .. }, .. }]));
        let late = Wish { exit: Some(Exit::NotReady("no answer".into())), uptime_ms: None };
        let it = beginning(web(api::Phase::Fatal), &late).unwrap();
        assert!(matches!(it.faults[1].kind, FaultKind::SlowStart { after: Span::Between(21, 21), .. }));
    }

    #[test]
    fn deaths_that_the_host_does_not_tell_are_made_up_and_said() {
        let mut subject = web(api::Phase::Backoff);
        subject.deaths = None;
        let it = beginning(subject, &Wish::default()).unwrap();
        assert_eq!((it.begun.states[0].deaths.len(), it.notes.len()), (3, 1), "{:?}", it.notes);
    }

    #[test]
    fn where_no_policy_would_decide_there_is_no_forecast() {
        let none = || Some(Vec::new());
        assert_eq!(
            error(api::Phase::Stopped, none(), None),
            "`web` is stopped: no policy decides about an end that was asked for"
        );
        assert_eq!(
            error(api::Phase::Stopping, none(), None),
            "`web` is stopping: no policy decides about an end that was asked for"
        );
        assert_eq!(
            error(api::Phase::Running, none(), None),
            "`web` has never ended, so that it is not known how it would end"
        );
        assert_eq!(
            error(api::Phase::Waiting, none(), None),
            "`web` does not run, and has not ended since it was last started by hand"
        );
        let mut done = web(api::Phase::Exited);
        (done.process.process_type, done.process.ready) = (api::ProcessType::Job, true);
        done.process.exit = Some(api::Exit::Code { code: 0 });
        let error = beginning(done, &Wish::default()).unwrap_err();
        assert_eq!(error.to_string(), "`web` is done: no policy decides about the success of a job");
    }
}
