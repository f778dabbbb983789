//! Changes of what is supervised while it runs: processes and replica sets that are added, removed or reconfigured, and
//! the settings that can change.

use std::path::PathBuf;
use std::sync::Arc;

use provost_state::{Incarnation, NameTaken, ProcessId};
use tokio::sync::mpsc;

use crate::groups::ReplicaCount;
use crate::mailbox::{Motive, Refusal};
use crate::settings::Settings;
use crate::spec::{ProcessSpec, ReplicaSet};
use crate::supervisor::Supervisor;

/// Why processes were not added. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdded {
    /// Two of them have the same name, or there is a process with this name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// The host is stopping.
    #[error("the host is shutting down")]
    ShuttingDown,
}

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

/// What the living child of a process was spawned with.
#[derive(Clone, Debug)]
pub struct SpawnedWith {
    /// The life that this child is.
    pub incarnation: Incarnation,
    /// The spec that it was spawned with, without the policies. While it is the spec in force, both are the same `Arc`.
    pub spec: Arc<ProcessSpec>,
}

impl SpawnedWith {
    /// Returns those environment files of the spec that give other variables now than at the spawn, or cannot be read
    /// any more. A change of comments or of blanks is no change. Only a number was kept of what they gave, never the
    /// values. It reads the files and may wait for disks: call it on a thread for blocking work.
    #[must_use]
    pub fn changed_env_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

impl Supervisor {
    /// Adds processes without starting them, all or none. They are known to consumers, logs, groups and the order of
    /// starting when this returns, in the order of `specs`, which is also that of the returned ids, after all others
    /// (see [`Supervisor::arrange`]). A replica that its set does not need now is marked as not needed; so the sets come
    /// first ([`Supervisor::add_set`], [`Supervisor::reconfigure_set`]). Must be called within the tokio runtime.
    ///
    /// # Errors
    /// [`NotAdded`]; no process was added in that case.
    pub fn add(&self, specs: Vec<ProcessSpec>) -> Result<Vec<ProcessId>, NotAdded> {
        let _ = specs;
        Err(NotAdded::ShuttingDown)
    }

    /// Removes a process, and returns when it is gone: stops it if it is up (cause `reload`, with this reason), waits
    /// until its output is in its log (for a bounded time), and takes it out of the registry, its group, the order of
    /// starting and the logs, whose files stay. From the call on, every order that would start it is refused with
    /// [`Refusal::Removed`]. Its name is free when this returns, and from the `Removed` change on.
    ///
    /// It waits for no other process ([`Supervisor::remove_in_order`] does), and no other process waits for it.
    ///
    /// # Errors
    /// [`Refusal::Removed`] if there is no such process (any more). [`Refusal::Stuck`] if the child has not ended some
    /// seconds after its SIGKILL: the process is removed when the child ends at last, and another call waits for that
    /// again. [`Refusal::ShuttingDown`] if the host ends meanwhile.
    pub async fn remove(&self, id: ProcessId, reason: Arc<str>) -> Result<(), Refusal> {
        let _ = (id, reason);
        Err(Refusal::Removed)
    }

    /// Removes processes, each after those among them that depend on it are gone or given up as stuck, and each with
    /// its own reason. Returns at once; the results arrive in the order in which the removals end, one for each
    /// process, and then the channel closes. The removals go on if the receiver is dropped. Must be called within the
    /// tokio runtime.
    ///
    /// Processes that are not among them are not waited for, so the specs of those that have depended on a removed
    /// process are to be [changed](Supervisor::reconfigure) first.
    #[must_use]
    pub fn remove_in_order(
        &self,
        leaving: Vec<(ProcessId, Arc<str>)>,
    ) -> mpsc::Receiver<(ProcessId, Result<(), Refusal>)> {
        let (results, receiver) = mpsc::channel(leaving.len().max(1));
        for (id, _) in leaving {
            let _ = results.try_send((id, Err(Refusal::Removed)));
        }
        receiver
    }

    /// Puts a new spec into force, in place: no process is restarted. Policies, log limits, health check, readiness
    /// check, stop signal, grace time, `stop.to`, `stop.escaped`, `autostart` and dependencies take effect at once: a
    /// process that waits looks at its dependencies again, and a check in progress begins anew. (A process that is
    /// ready stays ready.) The other keys take effect with the next spawn; a spawn that is in progress is begun anew.
    /// [`Supervisor::spawned_with`] shows afterwards whether the living child still has old values.
    ///
    /// Returns when all of this is in force.
    ///
    /// # Errors
    /// [`Refusal::OtherIdentity`] if the name, the group or the type differ; [`Refusal::Removed`];
    /// [`Refusal::ShuttingDown`]. Nothing is changed then.
    pub async fn reconfigure(&self, id: ProcessId, spec: ProcessSpec) -> Result<(), Refusal> {
        let _ = (id, spec);
        Err(Refusal::Removed)
    }

    /// Sets the order of the config for processes and replica sets. It decides among processes that do not depend on
    /// each other: in groups, and in what is listed. Names that do not exist are skipped; processes that are not named
    /// come last, in their former order.
    pub fn arrange(&self, names: &[Arc<str>]) {
        let _ = names;
    }

    /// Returns the spec in force, without the policies (see [`Supervisor::policies_of`]); `None` if there is no such
    /// process.
    #[must_use]
    pub fn spec(&self, id: ProcessId) -> Option<Arc<ProcessSpec>> {
        let _ = id;
        None
    }

    /// Returns what the living child was spawned with; `None` if the process has no child: then its next spawn uses the
    /// spec in force.
    #[must_use]
    pub fn spawned_with(&self, id: ProcessId) -> Option<Arc<SpawnedWith>> {
        let _ = id;
        None
    }

    /// Returns true if a start of the host would start the process: its spec says `autostart`, and its replica set, if
    /// it is in one, needs it.
    #[must_use]
    pub fn is_autostarted(&self, id: ProcessId) -> bool {
        let _ = id;
        false
    }

    /// Restarts a process whose child is to run on: stops it and starts it again. A process that is not up is left
    /// alone, because its next spawn uses the spec in force anyway. It is decided by the task that owns the process, so
    /// a process that ends just now is not started against its policies or against a stop by hand.
    ///
    /// # Errors
    /// [`Refusal::NotRunning`] if it was left alone; [`Refusal::SignalFailed`], [`Refusal::Removed`],
    /// [`Refusal::ShuttingDown`].
    pub async fn renew(&self, id: ProcessId, motive: impl Into<Motive>) -> Result<(), Refusal> {
        let _ = (id, motive.into());
        Err(Refusal::Removed)
    }

    /// Adds a replica set, whose replicas are [added](Supervisor::add) after it. Must be called within the tokio
    /// runtime.
    ///
    /// # Errors
    /// [`NotScaled::SetTaken`], [`NotScaled::ShuttingDown`].
    pub fn add_set(&self, set: ReplicaSet) -> Result<(), NotScaled> {
        Err(NotScaled::SetTaken(set.name))
    }

    /// Removes a replica set. Its replicas stay as they are; they are [removed](Supervisor::remove) like all processes.
    ///
    /// # Errors
    /// [`NotScaled::NoSuchSet`].
    pub fn remove_set(&self, name: &str) -> Result<(), NotScaled> {
        Err(NotScaled::NoSuchSet(name.into()))
    }

    /// Puts new bounds, policies and another period of a replica set into force, and ends a count by hand: the set then
    /// has the number of replicas that it starts with, or, if its count was not set by hand, the present one, within the
    /// new bounds. Needed replicas that exist are started, and the others stopped (cause `reload`). Replicas above the
    /// former maximum are [added](Supervisor::add) afterwards; those above the new one are not removed by this.
    ///
    /// # Errors
    /// [`NotScaled::NoSuchSet`], [`NotScaled::ShuttingDown`].
    pub async fn reconfigure_set(&self, set: ReplicaSet) -> Result<ReplicaCount, NotScaled> {
        Err(NotScaled::NoSuchSet(set.name))
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
        let _ = (count, motive.into());
        Err(NotScaled::NoSuchSet(set.into()))
    }

    /// Puts those settings into force that can change at run time: the decision deadline, the shortest and the longest
    /// restart delay and the restart budget. They hold from the next decision on. The other settings are ignored:
    /// routing has [`Supervisor::reroute`], and the logs cannot change.
    pub fn retune(&self, settings: &Settings) {
        let _ = settings;
    }
}
