//! The mailbox of each process's task, and the chain of policies that judge the process now.

use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use provost_state::{Policy, ProcessId};
use tokio::sync::{mpsc, oneshot};

use crate::mailbox::{Refusal, Request, Want};

/// The capacity of the mailbox of one process.
const MAILBOX: usize = 64;

/// The policies that judge, in this order. It is shared by the tasks that ask and the code that changes it: a change
/// takes effect with the next trigger.
pub(crate) type Chain = Arc<ArcSwap<Vec<Arc<dyn Policy>>>>;

/// Creates a chain of these policies.
pub(crate) fn chain(policies: Vec<Arc<dyn Policy>>) -> Chain {
    Arc::new(ArcSwap::from_pointee(policies))
}

/// All tasks. Once it is dropped, no more orders can be sent, and the tasks end.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    entries: DashMap<ProcessId, Entry>,
}

#[derive(Debug)]
struct Entry {
    mailbox: mpsc::Sender<Request>,
    chain: Chain,
}

impl Roster {
    /// Enters a process, and returns the receiver that its task reads.
    pub(crate) fn enter(&self, id: ProcessId, chain: Chain) -> mpsc::Receiver<Request> {
        let (mailbox, orders) = mpsc::channel(MAILBOX);
        self.entries.insert(id, Entry { mailbox, chain });
        orders
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
        let mailbox = mailbox.ok_or(Refusal::ShuttingDown)?;
        let (reply, answer) = oneshot::channel();
        mailbox.send(Request { want, reply }).await.map_err(|_| Refusal::ShuttingDown)?;
        answer.await.unwrap_or(Err(Refusal::Lost))
    }

    pub(crate) fn chain(&self, id: ProcessId) -> Option<Chain> {
        self.entries.get(&id).map(|entry| entry.chain.clone())
    }
}
