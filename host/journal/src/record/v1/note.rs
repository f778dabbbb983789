//! Decisions and the other notes.

use std::sync::Arc;

use provost_state::{
    Answer, Asked, Basis, Generation, Judged, Noted, Ordered, PluginNote, PolicySource, Rollout, Routing,
};
use serde::{Deserialize, Serialize};

use super::trigger::{ActionV1, TriggerV1};
use super::words::{BackendWordV1, FaultKindV1};

#[derive(Serialize, Deserialize)]
pub(super) struct DecisionV1<'a> {
    world: u64,
    #[serde(borrow)]
    trigger: TriggerV1<'a>,
    asked: Vec<AskedV1<'a>>,
    action: ActionV1<'a>,
    by: &'a str,
    reason: &'a str,
    overruled: Option<&'a str>,
}

impl<'a> DecisionV1<'a> {
    pub(super) fn of(judged: &'a Judged) -> Self {
        let Judged { world, trigger, asked, action, by, reason, overruled } = judged;
        Self {
            world: world.0,
            trigger: TriggerV1::of(trigger),
            asked: asked.iter().map(AskedV1::of).collect(),
            action: ActionV1::of(action),
            by,
            reason,
            overruled: overruled.as_deref(),
        }
    }

    pub(super) fn into_judged(self) -> Judged {
        let Self { world, trigger, asked, action, by, reason, overruled } = self;
        Judged {
            world: Generation(world),
            trigger: trigger.into_trigger(),
            asked: asked.into_iter().map(AskedV1::into_asked).collect(),
            action: action.into_action(),
            by: by.into(),
            reason: reason.into(),
            overruled: overruled.map(Arc::from),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct AskedV1<'a> {
    name: &'a str,
    version: u64,
    basis: Option<BasisV1>,
    #[serde(borrow)]
    answer: AnswerV1<'a>,
}

impl<'a> AskedV1<'a> {
    fn of(asked: &'a Asked) -> Self {
        let Asked { name, version, basis, answer } = asked;
        Self { name, version: *version, basis: basis.as_ref().map(BasisV1::of), answer: AnswerV1::of(answer) }
    }

    fn into_asked(self) -> Asked {
        let Self { name, version, basis, answer } = self;
        Asked {
            name: name.into(),
            version,
            basis: basis.map(BasisV1::into_basis),
            answer: answer.into_answer(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct BasisV1 {
    component: [u8; 32],
    settings: [u8; 32],
    engine: u64,
    memory_version: u64,
    fuel: u64,
}

impl BasisV1 {
    fn of(basis: &Basis) -> Self {
        let PolicySource { component, settings, engine } = *basis.source;
        Self { component, settings, engine, memory_version: basis.memory_version, fuel: basis.fuel }
    }

    fn into_basis(self) -> Basis {
        let Self { component, settings, engine, memory_version, fuel } = self;
        Basis { source: Arc::new(PolicySource { component, settings, engine }), memory_version, fuel }
    }
}

#[derive(Serialize, Deserialize)]
enum AnswerV1<'a> {
    #[serde(borrow)]
    Wanted(ActionV1<'a>),
    Passed,
    Failed {
        kind: Option<FaultKindV1>,
        why: &'a str,
    },
}

impl<'a> AnswerV1<'a> {
    fn of(answer: &'a Answer) -> Self {
        match answer {
            Answer::Wanted(action) => Self::Wanted(ActionV1::of(action)),
            Answer::Passed => Self::Passed,
            Answer::Failed { kind, why } => Self::Failed { kind: kind.map(Into::into), why },
        }
    }

    fn into_answer(self) -> Answer {
        match self {
            Self::Wanted(action) => Answer::Wanted(action.into_action()),
            Self::Passed => Answer::Passed,
            Self::Failed { kind, why } => Answer::Failed { kind: kind.map(Into::into), why: why.into() },
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct OrderV1<'a> {
    order: &'a str,
    name: &'a str,
    detail: &'a str,
}

impl<'a> OrderV1<'a> {
    pub(super) fn of(Ordered { order, name, detail }: &'a Ordered) -> Self {
        Self { order, name, detail }
    }

    pub(super) fn into_ordered(self) -> Ordered {
        Ordered { order: self.order.into(), name: self.name.into(), detail: self.detail.into() }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PluginV1<'a> {
    name: &'a str,
    action: &'a str,
    version: Option<u64>,
    digest: &'a str,
}

impl<'a> PluginV1<'a> {
    pub(super) fn of(PluginNote { name, action, version, digest }: &'a PluginNote) -> Self {
        Self { name, action, version: *version, digest }
    }

    pub(super) fn into_plugin(self) -> PluginNote {
        let Self { name, action, version, digest } = self;
        PluginNote { name: name.into(), action: action.into(), version, digest: digest.into() }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReloadV1<'a> {
    pub(super) outcome: &'a str,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BackendV1 {
    before: (BackendWordV1, u8),
    now: (BackendWordV1, u8),
}

impl BackendV1 {
    pub(super) fn of(before: Routing, now: Routing) -> Self {
        let of = |routing: Routing| (routing.backend.into(), routing.rollout.percent());
        Self { before: of(before), now: of(now) }
    }

    pub(super) fn into_noted(self) -> Option<Noted> {
        let routing = |(backend, percent): (BackendWordV1, u8)| {
            Some(Routing { backend: backend.into(), rollout: Rollout::new(percent.into()).ok()? })
        };
        Some(Noted::Backend { before: routing(self.before)?, now: routing(self.now)? })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct HostStartedV1<'a> {
    pub(super) pid: u32,
    pub(super) version: &'a str,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HostEndedV1 {
    pub(super) code: u8,
}
