//! A question with its snapshot: made up of fields, or about a process of a snapshot of a host.

use std::sync::Arc;

use provost_api::PluginSnapshot;
use provost_plugin_host::Role;
use provost_state::span::exact;
use provost_state::{Cause, Death, Exit, Moment, Phase, PhaseKind, PluginInput, ProcessState, Snapshot};

use super::error::TryError;
use super::fields::Fields;
use super::{posing, restoring, world};

/// The time of the trigger of a case that does not say it: the beginning of 2026. It is the same in every run. That of a case in a snapshot
/// is the time of the last change in there.
const NOW_MS: u64 = 1_767_225_600_000;

/// A question with its snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) role: Role,
    pub(crate) input: PluginInput,
    pub(crate) world: Arc<Snapshot>,
    /// What a reader should know about it, such as what was made up.
    pub(crate) notes: Vec<String>,
}

impl Case {
    /// Makes up a case.
    ///
    /// # Errors
    /// [`TryError::Case`] if the fields contradict each other.
    pub(crate) fn made_up(role: Role, fields: &Fields) -> Result<Self, TryError> {
        let now = world::moment(fields.now_ms.unwrap_or(NOW_MS));
        let states = world::made_up(role, fields, now)?;
        let first = states.first().map(|state| state.name().clone());
        Self::about(role, fields, &states, (first, 0), now, Vec::new())
    }

    /// Makes a case about a process of this snapshot. What the fields say of that process replaces what the snapshot says.
    ///
    /// # Errors
    /// [`TryError::Case`] if the snapshot cannot be used, or the fields do not say which process it is.
    pub(crate) fn in_snapshot(
        role: Role,
        fields: &Fields,
        snapshot: &PluginSnapshot,
    ) -> Result<Self, TryError> {
        let taken_at = restoring::at(&snapshot.taken_at).unwrap_or(world::moment(NOW_MS));
        let now = fields.now_ms.map_or(taken_at, world::moment);
        let (mut states, mut notes) = restoring::states(snapshot)?;
        let subject = subject(role, fields, &mut states)?;
        notes.extend(adapt(role, fields, subject, now));
        let name = subject.name().clone();
        Self::about(role, fields, &states, (Some(name), snapshot.generation), now, notes)
    }

    fn about(
        role: Role,
        fields: &Fields,
        states: &[ProcessState],
        (name, generation): (Option<Arc<str>>, u64),
        now: Moment,
        notes: Vec<String>,
    ) -> Result<Self, TryError> {
        let world = world::snapshot(states, generation, now)?;
        let subject = name.as_deref().and_then(|name| world.by_name(name)).ok_or_else(|| {
            TryError::case("the snapshot has no process", "a question is about one: add it to the snapshot")
        })?;
        let input = posing::question(role, fields, subject, &world, now);
        Ok(Self { role, input, world, notes })
    }
}

/// Finds the process that the question is about.
fn subject<'s>(
    role: Role,
    fields: &Fields,
    states: &'s mut [ProcessState],
) -> Result<&'s mut ProcessState, TryError> {
    let names: Vec<String> = states.iter().map(|state| format!("`{}`", state.name())).collect();
    let names = names.join(", ");
    let is_any = matches!(role, Role::StatusView | Role::StatusConsumer);
    let count = states.len();
    let wanted = fields.process.name.as_deref();
    let is_meant = |state: &&mut ProcessState| match wanted {
        Some(name) if role == Role::ScalePolicy => {
            &**state.name() == name
                || state.name().strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        }
        Some(name) => &**state.name() == name,
        None => is_any || count == 1,
    };
    states.iter_mut().find(is_meant).ok_or_else(|| match wanted {
        Some(name) => {
            TryError::case(format!("the snapshot has no process `{name}`"), format!("it has {names}"))
        }
        None => TryError::case(
            "the snapshot does not say which process the question is about",
            format!("choose one by `--name`: {names}"),
        ),
    })
}

/// Brings a process of a snapshot into the state in which this role is asked about it: for a restart policy, one that runs ends
/// now. Returns what was changed.
fn adapt(role: Role, fields: &Fields, state: &mut ProcessState, now: Moment) -> Option<String> {
    let said = &fields.process;
    let mut note = None;
    if role == Role::RestartPolicy {
        if state.phase.kind().is_live() {
            let exit = said.exit.clone().unwrap_or(Exit::Code(1));
            let told = format!(
                "{} is running in the snapshot: for this question it is assumed that it {exit}",
                state.name()
            );
            end(state, exit, said.uptime_ms, now);
            let lived_ms = state.deaths.first().map_or(0, |death| death.uptime_ms);
            note = Some(format!("{told}, after {} (--uptime)", exact(lived_ms)));
        } else if let Some(exit) = &said.exit {
            state.exit = Some(exit.clone());
            let mut deaths: Vec<Death> = state.deaths.iter().cloned().collect();
            if let Some(newest) = deaths.first_mut() {
                newest.exit = exit.clone();
            }
            state.deaths = deaths.into_iter().collect();
        }
        state.phase = Phase::Exited { settled: false };
    }
    state.failures = said.failures.unwrap_or(state.failures);
    state.restarts = said.restarts.unwrap_or(state.restarts);
    state.health = said.health.unwrap_or(state.health);
    note
}

/// Ends a life as the kernel would have reported it.
fn end(state: &mut ProcessState, exit: Exit, uptime_ms: Option<u64>, now: Moment) {
    let lived = state.started_at.map_or(0, |started| now.wall_ms.saturating_sub(started.wall_ms));
    let uptime_ms = uptime_ms.unwrap_or(lived);
    let incarnation = state.incarnation;
    let death = Death { incarnation, exit: exit.clone(), at: now, uptime_ms };
    let streak = if death.ends_streak() { 0 } else { state.failures };
    state.failures = if state.identity.process_type.is_success(&exit) { 0 } else { streak + 1 };
    state.reason = exit.to_string().into();
    state.cause = Cause::Crash;
    state.deaths = state.deaths.with(death);
    (state.exit, state.ended_at) = (Some(exit), Some(now));
    state.phase = world::in_phase(PhaseKind::Exited, 0, now);
}
