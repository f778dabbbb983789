//! One version of a plugin: a component with its settings, compiled and linked, or the reason for which it was
//! not let in. It never changes; a swap puts another one in its place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use provost_state::{Fault, FaultKind, Judgement, PluginVersion, Snapshot};
use wasmtime::Store;

use crate::component::cache::Lease;
use crate::component::{Admitted, Source, Surface};
use crate::engine::TimedEngine;
use crate::guest::bindings::log::Level;
use crate::guest::{Context, Guest};
use crate::limits::Limit;
use crate::role::Role;

use super::call::Caller;
use super::purpose::Purpose;
use super::question::Question;
use super::{fault, variables};

/// Why a version is not called.
#[derive(Clone, Debug)]
pub(crate) enum Absent {
    /// It was not let in; why.
    Refused(Arc<str>),
    /// It is not known yet whether it is let in; what it waits for.
    Compiling(Arc<str>),
}

impl Absent {
    /// What a call of it is answered with.
    fn fault(&self) -> Fault {
        match self {
            Self::Refused(reason) => fault::fault(FaultKind::Refused, reason),
            Self::Compiling(what) => fault::fault(FaultKind::Compiling, what),
        }
    }
}

/// One version of a plugin.
pub(crate) struct Version {
    /// Set when it is put in force.
    pub(crate) number: OnceLock<u64>,
    pub(crate) source: Source,
    pub(crate) digest: Arc<str>,
    /// Whose key signed it.
    pub(crate) signed_by: Option<Arc<str>>,
    pub(crate) surface: Surface,
    pub(crate) engine: Arc<TimedEngine>,
    /// Ready to be called, or why not.
    pub(crate) admitted: Result<Admitted, Absent>,
    /// What its instances run with.
    pub(crate) context: Arc<Context>,
    /// Keeps its code in the cache.
    #[expect(dead_code, reason = "it is held, and not asked")]
    pub(crate) lease: Option<Arc<Lease>>,
}

impl Version {
    /// Counts the versions of a plugin, from 1; 0 until it is in force.
    pub(crate) fn number(&self) -> u64 {
        self.number.get().copied().unwrap_or(0)
    }

    /// What its calls run on.
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { engine: &self.engine, context: &self.context }
    }

    /// A store for one instance in this role, with nothing in it yet.
    ///
    /// # Errors
    /// As [`Caller::store`].
    pub(crate) fn store(&self, role: Role) -> Result<Store<Guest>, Fault> {
        let need = self.admitted.as_ref().map(|admitted| admitted.need).unwrap_or_default();
        self.caller().store(role, need)
    }

    /// Asks in a fresh instance.
    pub(crate) fn ask<Q: Question>(
        &self,
        question: &Q,
        world: &Arc<Snapshot>,
        purpose: Purpose,
    ) -> Result<Q::Answer, Fault> {
        let pre = Q::pre(self.admitted()?).ok_or_else(|| Self::lacks(Q::ROLE))?;
        let mut store = self.store(Q::ROLE)?;
        let context = &self.context;
        let answer = self.caller().run(
            &mut store,
            (Q::ROLE, purpose),
            world,
            |store| question.put(pre, store),
            |answer| Q::check(answer, &context.limits),
        )?;
        let (answer, dropped) = Q::granted(answer, &context.common.grants);
        if !dropped.is_empty() && purpose != Purpose::Trial {
            let names = variables::listed(&dropped);
            context.figures.denied(dropped.len());
            context.write_line(Level::Warn, &format!("denied: setting {names}: set-env does not grant it"));
        }
        Ok(answer)
    }

    /// The fault of a plugin that is asked for what it does not export.
    pub(crate) fn lacks(role: Role) -> Fault {
        fault::fault(FaultKind::Refused, &format!("it does not export {role}"))
    }

    /// What was let in.
    ///
    /// # Errors
    /// The fault that every call is answered with otherwise.
    pub(crate) fn admitted(&self) -> Result<&Admitted, Fault> {
        self.admitted.as_ref().map_err(Absent::fault)
    }

    /// Why it was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<&Arc<str>> {
        match &self.admitted {
            Err(Absent::Refused(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Is it not known yet whether it is let in?
    pub(crate) fn is_compiling(&self) -> bool {
        matches!(self.admitted, Err(Absent::Compiling(_)))
    }

    /// Is nothing known of what it does? It was refused, or it is being compiled and its bytes do not tell.
    pub(crate) fn is_unknown(&self) -> bool {
        self.refusal().is_some() || (self.is_compiling() && self.surface.roles().is_empty())
    }

    pub(crate) fn plays(&self, role: Role) -> bool {
        self.surface.roles().contains(&role)
    }

    /// Is it to be asked this? Of one that was refused before anything was known of it nobody can say, so it is: it
    /// answers with why.
    pub(crate) fn judges(&self, judgement: Judgement) -> bool {
        let roles = self.surface.roles();
        let unknown = self.admitted.is_err() && roles.is_empty();
        unknown || roles.iter().any(|role| role.judgement() == Some(judgement))
    }

    /// Does it judge anything?
    pub(crate) fn is_policy(&self) -> bool {
        self.surface.roles().iter().any(|role| role.judgement().is_some())
    }

    /// May it answer for another one?
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

    /// What is known of it.
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
