//! One version of a plugin: a component with its settings, compiled and linked, or the reason for which it was refused.
//! A version never changes; a swap replaces it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use provost_state::{
    Basis, Fault, FaultKind, Judgement, PluginInput, PluginVersion, PolicySource, Reproduction, Snapshot,
};

use crate::component::cache::Lease;
use crate::component::{Admitted, FetchLease, Source, Surface};
use crate::engine::TimedEngine;
use crate::guest::Context;
use crate::guest::bindings::log::Level;
use crate::limits::Limit;
use crate::role::Role;

use super::call::Caller;
use super::purpose::Purpose;
use super::question::Question;
use super::{fault, variables};

/// Why a version was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// The reason.
    pub(crate) why: Arc<str>,
    /// Whether the config and the component alone decide it, so that it would be refused again.
    pub(crate) is_lasting: bool,
}

impl Refusal {
    /// A refusal for a reason that lasts until the config or the component is changed.
    pub(crate) fn lasting(why: impl Into<Arc<str>>) -> Self {
        Self { why: why.into(), is_lasting: true }
    }

    /// A refusal for a reason that may pass, such as a machine that is busy.
    pub(crate) fn for_now(why: impl Into<Arc<str>>) -> Self {
        Self { why: why.into(), is_lasting: false }
    }
}

/// Why a version cannot be called.
#[derive(Clone, Debug)]
pub(crate) enum Absent {
    /// It was refused.
    Refused(Refusal),
    /// It is not known yet whether it is admitted; what it waits for.
    Compiling(Arc<str>),
}

impl Absent {
    /// Returns the fault that answers every call.
    fn fault(&self) -> Fault {
        match self {
            Self::Refused(refusal) => fault::fault(FaultKind::Refused, &refusal.why),
            Self::Compiling(what) => fault::fault(FaultKind::Compiling, what),
        }
    }
}

/// One version of a plugin.
pub(crate) struct Version {
    /// Set when the version is put in force.
    pub(crate) number: OnceLock<u64>,
    pub(crate) source: Source,
    pub(crate) digest: Arc<str>,
    /// The component, its settings and the engine, as they are recorded with its answers.
    pub(crate) provenance: Arc<PolicySource>,
    /// The name of the key that signed it.
    pub(crate) signed_by: Option<Arc<str>>,
    pub(crate) surface: Surface,
    pub(crate) engine: Arc<TimedEngine>,
    /// The component ready to be called, or why it cannot be.
    pub(crate) admitted: Result<Admitted, Absent>,
    /// The data that all instances share.
    pub(crate) context: Arc<Context>,
    /// Keeps its code in the cache.
    #[expect(dead_code, reason = "it is only held, never read")]
    pub(crate) lease: Option<Arc<Lease>>,
    /// Keeps its file, if it was fetched.
    #[expect(dead_code, reason = "it is only held, never read")]
    pub(crate) fetched: Option<Arc<FetchLease>>,
}

impl Version {
    /// Returns the number of the version, counted from 1; 0 until it is in force.
    pub(crate) fn number(&self) -> u64 {
        self.number.get().copied().unwrap_or(0)
    }

    /// Returns what its calls need.
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { engine: &self.engine, context: &self.context }
    }

    /// Asks a question in a fresh instance.
    pub(crate) fn ask<Q: Question>(
        &self,
        question: &Q,
        world: &Arc<Snapshot>,
        purpose: Purpose,
    ) -> Result<Q::Answer, Fault> {
        let admitted = self.admitted()?;
        let pre = Q::pre(admitted).ok_or_else(|| Self::lacks(Q::ROLE))?;
        let mut store = self.caller().store(Q::ROLE, admitted.need)?;
        let context = &self.context;
        let memory_version = context.common.memory.version();
        let (answer, written) = self.caller().answer(
            &mut store,
            (Q::ROLE, purpose),
            world,
            |store| question.put(pre, store),
            |answer| Q::check(answer, &context.limits),
        )?;
        let answer = self.granted::<Q>(answer, purpose);
        let fuel = context.limits.fuel_max.saturating_sub(store.get_fuel().unwrap_or(0));
        let source = self.provenance.clone();
        Ok(Q::based(answer, Basis { source, memory_version, fuel }, written))
    }

    /// Removes what the operator has not granted from an answer, and says so unless it is that of a trial.
    pub(crate) fn granted<Q: Question>(&self, answer: Q::Answer, purpose: Purpose) -> Q::Answer {
        let context = &self.context;
        let (answer, dropped) = Q::granted(answer, &context.common.grants);
        if !dropped.is_empty() && purpose != Purpose::Trial {
            let names = variables::listed(&dropped);
            context.figures.denied(dropped.len());
            context.write_line(Level::Warn, &format!("denied: setting {names}: set-env does not grant it"));
        }
        answer
    }

    /// The fault of a plugin that is called in a role that it does not export.
    pub(crate) fn lacks(role: Role) -> Fault {
        fault::fault(FaultKind::Refused, &format!("it does not export {role}"))
    }

    /// Returns the component that was admitted.
    ///
    /// # Errors
    /// The fault that answers every call otherwise.
    pub(crate) fn admitted(&self) -> Result<&Admitted, Fault> {
        self.admitted.as_ref().map_err(Absent::fault)
    }

    /// Returns why it was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match &self.admitted {
            Err(Absent::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// Whether it is not known yet if it is admitted.
    pub(crate) fn is_compiling(&self) -> bool {
        matches!(self.admitted, Err(Absent::Compiling(_)))
    }

    /// Whether its roles are unknown: it was refused, or it is being compiled and its bytes do not show them.
    pub(crate) fn is_unknown(&self) -> bool {
        self.refusal().is_some() || (self.is_compiling() && self.surface.roles().is_empty())
    }

    pub(crate) fn plays(&self, role: Role) -> bool {
        self.surface.roles().contains(&role)
    }

    /// Returns a role that it plays and `next` does not.
    pub(crate) fn lost_in(&self, next: &Self) -> Option<Role> {
        self.surface.roles().into_iter().find(|role| !next.plays(*role))
    }

    /// Whether it is to be asked for this judgement. One that was refused before its roles were known is asked as well:
    /// it answers with the reason for the refusal.
    pub(crate) fn judges(&self, judgement: Judgement) -> bool {
        let roles = self.surface.roles();
        let unknown = self.admitted.is_err() && roles.is_empty();
        unknown || roles.iter().any(|role| role.judgement() == Some(judgement))
    }

    /// Whether it judges anything.
    pub(crate) fn is_policy(&self) -> bool {
        self.surface.roles().iter().any(|role| role.judgement().is_some())
    }

    /// Whether it may stand in for another version.
    pub(crate) fn is_good(&self) -> bool {
        self.admitted.is_ok() && self.context.figures.are_good()
    }

    fn limits_in_force(&self) -> BTreeMap<&'static str, u64> {
        let roles = self.surface.roles();
        let longest = roles.iter().map(|role| self.context.limits.call_ms(*role)).max();
        let figure =
            |limit: Limit| self.context.limits.get(limit).or(longest).map(|figure| (limit.name(), figure));
        Limit::ALL.into_iter().filter_map(figure).collect()
    }

    /// Returns all that a call with this input is given.
    pub(crate) fn reproduction(&self, input: impl Into<PluginInput>, world: &Arc<Snapshot>) -> Reproduction {
        Reproduction {
            input: input.into(),
            world: world.clone(),
            source: self.source.to_string().into(),
            digest: self.digest.clone(),
            settings_json: self.context.settings.clone(),
            limits: self.limits_in_force(),
            grants: self.context.common.grants.words().into_iter().map(Arc::from).collect(),
            memory: self.context.common.memory.published().load().as_ref().clone(),
        }
    }

    /// Returns the status of the version for people.
    pub(crate) fn report(&self) -> PluginVersion {
        let quarantine = self.context.limits.quarantine;
        PluginVersion {
            number: self.number(),
            source: self.source.to_string().into(),
            digest: self.digest.clone(),
            signed_by: self.signed_by.clone(),
            grants: self.context.common.grants.words().into_iter().map(Arc::from).collect(),
            limits: self.limits_in_force(),
            quarantine: (quarantine.faults > 0).then_some(quarantine),
            roles: self.surface.roles().iter().map(|role| Arc::from(role.as_str())).collect(),
            figures: self.context.figures.read(self.context.common.memory.bytes()),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("name", self.context.name())
            .field("number", &self.number())
            .field("source", &self.source)
            .field("absent", &self.admitted.as_ref().err())
            .finish_non_exhaustive()
    }
}
