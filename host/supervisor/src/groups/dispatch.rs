//! Sends orders to runners and waits for the result, on behalf of tasks that act on several processes. No runner ever waits
//! for another one; those that wait are separate tasks.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use provost_state::{Generation, Handle, Phase, PhaseKind, ProcessId, ProcessState, Reader};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::roster::Roster;
use super::start_order::StartOrder;
use crate::clock::Clock;
use crate::mailbox::{Refusal, Want};

/// How long after its SIGKILL a process may take to end before the shutdown goes on without it.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5);

/// A process that several tasks know by its name and read through its handle.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) handle: Handle,
}

/// Access to all runners. It does not keep the roster alive: when that is gone, every order is refused.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    pub(crate) reader: Reader,
    pub(crate) order: Arc<StartOrder>,
    pub(crate) changed: watch::Receiver<Generation>,
    pub(crate) roster: Weak<Roster>,
}

impl Dispatch {
    /// Sends an order. If it is lost because the runner ended unexpectedly, it is sent again to the runner that takes
    /// over, so every order that is sent here must be idempotent.
    pub(crate) async fn order(&self, id: ProcessId, want: Want) -> Result<(), Refusal> {
        loop {
            let roster = self.roster.upgrade().ok_or(Refusal::ShuttingDown)?;
            match roster.order(id, want.clone()).await {
                Err(Refusal::Lost) => {}
                answer => return answer,
            }
        }
    }

    pub(crate) fn handles(&self, names: &[Arc<str>]) -> Vec<Handle> {
        names.iter().filter_map(|name| self.reader.handle(name)).collect()
    }

    /// Returns those of these processes that exist.
    pub(crate) fn named(&self, names: Vec<Arc<str>>) -> Vec<Named> {
        let named = |name: Arc<str>| Some(Named { handle: self.reader.handle(&name)?, name });
        names.into_iter().filter_map(named).collect()
    }

    /// Waits until the phases of all these processes satisfy `so`. Every commit wakes every waiter; a look is one load
    /// of a status word for each process.
    pub(crate) async fn until(&self, processes: &[Handle], so: impl Fn(PhaseKind) -> bool) {
        let mut changed = self.changed.clone();
        loop {
            changed.mark_unchanged();
            if processes.iter().all(|process| so(process.status().phase()))
                || changed.changed().await.is_err()
            {
                return;
            }
        }
    }

    /// Waits until the state of one process satisfies `so`.
    pub(crate) async fn until_state(&self, id: ProcessId, so: impl Fn(&ProcessState) -> bool) {
        let mut changed = self.changed.clone();
        loop {
            changed.mark_unchanged();
            let reached = self.reader.state(id).is_none_or(|state| so(&state));
            if reached || changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Stops these processes, each after those that depend on it, and returns when all are down. With a clock it waits
    /// for no process longer than [`GIVEN_UP_AFTER`] after its SIGKILL; it returns those that were given up.
    pub(crate) async fn stop_in_order(
        &self,
        processes: Vec<Named>,
        stop: Want,
        bounded: Option<Clock>,
    ) -> Vec<Named> {
        let mut stops = JoinSet::new();
        let (ended, _) = watch::channel(HashSet::new());
        let ended = Arc::new(ended);
        let all: HashSet<Arc<str>> = processes.iter().map(|process| process.name.clone()).collect();
        for process in processes {
            let dependents = self.order.dependents(&process.name).cloned();
            // Processes that are stopped here report through `ended` when they are down or given up; the others are
            // watched by their state.
            let (ours, others): (Vec<_>, Vec<_>) = dependents.partition(|name| all.contains(name));
            let (dispatch, stop, ended) = (self.clone(), stop.clone(), ended.clone());
            stops.spawn(async move {
                dispatch.until(&dispatch.handles(&others), is_down).await;
                // Cannot fail: the sender is held here.
                let _ = ended
                    .subscribe()
                    .wait_for(|ended: &HashSet<Arc<str>>| ours.iter().all(|name| ended.contains(name)))
                    .await;
                let name = process.name.clone();
                let stuck = dispatch.stop_one(process, stop, bounded).await;
                ended.send_modify(|ended| {
                    ended.insert(name);
                });
                stuck
            });
        }
        stops.join_all().await.into_iter().flatten().collect()
    }

    /// Stops one process; returns it if it was given up.
    async fn stop_one(&self, process: Named, stop: Want, bounded: Option<Clock>) -> Option<Named> {
        let id = process.handle.id;
        let told = self.order(id, stop);
        let told = match bounded {
            Some(_) => timeout(GIVEN_UP_AFTER, told).await.unwrap_or(Err(Refusal::Lost)),
            None => told.await,
        };
        if let Err(refusal) = told {
            tracing::warn!(process = &*process.name, %refusal, "the order to stop failed");
        }
        let Some(clock) = bounded else {
            self.until(&[process.handle], is_down).await;
            return None;
        };
        let kill_at = self.reader.state(id).and_then(|state| match state.phase {
            Phase::Stopping { kill_at, .. } => Some(clock.instant(kill_at)),
            _ => None,
        });
        let until = kill_at.unwrap_or_else(Instant::now) + GIVEN_UP_AFTER;
        let down = timeout_at(until, self.until(std::slice::from_ref(&process.handle), is_down)).await;
        down.is_err().then_some(process)
    }
}

/// Whether the process is at rest: it does not run and will not be started unprompted.
fn is_down(phase: PhaseKind) -> bool {
    matches!(phase, PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal)
}
