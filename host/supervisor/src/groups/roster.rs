//! Who runs what: the mailbox of each process's task, and the chain of policies that judge it now.

use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use provost_state::{Policy, ProcessId};
use tokio::sync::{mpsc, oneshot};

use crate::mailbox::{Refusal, Request, Want};

/// Orders that may wait in the mailbox of one process.
const MAILBOX: usize = 64;

/// Who judges, in this order. Shared by who asks and who changes it: what is stored holds for the next trigger.
pub(crate) type Chain = Arc<ArcSwap<Vec<Arc<dyn Policy>>>>;

/// A chain with these policies.
pub(crate) fn chain(policies: Vec<Arc<dyn Policy>>) -> Chain {
    Arc::new(ArcSwap::from_pointee(policies))
}

/// All tasks. When it is gone, nobody can give orders any more, and the tasks end.
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
    /// Enters a process; what its task is to read.
    pub(crate) fn enter(&self, id: ProcessId, chain: Chain) -> mpsc::Receiver<Request> {
        let (mailbox, orders) = mpsc::channel(MAILBOX);
        self.entries.insert(id, Entry { mailbox, chain });
        orders
    }

    /// An order whose outcome nobody waits for, to a process whose mailbox has room.
    pub(crate) fn tell(&self, id: ProcessId, want: Want) {
        if let Some(entry) = self.entries.get(&id) {
            let (reply, _) = oneshot::channel();
            let _ = entry.mailbox.try_send(Request { want, reply });
        }
    }

    /// An order, and whether it was granted.
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
