//! One plugin and the versions that succeed each other in it. Policies, views and consumers hold the plugin, so that
//! the next call sees a swap; a call in progress ends on the version that it began with.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use provost_state::{
    Blame, Fault, FaultKind, Generation, PluginReport, PluginStatus, Reproduction, Snapshot,
};

use crate::clock;

use super::fault;
use super::input::Input;
use super::purpose::Purpose;
use super::quarantine::Quarantine;
use super::question::Question;
use super::version::{Absent, Version};

/// The versions of a plugin that are in force.
#[derive(Clone, Debug)]
pub(crate) struct Versions {
    pub(crate) active: Arc<Version>,
    /// The version that was in force before, still loaded.
    pub(crate) former: Option<Arc<Version>>,
    /// Whether the plugin was unloaded.
    pub(crate) gone: bool,
}

impl Versions {
    /// Returns the versions with `next` in force. The former version stands in for `next`: it is the active one, unless
    /// that has never answered well and the one before it has. There is none if the active one is still being compiled.
    pub(crate) fn followed_by(&self, next: Arc<Version>) -> Self {
        let good = [Some(&self.active), self.former.as_ref()]
            .into_iter()
            .flatten()
            .find(|version| version.is_good());
        // One that is still being compiled cannot stand in.
        let former = good.or_else(|| Some(&self.active).filter(|active| !active.is_compiling()));
        Self { active: next, former: former.cloned(), gone: false }
    }
}

/// The last call that failed.
#[derive(Debug)]
struct Failure {
    version: u64,
    input: Input,
    fault: Fault,
    given: Reproduction,
}

/// One plugin, from its load until it is unloaded, across all swaps.
pub(crate) struct Plugin {
    pub(crate) name: Arc<str>,
    versions: ArcSwap<Versions>,
    quarantine: Quarantine,
    failure: ArcSwapOption<Failure>,
    /// For a consumer, one more than the last generation that it was notified of; 0 for other plugins.
    told: AtomicU64,
    /// Called when the plugin is unloaded.
    wakers: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

impl Plugin {
    pub(crate) fn new(active: Arc<Version>) -> Self {
        Self {
            name: active.context.name().clone(),
            versions: ArcSwap::from_pointee(Versions { active, former: None, gone: false }),
            quarantine: Quarantine::default(),
            failure: ArcSwapOption::empty(),
            told: AtomicU64::new(0),
            wakers: Mutex::default(),
        }
    }

    /// Records that the plugin, as a consumer, was notified of everything up to `generation`.
    pub(crate) fn told_until(&self, generation: Generation) {
        self.told.store(generation.0.saturating_add(1), Ordering::Relaxed);
    }

    pub(crate) fn versions(&self) -> Arc<Versions> {
        self.versions.load_full()
    }

    /// Puts these versions in force and ends a quarantine. The host ensures that there is one caller at a time.
    pub(crate) fn put_in_force(&self, versions: Versions) {
        let gone = versions.gone;
        self.versions.store(Arc::new(versions));
        self.quarantine.end();
        if gone {
            let wakers = std::mem::take(&mut *self.wakers.lock());
            wakers.into_iter().for_each(|wake| wake());
        }
    }

    /// Keeps this version beside the one in force, if there is none. The host ensures that there is one caller at a time.
    pub(crate) fn keep_former(&self, former: Arc<Version>) {
        let versions = self.versions();
        if versions.former.is_none() && !versions.gone {
            self.versions.store(Arc::new(Versions { former: Some(former), ..Versions::clone(&versions) }));
        }
    }

    /// Returns why it is quarantined, if it is.
    pub(crate) fn quarantined(&self) -> Option<Arc<String>> {
        self.quarantine.why()
    }

    /// Registers `wake` to be called when the plugin is unloaded, or calls it at once if it already is.
    pub(crate) fn when_gone(&self, wake: Box<dyn FnOnce() + Send>) {
        let mut wakers = self.wakers.lock();
        wakers.push(wake);
        // It may have been unloaded before the lock was taken; an unload after that finds `wake` in the list.
        let gone = if self.versions().gone { std::mem::take(&mut *wakers) } else { Vec::new() };
        drop(wakers);
        gone.into_iter().for_each(|wake| wake());
    }

    /// Quarantines a plugin that failed its trial.
    pub(crate) fn quarantine(&self, why: String) {
        tracing::warn!(plugin = &*self.name, "quarantined: {why}");
        self.quarantine.begin(why);
        self.versions.load().active.context.common.notice.give();
    }

    /// Ends its quarantine. Returns whether it was quarantined.
    pub(crate) fn revive(&self) -> bool {
        self.quarantine.end()
    }

    /// Returns the version to call now.
    ///
    /// # Errors
    /// The fault of a plugin that must not be called: unloaded, refused, being compiled or quarantined.
    pub(crate) fn on_duty(&self) -> Result<Arc<Version>, Fault> {
        let versions = self.versions.load();
        if versions.gone {
            return Err(fault::fault(FaultKind::Unloaded, "it was unloaded"));
        }
        versions.active.admitted()?;
        if let Some(why) = self.quarantine.why() {
            return Err(fault::fault(FaultKind::Quarantined, &format!("it is quarantined: {why}")));
        }
        Ok(versions.active.clone())
    }

    /// Asks the active version in a fresh instance, within `within_ms` if it is given.
    pub(crate) fn ask<Q: Question + Into<Input>>(
        &self,
        question: &Q,
        world: &Arc<Snapshot>,
        within_ms: Option<u64>,
    ) -> Result<Q::Answer, Fault> {
        let version = self.on_duty()?;
        let result = version.ask(question, world, Purpose::Answer { within_ms });
        self.answered(&version, result.as_ref().err(), || question.clone().into(), world);
        result
    }

    /// Counts an answer of `version`, and keeps the input if it failed.
    pub(crate) fn answered(
        &self,
        version: &Arc<Version>,
        fault: Option<&Fault>,
        input: impl FnOnce() -> Input,
        world: &Arc<Snapshot>,
    ) {
        version.context.figures.answered(fault);
        let Some(fault) = fault.filter(|fault| fault.kind != FaultKind::Refused) else { return };
        let input = input();
        let given = version.reproduction(&input, world);
        let failure = Failure { version: version.number(), input, fault: fault.clone(), given };
        self.failure.store(Some(Arc::new(failure)));
        // A fault does not count against the plugin if a call in progress ends after a swap, or the host is busy.
        let in_force = Arc::ptr_eq(&self.versions.load().active, version);
        if in_force
            && fault.kind != FaultKind::Busy
            && self.quarantine.failed(fault, clock::monotonic_ms(), version.context.limits.quarantine)
        {
            tracing::warn!(plugin = &*self.name, version = version.number(), "quarantined: {fault}");
            version.context.common.notice.give();
        }
    }

    /// Asks the active version the last question that failed.
    pub(crate) fn blame(&self) -> Option<Blame> {
        let failure = self.failure.load_full()?;
        let role = failure.input.role();
        Some(Blame {
            name: self.name.clone(),
            version: failure.version,
            call: format!("{role}.{}", role.function()).into(),
            input: failure.input.to_string(),
            generation: failure.given.world.generation().0,
            fault: failure.fault.clone(),
            now: failure.input.try_on(&self.versions().active, &failure.given.world),
            reproduction: failure.given.clone(),
        })
    }

    /// Returns the status of the plugin for people.
    pub(crate) fn report(&self) -> PluginReport {
        let versions = self.versions();
        let status = match (&versions.active.admitted, self.quarantine.why()) {
            (Err(Absent::Refused(refusal)), _) => PluginStatus::Refused(refusal.why.clone()),
            (Err(Absent::Compiling(what)), _) => PluginStatus::Compiling(what.clone()),
            (Ok(_), Some(why)) => PluginStatus::Quarantined(why.as_str().into()),
            (Ok(_), None) => PluginStatus::Active,
        };
        PluginReport {
            name: self.name.clone(),
            status,
            active: versions.active.report(),
            former: versions.former.as_ref().map(|former| former.report()),
            told_until: self.told.load(Ordering::Relaxed).checked_sub(1).map(Generation),
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("versions", &self.versions())
            .finish_non_exhaustive()
    }
}
