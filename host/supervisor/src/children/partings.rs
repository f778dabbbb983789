//! The ends of what has left the groups of children that ended by themselves. They go on beside the next lives, and the end of the
//! host waits for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// All ends that are in progress. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Partings(Arc<watch::Sender<BTreeMap<u64, Parting>>>);

#[derive(Debug)]
struct Parting {
    /// Tells that the grace time is over.
    killed: watch::Sender<bool>,
    grace: Duration,
}

impl Partings {
    /// Enters an end, which takes at most this grace time unless it is `killed`, until the guard is dropped.
    pub(super) fn enter(&self, killed: watch::Sender<bool>, grace: Duration) -> InProgress {
        let mut number = 0;
        self.0.send_modify(|all| {
            number = all.last_key_value().map_or(0, |(last, _)| last + 1);
            all.insert(number, Parting { killed, grace });
        });
        InProgress { partings: self.clone(), number }
    }

    /// Ends the grace time of all of them.
    pub(super) fn kill(&self) {
        for parting in self.0.borrow().values() {
            parting.killed.send_replace(true);
        }
    }

    /// Waits until all of them are over, for at most the longest grace time and `more`.
    pub(super) async fn over(&self, more: Duration) {
        let mut all = self.0.subscribe();
        let grace = all.borrow().values().map(|parting| parting.grace).max().unwrap_or_default();
        // What is still there then is found by the last look.
        let _ = timeout(grace + more, all.wait_for(BTreeMap::is_empty)).await;
    }
}

/// An end in progress.
#[derive(Debug)]
pub(super) struct InProgress {
    partings: Partings,
    number: u64,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.partings.0.send_modify(|all| drop(all.remove(&self.number)));
    }
}
