//! Processes that are added, removed or reconfigured while the host runs.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use provost_state::{NameTaken, ProcessId, ProcessState};
use tokio::sync::mpsc;

use super::adopting::identity_of;
use super::handle::Supervisor;
use crate::children::command;
use crate::children::spawned_with::SpawnedWith;
use crate::groups::{Listing, Named, Record, Tried, not_needed};
use crate::mailbox::{Refusal, Want};
use crate::runner::{Adoption, OUTPUT_GRACE, Runner};
use crate::shared::Shared;
use crate::spec::ProcessSpec;

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

/// A change in several steps, which is over when this is dropped.
pub struct Changing {
    shared: Arc<Shared>,
}

impl fmt::Debug for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changing")
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.shared.changing.send_modify(|changes| changes.in_progress -= 1);
    }
}

impl Supervisor {
    /// Begins a change in several steps, such as a reload: until the result is dropped, nothing counts as completed
    /// ([`Supervisor::until_all_completed`], [`Supervisor::until_completed`]), although processes may be stopped and are
    /// yet to be replaced or started. What was judged before it ends is judged again afterwards.
    #[must_use = "the change is over when it is dropped"]
    pub fn changing(&self) -> Changing {
        self.shared.changing.send_modify(|changes| {
            changes.in_progress += 1;
            changes.begun += 1;
        });
        Changing { shared: self.shared.clone() }
    }

    /// Adds processes without starting them, all or none. They are known to consumers, logs, groups and the order of
    /// starting when this returns, in the order of `specs`, which is also that of the returned ids, after all others
    /// (replicas beside the others of their set; see [`Supervisor::arrange`]). A replica that its set does not need now is
    /// marked as not needed; so the sets come first ([`Supervisor::add_set`], [`Supervisor::reconfigure_set`]). Must be
    /// called within the tokio runtime.
    ///
    /// # Errors
    /// [`NotAdded`]; no process was added in that case.
    pub fn add(&self, specs: Vec<ProcessSpec>) -> Result<Vec<ProcessId>, NotAdded> {
        if self.shared.closing() {
            return Err(NotAdded::ShuttingDown);
        }
        Ok(self.enter(specs)?)
    }

    /// Does what [`Supervisor::add`] does.
    pub(super) fn enter(&self, specs: Vec<ProcessSpec>) -> Result<Vec<ProcessId>, NameTaken> {
        // One at a time, so that none of the names is taken meanwhile.
        let _adding = self.shared.adding.lock();
        let world = self.reader().snapshot();
        let mut names = HashSet::new();
        let taken = specs.iter().find(|spec| !names.insert(&spec.name) || world.id(&spec.name).is_some());
        if let Some(taken) = taken {
            return Err(NameTaken(taken.name.clone()));
        }
        let mut spare = not_needed(&self.sets.all());
        let mut added = Vec::with_capacity(specs.len());
        for spec in specs {
            let spare = spare.remove(&*spec.name);
            added.push(self.enter_one(spec, spare)?);
        }
        Ok(added)
    }

    /// Adds one process, and starts its task. `spare` says why its set does not need it, if it does not.
    fn enter_one(&self, spec: ProcessSpec, spare: Option<Arc<str>>) -> Result<ProcessId, NameTaken> {
        let shared = &self.shared;
        let record = Record::new(spec);
        let spec = record.spec.load_full();
        let is_spare = spare.is_some();
        let state = shared.publisher.add(identity_of(&spec), spare)?;
        Ok(self.settle(record, state, |runner| {
            if is_spare {
                runner.begin_spare();
            }
        }))
    }

    /// Goes on with a process of a former host, which is in the registry already: enters it everywhere else, and starts its
    /// task, which does nothing before it is told to.
    pub(super) fn re_enter(
        &self,
        spec: ProcessSpec,
        state: Arc<ProcessState>,
        adoption: Adoption,
    ) -> ProcessId {
        self.settle(Record::new(spec), state, |runner| runner.adopt(adoption))
    }

    /// Enters a process of the registry everywhere else, and starts its task.
    fn settle(
        &self,
        record: Arc<Record>,
        state: Arc<ProcessState>,
        begin: impl FnOnce(&mut Runner),
    ) -> ProcessId {
        let (shared, spec, id) = (&self.shared, record.spec.load_full(), state.id);
        shared.logs.add(id, &spec);
        shared.lineup.add(id, spec.clone());
        shared.groups.enter(&spec.group, id);
        let orders = self.roster.enter(id, record.clone());
        let mut runner = Runner::new(record, shared.clone(), state, orders);
        begin(&mut runner);
        shared.runtime.spawn(runner.run());
        id
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
        let gone = self.dispatch.order(id, Want::Leave(reason));
        let past_hope = self.dispatch.past_hope(id, &self.shared.publisher.clock, OUTPUT_GRACE);
        tokio::select! {
            biased;
            gone = gone => gone,
            () = past_hope => Err(Refusal::Stuck),
        }
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
        let mut reasons: HashMap<ProcessId, Arc<str>> = HashMap::new();
        let mut processes = Vec::new();
        for (id, reason) in leaving {
            match self.reader().handle_of(id).zip(self.spec(id)) {
                Some((handle, spec)) => {
                    reasons.insert(id, reason);
                    processes.push(Named { name: spec.name.clone(), handle });
                }
                None => {
                    // There is room for one result for each.
                    let _ = results.try_send((id, Err(Refusal::Removed)));
                }
            }
        }
        let mut removals = self.dispatch.dependents_first(processes, |process| {
            let id = process.handle.id;
            let (supervisor, results) = (self.clone(), results.clone());
            let reason = reasons.get(&id).cloned().unwrap_or_default();
            async move {
                let removed = supervisor.remove(id, reason).await;
                // The caller may be gone.
                let _ = results.try_send((id, removed));
            }
        });
        removals.detach_all();
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
        self.order_to(id, Want::Reconfigure(Box::new(spec))).await
    }

    /// Says that the config asks for this spec, although the process keeps its group and its type until it is replaced. Comes
    /// after [`reconfigure`](Supervisor::reconfigure), and keeps another host from replacing it when it goes on with it.
    pub fn postpone(&self, id: ProcessId, wanted: &ProcessSpec) {
        if let Some((stash, state)) = self.shared.publisher.stash().zip(self.reader().state(id)) {
            stash.in_force(&state, wanted.digest_at_spawn());
        }
    }

    /// Sets the order of the config for processes and replica sets. It decides among processes that do not depend on
    /// each other: in groups, and in what is listed. Names that do not exist are skipped; processes that are not named
    /// come last, in their former order.
    pub fn arrange(&self, names: &[Arc<str>]) {
        self.shared.lineup.arrange(names);
        self.sets.arrange(names);
    }

    /// Returns the names of all processes in that order. The result is the same one until something changes.
    #[must_use]
    pub fn listing(&self) -> Arc<Listing> {
        self.shared.lineup.listing()
    }

    /// Returns the spec in force, without the policies (see [`Supervisor::policies_of`]); `None` if there is no such
    /// process.
    #[must_use]
    pub fn spec(&self, id: ProcessId) -> Option<Arc<ProcessSpec>> {
        self.roster.record(id).map(|record| record.spec.load_full())
    }

    /// Returns true if the process is being removed, or is gone: its task has taken an order to leave, which cannot be
    /// taken back.
    #[must_use]
    pub fn is_leaving(&self, id: ProcessId) -> bool {
        match self.roster.record(id) {
            Some(record) => record.is_leaving(),
            // Between its entry in the registry and that of its task.
            None => self.reader().state(id).is_none(),
        }
    }

    /// Returns what the living child was spawned with; `None` if the process has no child: then its next spawn uses the
    /// spec in force.
    #[must_use]
    pub fn spawned_with(&self, id: ProcessId) -> Option<Arc<SpawnedWith>> {
        self.roster.record(id)?.spawned.load_full()
    }

    /// Returns the names of all variables that the living child was started with, sorted; `None` if the process has no child:
    /// environment files are read, and start policies asked, at each spawn.
    #[must_use]
    pub fn variables(&self, id: ProcessId) -> Option<BTreeSet<String>> {
        self.spawned_with(id).map(|spawned| command::names_of(&spawned))
    }

    /// Returns what the readiness check and the health check of a process found last in its present or last life.
    #[must_use]
    pub fn tried(&self, id: ProcessId) -> (Option<Arc<Tried>>, Option<Arc<Tried>>) {
        let Some(record) = self.roster.record(id) else { return (None, None) };
        (record.tried.readiness.get(), record.tried.health.get())
    }

    /// Returns true if a start of the host would start the process: its spec says `autostart`, and its replica set, if
    /// it is in one, needs it.
    #[must_use]
    pub fn is_autostarted(&self, id: ProcessId) -> bool {
        let Some(spec) = self.spec(id) else { return false };
        let set = spec.set_name().and_then(|name| self.sets.find(name));
        let is_spare = set.zip(spec.replica).is_some_and(|(set, number)| number > set.count().wanted);
        spec.autostart && !is_spare
    }
}
