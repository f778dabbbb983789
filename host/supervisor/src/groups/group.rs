//! Restarts of whole groups, and what follows for other processes when one is given up.
//!
//! Each group has its own task, so that two members that die at the same time cause one restart. A runner hands its
//! ruling over and goes on listening; it never waits for these tasks, but they wait for runners.
//!
//! ```text
//!  ruling of a member --> hold: the last one first, each after the one before it is down
//!                         (more rulings that arrive meanwhile join in)
//!                     --> the delay --> release: the first one first
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use provost_state::{Cause, Escalation, Moment, PhaseKind, ProcessState, Scope};
use tokio::sync::{mpsc, watch};

use super::dispatch::Dispatch;
use crate::clock::Clock;
use crate::mailbox::Want;

/// The capacity of an inbox. A member has at most a few concerns in it, since it is held from its ruling on: a full
/// inbox means that the group's task is gone or stuck.
const INBOX: usize = 4_096;

/// The senders by which runners hand over what concerns other processes.
#[derive(Debug)]
pub(crate) struct Groups {
    by_name: HashMap<Arc<str>, mpsc::Sender<Concern>>,
    stops: mpsc::Sender<(Arc<str>, Arc<str>)>,
    shutdown_wanted: watch::Sender<Option<u8>>,
}

/// What a member's ruling means for its group.
#[derive(Debug)]
enum Concern {
    /// A restart: the member that ended, which members to restart, the earliest moment, and the reason.
    Restart { leader: Arc<str>, scope: Scope, until: Moment, reason: Arc<str> },
    /// The group is to be given up, for this reason.
    GiveUp(Arc<str>),
}

/// The receiving ends, until the tasks have been started.
pub(crate) struct Inbox {
    groups: Vec<(Arc<str>, mpsc::Receiver<Concern>)>,
    stops: mpsc::Receiver<(Arc<str>, Arc<str>)>,
}

impl Groups {
    pub(crate) fn new(names: HashSet<Arc<str>>) -> (Self, Inbox) {
        let (mut by_name, mut groups) = (HashMap::new(), Vec::new());
        for name in names {
            let (sender, receiver) = mpsc::channel(INBOX);
            by_name.insert(name.clone(), sender);
            groups.push((name, receiver));
        }
        let (stops, stops_wanted) = mpsc::channel(INBOX);
        let shutdown_wanted = watch::Sender::new(None);
        (Self { by_name, stops, shutdown_wanted }, Inbox { groups, stops: stops_wanted })
    }

    /// Hands over a restart of more than the process itself. Returns false if it concerns only the process or could not
    /// be handed over: the process then restarts itself.
    pub(crate) fn restart(&self, state: &ProcessState, scope: Scope, until: Moment) -> bool {
        let Some(group) = self.by_name.get(state.group()).filter(|_| scope != Scope::Itself) else {
            return false;
        };
        let (leader, name) = (state.name().clone(), state.name());
        let reason = Arc::from(format!("restarted{scope}, because {name} ended: {}", state.reason));
        let concern = Concern::Restart { leader, scope, until, reason };
        group.try_send(concern).inspect_err(|error| full(error, state)).is_ok()
    }

    /// Hands over what follows when a process is given up.
    pub(crate) fn escalate(&self, state: &ProcessState, escalation: Escalation) {
        let name = state.name();
        let reason: Arc<str> = Arc::from(format!("{name} was given up: {}", state.reason));
        // The receivers are gone only when the host is.
        match escalation {
            Escalation::Nothing => {}
            Escalation::StopDependents => {
                let told = self.stops.try_send((name.clone(), reason));
                let _ = told.inspect_err(|error| full(error, state));
            }
            Escalation::GiveUpGroup => {
                if let Some(group) = self.by_name.get(state.group()) {
                    let told = group.try_send(Concern::GiveUp(reason));
                    let _ = told.inspect_err(|error| full(error, state));
                }
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

/// Logs that what concerns the group of this process could not be handed over.
fn full<T>(error: &mpsc::error::TrySendError<T>, state: &ProcessState) {
    tracing::error!(
        process = &**state.name(),
        group = &**state.group(),
        "its ruling could not be passed on to others: {error}"
    );
}

impl Inbox {
    /// Starts the task of each group, and the one that stops dependents.
    pub(crate) fn start(self, dispatch: &Dispatch, clock: Clock) {
        for (group, concerns) in self.groups {
            let members = dispatch.order.group(&group);
            let group = Group { members, concerns, dispatch: dispatch.clone(), clock };
            tokio::spawn(group.run());
        }
        let (dispatch, mut stops) = (dispatch.clone(), self.stops);
        tokio::spawn(async move {
            while let Some((name, reason)) = stops.recv().await {
                let dispatch = dispatch.clone();
                // A separate task: a dependent that is slow to stop delays nothing else.
                tokio::spawn(async move {
                    let dependents = dispatch.named(dispatch.order.all_dependents(&name));
                    dispatch.stop_in_order(dependents, Want::StopFor(Cause::Policy, reason), None).await;
                });
            }
        });
    }
}

/// The task of one group.
struct Group {
    /// The members, in the order of starting.
    members: Vec<Arc<str>>,
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
        match concern {
            Concern::GiveUp(reason) => Some(reason),
            Concern::Restart { leader, scope, until, reason } => {
                let who = match scope {
                    Scope::Rest => self.dispatch.order.rest(&leader),
                    Scope::Itself | Scope::Group => self.members.clone(),
                };
                restart.who.extend(who);
                // The leader holds itself from its ruling on.
                restart.held.insert(leader);
                if until.mono_ns > restart.until.mono_ns {
                    restart.until = until;
                }
                if restart.reason.is_empty() {
                    restart.reason = reason;
                }
                None
            }
        }
    }

    /// Waits until all are held and the delay is over; returns the reason if the group is to be given up instead.
    async fn hold_all(&mut self, restart: &mut Restart) -> Option<Arc<str>> {
        loop {
            while let Ok(concern) = self.concerns.try_recv() {
                if let Some(reason) = self.join(restart, concern) {
                    return Some(reason);
                }
            }
            let mut last_first = self.members.iter().rev();
            let next = last_first.find(|name| restart.who.contains(*name) && !restart.held.contains(*name));
            if let Some(name) = next {
                self.tell_and_await(name, Want::Hold(restart.reason.clone())).await;
                restart.held.insert(name.clone());
                continue;
            }
            let concern = tokio::select! {
                () = tokio::time::sleep_until(self.clock.instant(restart.until)) => return None,
                concern = self.concerns.recv() => concern?,
            };
            if let Some(reason) = self.join(restart, concern) {
                return Some(reason);
            }
        }
    }

    /// Releases the members in the order of starting, each when the one before it was spawned or is held back by
    /// something else.
    async fn release_all(&self, restart: &Restart) {
        let held_back: Vec<_> =
            self.members.iter().filter(|name| restart.who.contains(*name)).cloned().collect();
        for handle in self.dispatch.handles(&held_back) {
            let _ = self.dispatch.order(handle.id, Want::Release).await;
            let is_starting = |state: &ProcessState| {
                state.phase.kind() == PhaseKind::Waiting && state.cause != Cause::Dependency
            };
            self.dispatch.until_state(handle.id, |state| !is_starting(state)).await;
        }
    }

    async fn give_up(&self, reason: &Arc<str>) {
        for name in self.members.iter().rev() {
            self.tell_and_await(name, Want::GiveUp(reason.clone())).await;
        }
    }

    /// Sends an order, and waits until a stop that it caused has ended.
    async fn tell_and_await(&self, name: &Arc<str>, want: Want) {
        let Some(handle) = self.dispatch.reader.handle(name) else { return };
        if let Err(refusal) = self.dispatch.order(handle.id, want).await {
            tracing::warn!(process = &**name, %refusal, "the order to stop with its group failed");
        }
        self.dispatch.until_state(handle.id, |state| state.phase.kind() != PhaseKind::Stopping).await;
    }
}
