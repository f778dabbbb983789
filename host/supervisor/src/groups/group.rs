//! Restarts of whole groups, and what follows for other processes when one is given up.
//!
//! Each group that has members has its own task, so that two members that die at the same time cause one restart. A runner hands its
//! ruling over and goes on listening; it never waits for these tasks, but they wait for runners.
//!
//! ```text
//!  ruling of a member --> hold: the last one first, each after the one before it is down
//!                         (more rulings that arrive meanwhile join in)
//!                     --> the delay --> release: the first one first
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{Cause, Escalation, Moment, PhaseKind, ProcessId, ProcessState, Ruling, Scope};
use tokio::runtime::Handle as Runtime;
use tokio::sync::{mpsc, watch};

use super::dispatch::Dispatch;
use crate::clock::Clock;
use crate::mailbox::{Motive, Refusal, Want};

/// The capacity of an inbox. A member has at most a few concerns in it, since it is held from its ruling on: a full
/// inbox means that the group's task is gone or stuck.
const INBOX: usize = 4_096;

/// The groups that have members, and the senders by which runners hand over what concerns other processes.
#[derive(Debug)]
pub(crate) struct Groups {
    by_name: Mutex<HashMap<Arc<str>, Members>>,
    stops: mpsc::Sender<(Arc<str>, Arc<str>)>,
    shutdown_wanted: watch::Sender<Option<u8>>,
    dispatch: Dispatch,
    clock: Clock,
    runtime: Runtime,
}

/// The members of a group, and the sender to its task, which ends with the last member.
#[derive(Debug)]
struct Members {
    ids: HashSet<ProcessId>,
    concerns: mpsc::Sender<Concern>,
}

/// What a member's ruling means for its group.
#[derive(Debug)]
enum Concern {
    /// A restart: the member that ended, which members to restart, the earliest moment, and the reason.
    Restart { leader: Arc<str>, scope: Scope, until: Moment, reason: Arc<str> },
    /// A restart that a former host has begun: these members are held or are to be, and are started at this moment at the
    /// earliest.
    Resume(Vec<Arc<str>>, Moment),
    /// The group is to be given up, for this reason.
    GiveUp(Arc<str>),
}

impl Groups {
    /// Creates a value without groups, and starts the task that stops dependents.
    pub(crate) fn new(dispatch: Dispatch, clock: Clock, runtime: Runtime) -> Self {
        let (stops, wanted) = mpsc::channel(INBOX);
        runtime.spawn(stop_dependents(wanted, dispatch.clone()));
        let shutdown_wanted = watch::Sender::new(None);
        Self { by_name: Mutex::default(), stops, shutdown_wanted, dispatch, clock, runtime }
    }

    /// Adds a member to a group. The first one starts the task of the group.
    pub(crate) fn enter(&self, group: &Arc<str>, id: ProcessId) {
        if group.is_empty() {
            return;
        }
        let mut by_name = self.by_name.lock();
        let members = by_name.entry(group.clone()).or_insert_with(|| {
            let (sender, concerns) = mpsc::channel(INBOX);
            let (dispatch, clock) = (self.dispatch.clone(), self.clock.clone());
            self.runtime.spawn(Group { name: group.clone(), concerns, dispatch, clock }.run());
            Members { ids: HashSet::new(), concerns: sender }
        });
        members.ids.insert(id);
    }

    /// Takes a member out of its group. The last one ends the task of the group.
    pub(crate) fn leave(&self, group: &Arc<str>, id: ProcessId) {
        let mut by_name = self.by_name.lock();
        if let Some(members) = by_name.get_mut(group) {
            members.ids.remove(&id);
            if members.ids.is_empty() {
                by_name.remove(group);
            }
        }
    }

    /// Sends a concern to the task of the group of `state`. Returns false if it has no group or the task is stuck.
    fn tell(&self, state: &ProcessState, concern: Concern) -> bool {
        let by_name = self.by_name.lock();
        let told = by_name.get(state.group()).map(|members| members.concerns.try_send(concern));
        told.is_some_and(|told| told.inspect_err(|error| full(error, state)).is_ok())
    }

    /// Returns the number of groups.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn len(&self) -> usize {
        self.by_name.lock().len()
    }

    /// Hands over a restart of more than the process itself. Returns false if it concerns only the process or could not
    /// be handed over: the process then restarts itself.
    pub(crate) fn restart(&self, state: &ProcessState, scope: Scope, until: Moment) -> bool {
        if scope == Scope::Itself {
            return false;
        }
        let (leader, name) = (state.name().clone(), state.name());
        let reason = Arc::from(format!("restarted{scope}, because {name} ended: {}", state.reason));
        self.tell(state, Concern::Restart { leader, scope, until, reason })
    }

    /// Goes on with a restart of these members that a former host has begun.
    pub(crate) fn resume(&self, group: &str, members: Vec<Arc<str>>, until: Moment) {
        let by_name = self.by_name.lock();
        let concern = Concern::Resume(members, until);
        if let Some(Err(error)) = by_name.get(group).map(|known| known.concerns.try_send(concern)) {
            tracing::error!(group, "a restart that a former host has begun does not go on: {error}");
        }
    }

    /// Hands over what follows when a process is given up.
    pub(crate) fn escalate(&self, state: &ProcessState, escalation: Escalation) {
        let reason = given_up(state);
        // The receivers are gone only when the host is.
        match escalation {
            Escalation::Nothing => {}
            Escalation::StopDependents => {
                let told = self.stops.try_send((state.name().clone(), reason));
                let _ = told.inspect_err(|error| full(error, state));
            }
            Escalation::GiveUpGroup => {
                self.tell(state, Concern::GiveUp(reason));
            }
            Escalation::ShutDown { code } => {
                tracing::error!("{reason}: the host is shut down with code {code}");
                // The first code wins.
                self.shutdown_wanted.send_if_modified(|wanted| {
                    let first = wanted.is_none();
                    *wanted = wanted.or(Some(code));
                    first
                });
            }
        }
    }

    pub(crate) fn shutdown_wanted(&self) -> watch::Receiver<Option<u8>> {
        self.shutdown_wanted.subscribe()
    }
}

/// Whether a released member has been spawned or is held back by something else, or has ended again, so that its ruling is not
/// the one of `before` any more: the end itself may pass unseen, and its next start may wait for this very task.
fn is_through(state: &ProcessState, before: Option<&Arc<Ruling>>) -> bool {
    let is_starting = state.phase.kind() == PhaseKind::Waiting && state.cause != Cause::Dependency;
    !is_starting || state.decision.as_ref().map(Arc::as_ptr) != before.map(Arc::as_ptr)
}

/// Returns why others are stopped or given up because this process was.
pub(crate) fn given_up(state: &ProcessState) -> Arc<str> {
    Arc::from(format!("{} was given up: {}", state.name(), state.reason))
}

/// Logs that what concerns the group of this process could not be handed over.
fn full<T>(error: &mpsc::error::TrySendError<T>, state: &ProcessState) {
    tracing::error!(
        process = &**state.name(),
        group = &**state.group(),
        "its ruling could not be passed on to others: {error}"
    );
}

/// Stops the dependents of processes that were given up, until no more can be.
async fn stop_dependents(mut wanted: mpsc::Receiver<(Arc<str>, Arc<str>)>, dispatch: Dispatch) {
    while let Some((name, reason)) = wanted.recv().await {
        let dispatch = dispatch.clone();
        // A separate task: a dependent that is slow to stop delays nothing else.
        tokio::spawn(async move {
            let dependents = dispatch.named(dispatch.lineup.order().all_dependents(&name));
            dispatch
                .stop_in_order(dependents, Want::Stop(Motive::because(Cause::Policy, reason)), None)
                .await;
        });
    }
}

/// The task of one group.
struct Group {
    name: Arc<str>,
    concerns: mpsc::Receiver<Concern>,
    dispatch: Dispatch,
    clock: Clock,
}

/// A restart in progress.
#[derive(Debug, Default)]
struct Restart {
    who: HashSet<Arc<str>>,
    held: HashSet<Arc<str>>,
    until: Moment,
    reason: Arc<str>,
}

impl Group {
    /// Returns the members of this moment, in the order of starting.
    fn members(&self) -> Vec<Arc<str>> {
        self.dispatch.lineup.order().group(&self.name)
    }

    async fn run(mut self) {
        while let Some(concern) = self.concerns.recv().await {
            let mut restart = Restart::default();
            let mut given_up = self.join(&mut restart, concern);
            if given_up.is_none() {
                given_up = self.hold_all(&mut restart).await;
            }
            match given_up {
                Some(reason) => self.give_up(&reason).await,
                None => self.release_all(&restart).await,
            }
        }
    }

    /// Merges a concern into the restart; returns the reason if the group is to be given up instead.
    fn join(&self, restart: &mut Restart, concern: Concern) -> Option<Arc<str>> {
        let (who, until, reason) = match concern {
            Concern::GiveUp(reason) => return Some(reason),
            Concern::Resume(members, until) => {
                (members, until, Arc::from("restarted with its group, as a former host has begun to"))
            }
            Concern::Restart { leader, scope, until, reason } => {
                let who = match scope {
                    Scope::Rest => self.dispatch.lineup.order().rest(&leader),
                    Scope::Itself | Scope::Group => self.members(),
                };
                // The leader holds itself from its ruling on.
                restart.held.insert(leader);
                (who, until, reason)
            }
        };
        restart.who.extend(who);
        if until.mono_ns > restart.until.mono_ns {
            restart.until = until;
        }
        if restart.reason.is_empty() {
            restart.reason = reason;
        }
        None
    }

    /// Waits until all are held and the delay is over; returns the reason if the group is to be given up instead.
    async fn hold_all(&mut self, restart: &mut Restart) -> Option<Arc<str>> {
        loop {
            while let Ok(concern) = self.concerns.try_recv() {
                if let Some(reason) = self.join(restart, concern) {
                    return Some(reason);
                }
            }
            let mut last_first = self.members().into_iter().rev();
            let next = last_first.find(|name| restart.who.contains(name) && !restart.held.contains(name));
            if let Some(name) = next {
                self.tell_and_await(&name, Want::Hold(restart.reason.clone())).await;
                restart.held.insert(name);
                continue;
            }
            let concern = tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.clock.instant(restart.until)) => return None,
                concern = self.concerns.recv() => concern?,
            };
            if let Some(reason) = self.join(restart, concern) {
                return Some(reason);
            }
        }
    }

    /// Releases the members in the order of starting, each when the one before it was spawned, has ended again or is held
    /// back by something else.
    async fn release_all(&self, restart: &Restart) {
        let mut held_back = self.members();
        held_back.retain(|name| restart.who.contains(name));
        for handle in self.dispatch.handles(&held_back) {
            let before = self.dispatch.reader.state(handle.id).and_then(|state| state.decision.clone());
            let _ = self.dispatch.order(handle.id, Want::Release).await;
            self.dispatch.until_state(handle.id, |state| is_through(state, before.as_ref())).await;
        }
    }

    async fn give_up(&self, reason: &Arc<str>) {
        for name in self.members().iter().rev() {
            self.tell_and_await(name, Want::GiveUp(reason.clone())).await;
        }
    }

    /// Sends an order, and waits until a stop that it caused has ended.
    async fn tell_and_await(&self, name: &Arc<str>, want: Want) {
        let Some(handle) = self.dispatch.reader.handle(name) else { return };
        match self.dispatch.order(handle.id, want).await {
            Ok(()) | Err(Refusal::Removed) => {}
            Err(refusal) => {
                tracing::warn!(process = &**name, %refusal, "the order to stop with its group failed");
            }
        }
        self.dispatch.until_state(handle.id, |state| state.phase.kind() != PhaseKind::Stopping).await;
    }
}

#[cfg(test)]
mod tests {
    use provost_state::{Identity, Phase, RulingAction};

    use super::*;

    fn ruling() -> Arc<Ruling> {
        Arc::new(Ruling {
            action: RulingAction::Restart { delay_ms: 0, scope: Scope::Group },
            by: Arc::from("otp"),
            reason: Arc::from("could not be started"),
            overruled: None,
        })
    }

    #[test]
    fn a_member_that_has_ended_again_is_not_waited_for_although_its_end_was_not_seen() {
        let before = ruling();
        let identity = Arc::new(Identity::new("db", "team"));
        let waiting = ProcessState {
            phase: Phase::Waiting,
            cause: Cause::Policy,
            decision: Some(before.clone()),
            ..ProcessState::new(ProcessId::NOBODY, identity, Moment::default())
        };
        assert!(!is_through(&waiting, Some(&before)), "it is being started");
        let held_back = ProcessState { cause: Cause::Dependency, ..waiting.clone() };
        assert!(is_through(&held_back, Some(&before)));
        let judged_again = ProcessState { decision: Some(ruling()), ..waiting };
        assert!(is_through(&judged_again, Some(&before)), "its next start waits for its group");
    }
}
