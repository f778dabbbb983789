//! Replica sets that are added, removed or changed while the host runs, and their numbers.

use std::sync::Arc;

use provost_state::naming::replica_name;
use provost_state::{Noted, Ordered};

use super::handle::Supervisor;
use crate::groups::{ReplicaCount, Replicas, SetChange};
use crate::mailbox::Motive;
use crate::spec::ReplicaSet;

/// Why a replica set was not changed. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotScaled {
    /// There is no such set.
    #[error("there is no process called `{0}` with replicas")]
    NoSuchSet(Arc<str>),
    /// There is a set with this name.
    #[error("there is a process called `{0}` with replicas already")]
    SetTaken(Arc<str>),
    /// The replica does not exist: it must be [added](Supervisor::add) first.
    #[error("there is no replica `{0}`")]
    NoSuchReplica(Arc<str>),
    /// The host is stopping.
    #[error("the host is shutting down")]
    ShuttingDown,
}

impl Supervisor {
    /// Returns how many replicas of each set are wanted now, in the order of the config.
    #[must_use]
    pub fn replica_sets(&self) -> Vec<ReplicaCount> {
        self.sets.all().iter().map(|replicas| replicas.count()).collect()
    }

    /// Adds a replica set, whose replicas are [added](Supervisor::add) after it. Must be called within the tokio
    /// runtime.
    ///
    /// # Errors
    /// [`NotScaled::SetTaken`], [`NotScaled::ShuttingDown`].
    pub fn add_set(&self, set: ReplicaSet) -> Result<(), NotScaled> {
        if self.shared.closing() {
            return Err(NotScaled::ShuttingDown);
        }
        let name = set.name.clone();
        if self.enter_set(set, None) { Ok(()) } else { Err(NotScaled::SetTaken(name)) }
    }

    /// Adds a set and starts its task. A set of a former host goes on with this count, of which the second part says whether
    /// it was set by hand. Returns false if there is one of this name.
    pub(super) fn enter_set(&self, set: ReplicaSet, count: Option<(u32, bool)>) -> bool {
        let shared = Arc::downgrade(&self.shared);
        let decider = move || {
            let shared = shared.upgrade().filter(|shared| !shared.closing())?;
            Some(shared.decider.clone())
        };
        let _within = self.shared.runtime.enter();
        let (dispatch, publisher) = (self.dispatch.clone(), &self.shared.publisher);
        let replicas = Replicas::new(set, count, publisher.stash().cloned());
        self.sets.add(replicas, |replicas| replicas.start(decider, dispatch, publisher.clock.clone()))
    }

    /// Removes a replica set. Its replicas stay as they are; they are [removed](Supervisor::remove) like all processes.
    ///
    /// # Errors
    /// [`NotScaled::NoSuchSet`].
    pub fn remove_set(&self, name: &str) -> Result<(), NotScaled> {
        if self.sets.remove(name) { Ok(()) } else { Err(NotScaled::NoSuchSet(name.into())) }
    }

    /// Puts new bounds, policies and another period of a replica set into force, and ends a count by hand: the set then
    /// has the number of replicas that it starts with, or, if its count was not set by hand, the present one, within the
    /// new bounds. Needed replicas that exist are started, and the others stopped (cause `reload`). Replicas above the
    /// former maximum are [added](Supervisor::add) afterwards; those above the new one are not removed by this.
    ///
    /// # Errors
    /// [`NotScaled::NoSuchSet`], [`NotScaled::ShuttingDown`].
    pub async fn reconfigure_set(&self, set: ReplicaSet) -> Result<ReplicaCount, NotScaled> {
        let name = set.name.clone();
        self.change_set(&name, SetChange::Reconfigure(set)).await
    }

    /// Sets the number of replicas by hand. It holds until [`Supervisor::reconfigure_set`] ends that; until then the
    /// scale policies of the set are not asked. It may be outside of the bounds of the set, which are for policies; the
    /// replicas up to it must exist ([`Supervisor::add`]). As always, a replica that was stopped by hand is not started
    /// by its set.
    ///
    /// Returns when all orders were given, not when the replicas run.
    ///
    /// # Errors
    /// [`NotScaled`].
    pub async fn scale(
        &self,
        set: &str,
        count: u32,
        motive: impl Into<Motive>,
    ) -> Result<ReplicaCount, NotScaled> {
        let missing = (1..=count)
            .map(|number| replica_name(set, number))
            .find(|name| self.reader().look().id(name).is_none());
        match missing {
            Some(_) if self.sets.find(set).is_none() => Err(NotScaled::NoSuchSet(set.into())),
            Some(missing) => Err(NotScaled::NoSuchReplica(missing.into())),
            None => {
                let motive = motive.into();
                self.note(|| {
                    let detail = format!("to {count} replicas; {}", motive.described()).into();
                    Noted::Order(Ordered { order: "scale".into(), name: set.into(), detail })
                });
                self.change_set(set, SetChange::Scale(count, motive)).await
            }
        }
    }

    async fn change_set(&self, name: &str, change: SetChange) -> Result<ReplicaCount, NotScaled> {
        if self.shared.closing() {
            return Err(NotScaled::ShuttingDown);
        }
        self.sets.change(name, change).await.ok_or_else(|| NotScaled::NoSuchSet(name.into()))
    }
}
