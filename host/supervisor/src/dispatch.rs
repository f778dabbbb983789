//! Gives orders to runners and waits for what comes of them: the hands of whoever acts on more than one process. No
//! runner ever waits for another one; those that do are tasks of their own.

use std::sync::{Arc, Weak};

use provost_state::{Generation, Handle, PhaseKind, ProcessId, ProcessState, Reader};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::order::Order;
use crate::roster::Roster;
use crate::runner::Want;
use crate::supervisor::Refusal;

/// It keeps nobody alive: when the roster is gone, every order is refused.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    pub(crate) reader: Reader,
    pub(crate) order: Arc<Order>,
    pub(crate) changed: watch::Receiver<Generation>,
    pub(crate) roster: Weak<Roster>,
}

impl Dispatch {
    pub(crate) async fn order(&self, id: ProcessId, want: Want) -> Result<(), Refusal> {
        match self.roster.upgrade() {
            Some(roster) => roster.order(id, want).await,
            None => Err(Refusal::ShuttingDown),
        }
    }

    pub(crate) fn handles(&self, names: &[Arc<str>]) -> Vec<Handle> {
        names.iter().filter_map(|name| self.reader.handle(name)).collect()
    }

    /// Waits until all of these are so. Every commit wakes every waiter: by the status words, a look is one load each.
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

    /// Waits until the state of one process is so.
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

    /// Orders a stop of these, each after those that depend on it, and returns when all are down.
    pub(crate) async fn stop_in_order(&self, processes: Vec<Handle>, stop: Want) {
        let mut stops = JoinSet::new();
        for process in processes {
            let dependents: Vec<Arc<str>> = self.order.dependents(process.name()).cloned().collect();
            let (dispatch, stop) = (self.clone(), stop.clone());
            stops.spawn(async move {
                dispatch.until(&dispatch.handles(&dependents), is_down).await;
                if let Err(refusal) = dispatch.order(process.id, stop).await {
                    tracing::warn!(process = &**process.name(), %refusal, "cannot be told to stop");
                }
                dispatch.until(&[process], is_down).await;
            });
        }
        stops.join_all().await;
    }
}

/// Is it at rest: does nothing of it run, and nothing will?
pub(crate) fn is_down(phase: PhaseKind) -> bool {
    matches!(phase, PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal)
}
