//! Version 1 of the state of a process, as bytes. It is frozen: another layout would be another version of its record.
//!
//! A state does not have all of its deaths in each record: the newest ones are enough, because a reader has the others from
//! earlier records. The number of all of them says which are forgotten by now.

use std::sync::Arc;

use provost_state::{
    Cause, Death, Desired, Escalation, Exit, Failing, Generation, Health, Identity, Incarnation, Moment,
    Phase, ProcessId, ProcessState, ProcessType, Ruling, RulingAction, Scope, Version,
};

use super::wire::{Put, Take, Unreadable};

/// A state as it was read, with the deaths that its record has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StateRead {
    /// Without its deaths, and in no registry.
    pub(crate) state: ProcessState,
    /// The number of its deaths.
    pub(crate) deaths_total: usize,
    /// The newest of them, newest first.
    pub(crate) deaths: Vec<Death>,
}

/// Writes a state, which has this number of deaths, with the newest of them.
pub(super) fn put_state<'a>(
    put: &mut Put,
    state: &ProcessState,
    deaths_total: usize,
    newest: impl ExactSizeIterator<Item = &'a Death>,
) {
    put_identity(put, &state.identity);
    put.number(state.incarnation.0).number(state.version.0).number(state.generation.0);
    put.byte(match state.desired {
        Desired::Up => 0,
        Desired::Down => 1,
    });
    put_phase(put, &state.phase);
    put.byte(code_of(&CAUSES, state.cause)).text(&state.reason);
    put.byte(code_of(&HEALTHS, state.health));
    put.option(state.failing.as_ref(), |put, failing| {
        put.text(&failing.why);
        put_moment(put, failing.since);
    });
    put_moment(put, state.changed_at);
    put.option(state.started_at, put_moment_of).option(state.ended_at, put_moment_of);
    put.option(state.exit.as_ref(), put_exit);
    put.number(state.restarts).number(state.failures);
    put.option(state.decision.as_deref(), put_ruling);
    put.number(deaths_total as u64);
    put.list(newest, put_death);
}

/// Reads what [`put_state`] has written.
pub(super) fn take_state(take: &mut Take<'_>) -> Result<StateRead, Unreadable> {
    let identity = Arc::new(take_identity(take)?);
    let (incarnation, version) = (Incarnation(take.number()?), Version(take.number()?));
    let generation = Generation(take.number()?);
    let desired = match take.byte()? {
        0 => Desired::Up,
        1 => Desired::Down,
        _ => return Err(Unreadable::Variant),
    };
    let phase = take_phase(take)?;
    let (cause, reason) = (of_code(&CAUSES, take.byte()?)?, take.shared()?);
    let health = of_code(&HEALTHS, take.byte()?)?;
    let failing =
        take.option(|take| Ok(Arc::new(Failing { why: take.shared()?, since: take_moment(take)? })))?;
    let changed_at = take_moment(take)?;
    let (started_at, ended_at) = (take.option(take_moment)?, take.option(take_moment)?);
    let exit = take.option(take_exit)?;
    let (restarts, failures) = (take.number()?, take.small()?);
    let decision = take.option(take_ruling)?.map(Arc::new);
    let deaths_total = take.small()?;
    let deaths = take.list(take_death)?;
    let state = ProcessState {
        id: ProcessId::NOBODY,
        identity,
        incarnation,
        version,
        generation,
        desired,
        phase,
        cause,
        reason,
        health,
        failing,
        changed_at,
        started_at,
        ended_at,
        exit,
        restarts,
        failures,
        decision,
        deaths: Default::default(),
    };
    Ok(StateRead { state, deaths_total, deaths })
}

/// The causes, by the number in a record.
const CAUSES: [Cause; 12] = [
    Cause::Boot,
    Cause::User,
    Cause::Api,
    Cause::Policy,
    Cause::Crash,
    Cause::Dependency,
    Cause::Health,
    Cause::Schedule,
    Cause::Watch,
    Cause::Reload,
    Cause::Oom,
    Cause::Shutdown,
];

/// The healths, by the number in a record.
const HEALTHS: [Health; 4] = [Health::Unknown, Health::Healthy, Health::Degraded, Health::Unhealthy];

/// Returns the number of a word. A word without a number, which a test keeps from existing, gets one that no reader takes.
fn code_of<T: PartialEq>(words: &[T], word: T) -> u8 {
    words.iter().position(|other| *other == word).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn of_code<T: Copy>(words: &[T], code: u8) -> Result<T, Unreadable> {
    words.get(usize::from(code)).copied().ok_or(Unreadable::Variant)
}

fn put_identity(put: &mut Put, identity: &Identity) {
    put.text(&identity.name).text(&identity.group);
    let codes = match &identity.process_type {
        ProcessType::Service => None,
        ProcessType::Job { success_codes } => Some(success_codes),
    };
    put.option(codes, |put, codes| {
        put.list(codes.iter(), |put, code| {
            put.signed(*code);
        });
    });
}

fn take_identity(take: &mut Take<'_>) -> Result<Identity, Unreadable> {
    let identity = Identity::new(take.shared()?, take.shared()?);
    let codes = take.option(|take| take.list(Take::signed))?;
    Ok(identity.of_type(match codes {
        None => ProcessType::Service,
        Some(codes) => ProcessType::Job { success_codes: codes.into() },
    }))
}

fn put_phase(put: &mut Put, phase: &Phase) {
    match phase {
        Phase::Stopped => put.byte(0),
        Phase::Waiting => put.byte(1),
        Phase::Starting { pid } => put.byte(2).number(*pid),
        Phase::Running { pid } => put.byte(3).number(*pid),
        Phase::Stopping { pid, kill_at } => {
            put.byte(4).number(*pid);
            put_moment(put, *kill_at)
        }
        Phase::Backoff { until } => put_moment(put.byte(5), *until),
        Phase::Exited { settled } => put.byte(6).byte((*settled).into()),
        Phase::Fatal => put.byte(7),
    };
}

fn take_phase(take: &mut Take<'_>) -> Result<Phase, Unreadable> {
    Ok(match take.byte()? {
        0 => Phase::Stopped,
        1 => Phase::Waiting,
        2 => Phase::Starting { pid: take.small()? },
        3 => Phase::Running { pid: take.small()? },
        4 => Phase::Stopping { pid: take.small()?, kill_at: take_moment(take)? },
        5 => Phase::Backoff { until: take_moment(take)? },
        6 => Phase::Exited { settled: take.flag()? },
        7 => Phase::Fatal,
        _ => return Err(Unreadable::Variant),
    })
}

pub(super) fn put_moment(put: &mut Put, moment: Moment) -> &mut Put {
    put.number(moment.wall_ms).number(moment.mono_ns)
}

pub(super) fn put_moment_of(put: &mut Put, moment: Moment) {
    put_moment(put, moment);
}

pub(super) fn take_moment(take: &mut Take<'_>) -> Result<Moment, Unreadable> {
    Ok(Moment { wall_ms: take.number()?, mono_ns: take.number()? })
}

fn put_exit(put: &mut Put, exit: &Exit) {
    match exit {
        Exit::Code(code) => put.byte(0).signed(*code),
        Exit::Signal(number) => put.byte(1).signed(*number),
        Exit::NotSpawned(why) => put.byte(2).text(why),
        Exit::NotReady(why) => put.byte(3).text(why),
        Exit::Unobserved => put.byte(4),
    };
}

fn take_exit(take: &mut Take<'_>) -> Result<Exit, Unreadable> {
    Ok(match take.byte()? {
        0 => Exit::Code(take.signed()?),
        1 => Exit::Signal(take.signed()?),
        2 => Exit::NotSpawned(take.shared()?),
        3 => Exit::NotReady(take.shared()?),
        4 => Exit::Unobserved,
        _ => return Err(Unreadable::Variant),
    })
}

fn put_death(put: &mut Put, death: &Death) {
    put.number(death.incarnation.0);
    put_exit(put, &death.exit);
    put_moment(put, death.at).number(death.uptime_ms);
}

fn take_death(take: &mut Take<'_>) -> Result<Death, Unreadable> {
    Ok(Death {
        incarnation: Incarnation(take.number()?),
        exit: take_exit(take)?,
        at: take_moment(take)?,
        uptime_ms: take.number()?,
    })
}

fn put_ruling(put: &mut Put, ruling: &Ruling) {
    match ruling.action {
        RulingAction::Restart { delay_ms, scope } => {
            put.byte(0).number(delay_ms).byte(match scope {
                Scope::Itself => 0,
                Scope::Group => 1,
                Scope::Rest => 2,
            });
        }
        RulingAction::StayDown => {
            put.byte(1);
        }
        RulingAction::GiveUp(escalation) => {
            match escalation {
                Escalation::Nothing => put.byte(2),
                Escalation::StopDependents => put.byte(3),
                Escalation::GiveUpGroup => put.byte(4),
                Escalation::ShutDown { code } => put.byte(5).byte(code),
            };
        }
    }
    put.text(&ruling.by).text(&ruling.reason).option(ruling.overruled.as_ref(), |put, text| {
        put.text(text);
    });
}

fn take_ruling(take: &mut Take<'_>) -> Result<Ruling, Unreadable> {
    let action = match take.byte()? {
        0 => RulingAction::Restart {
            delay_ms: take.number()?,
            scope: of_code(&[Scope::Itself, Scope::Group, Scope::Rest], take.byte()?)?,
        },
        1 => RulingAction::StayDown,
        2 => RulingAction::GiveUp(Escalation::Nothing),
        3 => RulingAction::GiveUp(Escalation::StopDependents),
        4 => RulingAction::GiveUp(Escalation::GiveUpGroup),
        5 => RulingAction::GiveUp(Escalation::ShutDown { code: take.byte()? }),
        _ => return Err(Unreadable::Variant),
    };
    Ok(Ruling { action, by: take.shared()?, reason: take.shared()?, overruled: take.option(Take::shared)? })
}
