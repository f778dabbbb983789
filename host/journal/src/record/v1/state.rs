//! Commits and states.

use std::borrow::Cow;
use std::sync::Arc;

use provost_state::{
    ChangeKind, Death, Escalation, EventKind, Exit, Failing, Generation, Identity, Incarnation, Moment,
    Phase, ProcessId, ProcessState, ProcessType, Ruling, RulingAction, Version,
};
use serde::{Deserialize, Serialize};

use super::super::entry::Commit;
use super::words::{CauseV1, ChangeKindV1, DesiredV1, HealthV1, PhaseKindV1, ScopeV1};

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct MomentV1 {
    wall_ms: u64,
    mono_ns: u64,
}

impl From<Moment> for MomentV1 {
    fn from(Moment { wall_ms, mono_ns }: Moment) -> Self {
        Self { wall_ms, mono_ns }
    }
}

impl From<MomentV1> for Moment {
    fn from(MomentV1 { wall_ms, mono_ns }: MomentV1) -> Self {
        Self { wall_ms, mono_ns }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct CommitV1<'a> {
    kind: ChangeKindV1,
    from: PhaseKindV1,
    #[serde(borrow)]
    state: StateV1<'a>,
}

impl<'a> CommitV1<'a> {
    pub(super) fn of(commit: &'a Commit) -> Self {
        let Commit { kind, from, state } = commit;
        let decision = state.decision.as_deref();
        let decision = decision.filter(|_| *kind == ChangeKind::Event(EventKind::Decided));
        Self { kind: (*kind).into(), from: (*from).into(), state: StateV1::of(state, decision) }
    }

    pub(super) fn into_commit(self) -> Commit {
        let Self { kind, from, state } = self;
        Commit { kind: kind.into(), from: from.into(), state: Arc::new(state.into_state()) }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct StandingV1<'a> {
    #[serde(borrow)]
    state: StateV1<'a>,
    /// Newest first.
    deaths: Vec<DeathV1<'a>>,
}

impl<'a> StandingV1<'a> {
    pub(super) fn of(state: &'a ProcessState) -> Self {
        Self {
            state: StateV1::of(state, state.decision.as_deref()),
            deaths: state.deaths.iter().map(DeathV1::of).collect(),
        }
    }

    pub(super) fn into_state(self) -> ProcessState {
        let Self { state, deaths } = self;
        ProcessState { deaths: deaths.into_iter().map(DeathV1::into_death).collect(), ..state.into_state() }
    }
}

#[derive(Serialize, Deserialize)]
struct StateV1<'a> {
    name: &'a str,
    group: &'a str,
    process_type: ProcessTypeV1<'a>,
    incarnation: u64,
    version: u64,
    generation: u64,
    desired: DesiredV1,
    phase: PhaseV1,
    cause: CauseV1,
    reason: &'a str,
    health: HealthV1,
    #[serde(borrow)]
    failing: Option<FailingV1<'a>>,
    changed_at: MomentV1,
    started_at: Option<MomentV1>,
    ended_at: Option<MomentV1>,
    #[serde(borrow)]
    exit: Option<ExitV1<'a>>,
    restarts: u64,
    failures: u32,
    #[serde(borrow)]
    decision: Option<RulingV1<'a>>,
}

impl<'a> StateV1<'a> {
    fn of(state: &'a ProcessState, decision: Option<&'a Ruling>) -> Self {
        Self {
            name: state.name(),
            group: state.group(),
            process_type: ProcessTypeV1::of(&state.identity.process_type),
            incarnation: state.incarnation.0,
            version: state.version.0,
            generation: state.generation.0,
            desired: state.desired.into(),
            phase: (&state.phase).into(),
            cause: state.cause.into(),
            reason: &state.reason,
            health: state.health.into(),
            failing: state.failing.as_deref().map(|it| FailingV1 { why: &it.why, since: it.since.into() }),
            changed_at: state.changed_at.into(),
            started_at: state.started_at.map(Into::into),
            ended_at: state.ended_at.map(Into::into),
            exit: state.exit.as_ref().map(ExitV1::of),
            restarts: state.restarts,
            failures: state.failures,
            decision: decision.map(RulingV1::of),
        }
    }

    fn into_state(self) -> ProcessState {
        let identity = Identity::new(self.name, self.group).of_type(self.process_type.into_type());
        let failing = self.failing.map(|it| Failing { why: it.why.into(), since: it.since.into() });
        ProcessState {
            incarnation: Incarnation(self.incarnation),
            version: Version(self.version),
            generation: Generation(self.generation),
            desired: self.desired.into(),
            phase: self.phase.into(),
            cause: self.cause.into(),
            reason: self.reason.into(),
            health: self.health.into(),
            failing: failing.map(Arc::new),
            started_at: self.started_at.map(Into::into),
            ended_at: self.ended_at.map(Into::into),
            exit: self.exit.map(ExitV1::into_exit),
            restarts: self.restarts,
            failures: self.failures,
            decision: self.decision.map(|it| Arc::new(it.into_ruling())),
            ..ProcessState::new(ProcessId::NOBODY, Arc::new(identity), self.changed_at.into())
        }
    }
}

#[derive(Serialize, Deserialize)]
enum ProcessTypeV1<'a> {
    Service,
    Job { success_codes: Cow<'a, [i32]> },
}

impl<'a> ProcessTypeV1<'a> {
    fn of(from: &'a ProcessType) -> Self {
        match from {
            ProcessType::Service => Self::Service,
            ProcessType::Job { success_codes } => Self::Job { success_codes: Cow::Borrowed(success_codes) },
        }
    }

    fn into_type(self) -> ProcessType {
        match self {
            Self::Service => ProcessType::Service,
            Self::Job { success_codes } => {
                ProcessType::Job { success_codes: success_codes.into_owned().into() }
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
enum PhaseV1 {
    Stopped,
    Waiting,
    Starting { pid: u32 },
    Running { pid: u32 },
    Stopping { pid: u32, kill_at: MomentV1 },
    Backoff { until: MomentV1 },
    Exited { settled: bool },
    Fatal,
}

impl From<&Phase> for PhaseV1 {
    fn from(from: &Phase) -> Self {
        match *from {
            Phase::Stopped => Self::Stopped,
            Phase::Waiting => Self::Waiting,
            Phase::Starting { pid } => Self::Starting { pid },
            Phase::Running { pid } => Self::Running { pid },
            Phase::Stopping { pid, kill_at } => Self::Stopping { pid, kill_at: kill_at.into() },
            Phase::Backoff { until } => Self::Backoff { until: until.into() },
            Phase::Exited { settled } => Self::Exited { settled },
            Phase::Fatal => Self::Fatal,
        }
    }
}

impl From<PhaseV1> for Phase {
    fn from(from: PhaseV1) -> Self {
        match from {
            PhaseV1::Stopped => Self::Stopped,
            PhaseV1::Waiting => Self::Waiting,
            PhaseV1::Starting { pid } => Self::Starting { pid },
            PhaseV1::Running { pid } => Self::Running { pid },
            PhaseV1::Stopping { pid, kill_at } => Self::Stopping { pid, kill_at: kill_at.into() },
            PhaseV1::Backoff { until } => Self::Backoff { until: until.into() },
            PhaseV1::Exited { settled } => Self::Exited { settled },
            PhaseV1::Fatal => Self::Fatal,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct FailingV1<'a> {
    why: &'a str,
    since: MomentV1,
}

#[derive(Serialize, Deserialize)]
pub(super) enum ExitV1<'a> {
    Code(i32),
    Signal(i32),
    NotSpawned(&'a str),
    NotReady(&'a str),
    Unobserved,
}

impl<'a> ExitV1<'a> {
    pub(super) fn of(from: &'a Exit) -> Self {
        match from {
            Exit::Code(code) => Self::Code(*code),
            Exit::Signal(number) => Self::Signal(*number),
            Exit::NotSpawned(why) => Self::NotSpawned(why),
            Exit::NotReady(why) => Self::NotReady(why),
            Exit::Unobserved => Self::Unobserved,
        }
    }

    pub(super) fn into_exit(self) -> Exit {
        match self {
            Self::Code(code) => Exit::Code(code),
            Self::Signal(number) => Exit::Signal(number),
            Self::NotSpawned(why) => Exit::NotSpawned(why.into()),
            Self::NotReady(why) => Exit::NotReady(why.into()),
            Self::Unobserved => Exit::Unobserved,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct DeathV1<'a> {
    incarnation: u64,
    #[serde(borrow)]
    exit: ExitV1<'a>,
    at: MomentV1,
    uptime_ms: u64,
}

impl<'a> DeathV1<'a> {
    fn of(from: &'a Death) -> Self {
        Self {
            incarnation: from.incarnation.0,
            exit: ExitV1::of(&from.exit),
            at: from.at.into(),
            uptime_ms: from.uptime_ms,
        }
    }

    fn into_death(self) -> Death {
        Death {
            incarnation: Incarnation(self.incarnation),
            exit: self.exit.into_exit(),
            at: self.at.into(),
            uptime_ms: self.uptime_ms,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct RulingV1<'a> {
    action: RulingActionV1,
    by: &'a str,
    reason: &'a str,
    overruled: Option<&'a str>,
}

impl<'a> RulingV1<'a> {
    fn of(from: &'a Ruling) -> Self {
        let Ruling { action, by, reason, overruled } = from;
        Self { action: (*action).into(), by, reason, overruled: overruled.as_deref() }
    }

    fn into_ruling(self) -> Ruling {
        let Self { action, by, reason, overruled } = self;
        Ruling {
            action: action.into(),
            by: by.into(),
            reason: reason.into(),
            overruled: overruled.map(Arc::from),
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum RulingActionV1 {
    Restart { delay_ms: u64, scope: ScopeV1 },
    StayDown,
    GiveUp,
    GiveUpAndStopDependents,
    GiveUpGroup,
    GiveUpAndShutDown { code: u8 },
}

impl From<RulingAction> for RulingActionV1 {
    fn from(from: RulingAction) -> Self {
        match from {
            RulingAction::Restart { delay_ms, scope } => Self::Restart { delay_ms, scope: scope.into() },
            RulingAction::StayDown => Self::StayDown,
            RulingAction::GiveUp(Escalation::Nothing) => Self::GiveUp,
            RulingAction::GiveUp(Escalation::StopDependents) => Self::GiveUpAndStopDependents,
            RulingAction::GiveUp(Escalation::GiveUpGroup) => Self::GiveUpGroup,
            RulingAction::GiveUp(Escalation::ShutDown { code }) => Self::GiveUpAndShutDown { code },
        }
    }
}

impl From<RulingActionV1> for RulingAction {
    fn from(from: RulingActionV1) -> Self {
        match from {
            RulingActionV1::Restart { delay_ms, scope } => Self::Restart { delay_ms, scope: scope.into() },
            RulingActionV1::StayDown => Self::StayDown,
            RulingActionV1::GiveUp => Self::GiveUp(Escalation::Nothing),
            RulingActionV1::GiveUpAndStopDependents => Self::GiveUp(Escalation::StopDependents),
            RulingActionV1::GiveUpGroup => Self::GiveUp(Escalation::GiveUpGroup),
            RulingActionV1::GiveUpAndShutDown { code } => Self::GiveUp(Escalation::ShutDown { code }),
        }
    }
}
