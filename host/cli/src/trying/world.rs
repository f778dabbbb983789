//! Snapshots for cases: made up of fields, or of states that are given.

use std::sync::Arc;

use provost_plugin_host::Role;
use provost_state::{
    Cause, DEATHS_KEPT, Death, Deaths, Desired, Exit, Generation, Identity, Incarnation, Moment, Phase,
    PhaseKind, ProcessId, ProcessState, Snapshot, Version, naming,
};

use super::error::TryError;
use super::fields::{DeathFields, Fields, ProcessFields};

/// The name of the process that a question is about, if a case does not give one.
const NAME: &str = "web";

/// How long a life lasted, if a case does not say it.
const UPTIME_MS: u64 = 1_000;

/// The process id of the first made-up child; no child of this machine has it by chance.
const PID: u32 = 1_000_000;

/// Returns the moment of a wall-clock time. Both clocks go at the same rate in a case.
pub(crate) fn moment(wall_ms: u64) -> Moment {
    Moment { wall_ms, mono_ns: wall_ms.saturating_mul(1_000_000) }
}

/// Makes a snapshot of these states, and returns it with the subject as it is in there.
pub(super) fn snapshot(
    states: &[ProcessState],
    generation: u64,
    taken_at: Moment,
) -> Result<Arc<Snapshot>, TryError> {
    let newest = states.iter().map(|state| state.generation.0).max().unwrap_or(0);
    let generation = Generation(generation.max(newest));
    let (_, reader) = provost_state::restored(|| 0, generation, taken_at, states)
        .map_err(|taken| TryError::case(taken.to_string(), "give each process of a snapshot its own name"))?;
    Ok(reader.snapshot())
}

/// Makes up the states of a case: the subject comes first. `now` is the time of the trigger.
pub(super) fn made_up(role: Role, fields: &Fields, now: Moment) -> Result<Vec<ProcessState>, TryError> {
    let name = fields.process.name.as_deref().unwrap_or(NAME);
    let mut states = match role {
        Role::ScalePolicy => replicas(name, fields, now)?,
        _ => vec![process(name, &fields.process, usual_phase(role, fields), now, 0)?],
    };
    for other in &fields.others {
        let name = other.name.as_deref().unwrap_or_default();
        states.push(process(name, other, PhaseKind::Running, now, states.len())?);
    }
    Ok(states)
}

/// Returns the phase in which a process is when this role is asked about it.
fn usual_phase(role: Role, fields: &Fields) -> PhaseKind {
    match role {
        Role::RestartPolicy => PhaseKind::Exited,
        Role::StartPolicy if fields.process.failures.unwrap_or(0) > 0 => PhaseKind::Backoff,
        Role::StartPolicy => PhaseKind::Waiting,
        Role::StatusConsumer if fields.process.exit.is_some() => PhaseKind::Exited,
        _ => PhaseKind::Running,
    }
}

/// Makes up as many replicas as are wanted, of which the first ones run.
fn replicas(name: &str, fields: &Fields, now: Moment) -> Result<Vec<ProcessState>, TryError> {
    let wanted = fields.wanted.unwrap_or(1);
    let running = fields.running.unwrap_or(wanted);
    let replica = |number: u32| {
        let phase = if number <= running { PhaseKind::Running } else { PhaseKind::Waiting };
        let name = naming::replica_name(name, number);
        process(&name, &fields.process, phase, now, number as usize - 1)
    };
    (1..=wanted.max(running)).map(replica).collect()
}

/// Makes up one process.
fn process(
    name: &str,
    fields: &ProcessFields,
    phase: PhaseKind,
    now: Moment,
    place: usize,
) -> Result<ProcessState, TryError> {
    check(name, fields)?;
    let phase = fields.phase.unwrap_or(phase);
    let has_ended = matches!(phase, PhaseKind::Exited | PhaseKind::Fatal | PhaseKind::Backoff);
    let tally = tally(fields, has_ended, now)?;
    let newest = tally.first();
    let uptime_ms = fields.uptime_ms.or(newest.map(|death| death.uptime_ms)).unwrap_or(UPTIME_MS);
    let exit = newest.map(|death| death.exit.clone()).filter(|_| has_ended);
    let deaths = u64::try_from(tally.len()).unwrap_or(u64::MAX);
    let is_alive = phase.is_live();
    let begun = now.wall_ms.saturating_sub(uptime_ms);
    let was_never_started = matches!(phase, PhaseKind::Stopped | PhaseKind::Waiting) && deaths == 0;
    let pid = PID.saturating_add(u32::try_from(place).unwrap_or(u32::MAX));
    let (desired, cause) = match phase {
        PhaseKind::Stopped => (Desired::Down, Cause::User),
        PhaseKind::Exited => (Desired::Up, Cause::Crash),
        PhaseKind::Backoff | PhaseKind::Fatal => (Desired::Up, Cause::Policy),
        _ => (Desired::Up, Cause::Boot),
    };
    let lives = if has_ended { deaths.max(1) } else { deaths + u64::from(is_alive) };
    let identity = Identity::new(name, fields.group.as_deref().unwrap_or_default());
    let generation = place as u64 + 1;
    Ok(ProcessState {
        incarnation: Incarnation(fields.incarnation.unwrap_or(lives)),
        version: Version(1),
        generation: Generation(generation),
        desired,
        phase: in_phase(phase, pid, now),
        cause,
        reason: exit.as_ref().map_or_else(|| "made up".into(), |exit: &Exit| exit.to_string().into()),
        health: fields.health.unwrap_or_default(),
        started_at: (!was_never_started).then(|| moment(begun)),
        ended_at: newest.filter(|_| has_ended).map(|death| death.at),
        exit,
        restarts: fields.restarts.unwrap_or(if has_ended { deaths.saturating_sub(1) } else { deaths }),
        failures: streak(&tally, fields),
        deaths: tally,
        ..ProcessState::new(ProcessId::NOBODY, Arc::new(identity), now)
    })
}

fn check(name: &str, fields: &ProcessFields) -> Result<(), TryError> {
    let refused = |bad: naming::BadName| TryError::case(bad.to_string(), bad.hint());
    // A replica is named by the host.
    naming::check(naming::replica_of(name).map_or(name, |(base, _)| base)).map_err(refused)?;
    match fields.group.as_deref() {
        None | Some("") => Ok(()),
        Some(group) => naming::check(group).map_err(refused),
    }
}

/// Returns a phase with its details.
pub(super) fn in_phase(kind: PhaseKind, pid: u32, at: Moment) -> Phase {
    match kind {
        PhaseKind::Stopped => Phase::Stopped,
        PhaseKind::Waiting => Phase::Waiting,
        PhaseKind::Starting => Phase::Starting { pid },
        PhaseKind::Running => Phase::Running { pid },
        PhaseKind::Stopping => Phase::Stopping { pid, kill_at: at },
        PhaseKind::Backoff => Phase::Backoff { until: at },
        PhaseKind::Exited => Phase::Exited { settled: false },
        PhaseKind::Fatal => Phase::Fatal,
    }
}

/// Returns the number of consecutive failures that a host would count.
fn streak(deaths: &Deaths, fields: &ProcessFields) -> u32 {
    if let Some(failures) = fields.failures {
        let succeeded = deaths.first().is_some_and(|death| death.exit.is_success());
        return if succeeded { 0 } else { failures };
    }
    let mut count = 0_u32;
    for death in deaths.iter().take_while(|death| !death.exit.is_success()) {
        count += 1;
        if death.ends_streak() {
            break;
        }
    }
    count
}

/// Makes up the tally of a process: what is given, or else as many failures as it has. If it has ended, its end is the newest.
fn tally(fields: &ProcessFields, has_ended: bool, now: Moment) -> Result<Deaths, TryError> {
    let exit = fields.exit.clone().unwrap_or(Exit::Code(1));
    let failure = if exit.is_success() { Exit::Code(1) } else { exit.clone() };
    let failures = match (has_ended, exit.is_success(), fields.failures) {
        (true, false, Some(0)) if fields.deaths.is_none() => {
            let what = format!("0 failures, but it {exit}, which is itself a failure");
            return Err(TryError::case(what, "write at least 1: the end that is judged counts as well"));
        }
        (true, false, failures) => failures.unwrap_or(1) - 1,
        (_, _, failures) => failures.unwrap_or(0),
    };
    let plain = |exit: Exit| DeathFields { exit: Some(exit), ..DeathFields::default() };
    let mut given = match &fields.deaths {
        Some(given) => given.clone(),
        None => {
            let newest = has_ended.then(|| plain(exit.clone()));
            let others = (0..failures).map(|_| plain(failure.clone()));
            newest.into_iter().chain(others).take(DEATHS_KEPT).collect()
        }
    };
    if let (Some(newest), true) = (given.first_mut(), has_ended) {
        // What is said of the trigger is said of this end.
        newest.exit = fields.exit.clone().or(newest.exit.take());
        newest.uptime_ms = fields.uptime_ms.or(newest.uptime_ms);
    }
    let count = match &fields.deaths {
        Some(given) => u64::try_from(given.len()).unwrap_or(u64::MAX),
        None => u64::from(failures) + u64::from(has_ended),
    };
    let last = match fields.incarnation {
        Some(incarnation) => incarnation.saturating_sub(u64::from(!has_ended)),
        None => count,
    };
    let usual_ms = fields.uptime_ms.unwrap_or(UPTIME_MS);
    let mut at = if has_ended { now.wall_ms } else { now.wall_ms.saturating_sub(usual_ms) };
    let dated = given.into_iter().zip(0_u64..).map(|(death, before)| {
        let exit = death.exit.unwrap_or(Exit::Code(1));
        let uptime_ms = match exit {
            Exit::NotSpawned(_) => 0,
            _ => death.uptime_ms.unwrap_or(usual_ms),
        };
        let when = death.ago_ms.map_or(at, |ago| now.wall_ms.saturating_sub(ago));
        at = when.saturating_sub(uptime_ms);
        Death { incarnation: Incarnation(last.saturating_sub(before)), exit, at: moment(when), uptime_ms }
    });
    Ok(dated.collect::<Vec<_>>().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(fields: ProcessFields, role: Role) -> Result<ProcessState, TryError> {
        let fields = Fields { process: fields, ..Fields::default() };
        made_up(role, &fields, moment(1_000_000)).map(|mut states| states.remove(0))
    }

    fn deaths(state: &ProcessState) -> Vec<(u64, String, u64)> {
        let death = |death: &Death| (death.incarnation.0, death.exit.to_string(), death.at.wall_ms);
        state.deaths.iter().map(death).collect()
    }

    #[test]
    fn the_end_that_is_judged_is_the_newest_of_as_many_deaths_as_there_are_failures() {
        let fields = ProcessFields { failures: Some(3), uptime_ms: Some(2_000), ..ProcessFields::default() };
        let state = web(fields, Role::RestartPolicy).unwrap();
        let code = "exited with code 1".to_owned();
        assert_eq!(
            deaths(&state),
            [(3, code.clone(), 1_000_000), (2, code.clone(), 998_000), (1, code, 996_000)]
        );
        assert_eq!((state.failures, state.restarts, state.incarnation.0), (3, 2, 3));
        assert_eq!((state.phase.kind(), state.exit), (PhaseKind::Exited, Some(Exit::Code(1))));
    }

    #[test]
    fn of_a_long_streak_the_deaths_are_made_that_a_host_keeps() {
        let fields = ProcessFields { failures: Some(u32::MAX), ..ProcessFields::default() };
        let state = web(fields, Role::RestartPolicy).unwrap();
        assert_eq!((state.failures, state.deaths.len()), (u32::MAX, DEATHS_KEPT));
        assert_eq!(state.deaths.first().unwrap().incarnation.0, u64::from(u32::MAX));
    }

    #[test]
    fn a_success_is_no_failure_and_ends_the_streak() {
        let fields =
            ProcessFields { exit: Some(Exit::Code(0)), failures: Some(2), ..ProcessFields::default() };
        let state = web(fields, Role::RestartPolicy).unwrap();
        let exits: Vec<_> = state.deaths.iter().map(|death| death.exit.clone()).collect();
        assert_eq!(exits, [Exit::Code(0), Exit::Code(1), Exit::Code(1)]);
        assert_eq!(state.failures, 0);
        let none = ProcessFields { failures: Some(0), ..ProcessFields::default() };
        assert!(
            web(none, Role::RestartPolicy).unwrap_err().to_string().contains("which is itself a failure")
        );
    }

    #[test]
    fn a_process_that_runs_has_died_before_its_life_began() {
        let fields = ProcessFields { failures: Some(2), uptime_ms: Some(5_000), ..ProcessFields::default() };
        let state = web(fields, Role::HealthPolicy).unwrap();
        let times: Vec<_> = deaths(&state).into_iter().map(|(life, _, at)| (life, at)).collect();
        assert_eq!(times, [(2, 995_000), (1, 990_000)]);
        assert_eq!((state.incarnation.0, state.failures), (3, 2));
        assert_eq!(state.started_at, Some(moment(995_000)));
        assert_eq!(web(ProcessFields::default(), Role::StartPolicy).unwrap().started_at, None);
    }

    #[test]
    fn a_tally_that_is_given_has_the_streak_that_a_host_would_count() {
        let death =
            |exit, uptime_ms| DeathFields { exit: Some(exit), uptime_ms: Some(uptime_ms), ago_ms: None };
        let given = vec![death(Exit::Code(1), 10), death(Exit::Code(1), 60_000), death(Exit::Code(1), 10)];
        let fields = ProcessFields { deaths: Some(given), ..ProcessFields::default() };
        assert_eq!(web(fields, Role::RestartPolicy).unwrap().failures, 2);
    }
}
