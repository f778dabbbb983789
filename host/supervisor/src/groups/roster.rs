//! The mailbox of each process's task, and what its task shares with others: the policies that judge the process now, the
//! spec in force, and what the living child was spawned with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use dashmap::DashMap;
use provost_state::{Policy, ProcessId};
use tokio::sync::{mpsc, oneshot};

use super::tried::LastTried;
use crate::children::spawned_with::SpawnedWith;
use crate::mailbox::{Refusal, Request, Want};
use crate::spec::ProcessSpec;

/// The capacity of the mailbox of one process.
const MAILBOX: usize = 64;

/// The policies that judge, in this order. It is shared by the tasks that ask and the code that changes it: a change
/// takes effect with the next trigger.
pub(crate) type Chain = Arc<ArcSwap<Vec<Arc<dyn Policy>>>>;

/// Creates a chain of these policies.
pub(crate) fn chain(policies: Vec<Arc<dyn Policy>>) -> Chain {
    Arc::new(ArcSwap::from_pointee(policies))
}

/// What the task of a process shares with others.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) chain: Chain,
    /// The spec in force; written by the task of the process.
    pub(crate) spec: ArcSwap<ProcessSpec>,
    /// What the living child was spawned with; written by the task of the process.
    pub(crate) spawned: ArcSwapOption<SpawnedWith>,
    /// What the checks of its present or last life found last; written by the task of the process.
    pub(crate) tried: LastTried,
    /// Whether the process is being removed; set by the task of the process, and never taken back.
    leaving: AtomicBool,
}

impl Record {
    /// Creates a record of a process without a child. The policies are kept apart from the spec: a spec must not keep a
    /// removed policy alive.
    pub(crate) fn new(mut spec: ProcessSpec) -> Arc<Self> {
        let policies = std::mem::take(&mut spec.policies);
        Arc::new(Self {
            chain: chain(policies),
            spec: ArcSwap::from_pointee(spec),
            spawned: ArcSwapOption::empty(),
            tried: LastTried::default(),
            leaving: AtomicBool::new(false),
        })
    }

    /// Records that the process is being removed.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Whether the process is being removed.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }
}

/// All tasks. Once it is dropped, no more orders can be sent, and the tasks end.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    entries: DashMap<ProcessId, Entry>,
}

#[derive(Debug)]
struct Entry {
    mailbox: mpsc::Sender<Request>,
    record: Arc<Record>,
}

impl Roster {
    /// Enters a process, and returns the receiver that its task reads.
    pub(crate) fn enter(&self, id: ProcessId, record: Arc<Record>) -> mpsc::Receiver<Request> {
        let (mailbox, orders) = mpsc::channel(MAILBOX);
        self.entries.insert(id, Entry { mailbox, record });
        orders
    }

    /// Takes a process out.
    pub(crate) fn remove(&self, id: ProcessId) {
        self.entries.remove(&id);
    }

    /// Sends an order without waiting for the outcome. It is dropped if the mailbox is full.
    pub(crate) fn tell(&self, id: ProcessId, want: Want) {
        if let Some(entry) = self.entries.get(&id) {
            let (reply, _) = oneshot::channel();
            let _ = entry.mailbox.try_send(Request { want, reply });
        }
    }

    /// Sends an order, and returns whether it was granted.
    pub(crate) async fn order(&self, id: ProcessId, want: Want) -> Result<(), Refusal> {
        let mailbox = self.entries.get(&id).map(|entry| entry.mailbox.clone());
        let mailbox = mailbox.ok_or(Refusal::Removed)?;
        let (reply, answer) = oneshot::channel();
        if mailbox.send(Request { want, reply }).await.is_err() {
            // A task ends when its process is removed, or with the runtime.
            let is_there = self.entries.contains_key(&id);
            return Err(if is_there { Refusal::ShuttingDown } else { Refusal::Removed });
        }
        answer.await.unwrap_or(Err(Refusal::Lost))
    }

    pub(crate) fn record(&self, id: ProcessId) -> Option<Arc<Record>> {
        self.entries.get(&id).map(|entry| entry.record.clone())
    }

    pub(crate) fn chain(&self, id: ProcessId) -> Option<Chain> {
        self.record(id).map(|record| record.chain.clone())
    }

    /// Returns the number of processes.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
