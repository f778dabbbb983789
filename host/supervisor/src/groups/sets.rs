//! The replica sets that there are now, in the order of the config.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::replicas::{ReplicaCount, Replicas, SetChange, SetRequest};

/// All replica sets, each with the sender to its task. A task ends when its set is removed.
#[derive(Debug, Default)]
pub(crate) struct Sets(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    replicas: Arc<Replicas>,
    requests: mpsc::Sender<SetRequest>,
}

impl Sets {
    /// Returns all sets.
    pub(crate) fn all(&self) -> Vec<Arc<Replicas>> {
        self.0.lock().iter().map(|entry| entry.replicas.clone()).collect()
    }

    /// Returns the set of this name.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Replicas>> {
        let all = self.0.lock();
        all.iter().find(|entry| *entry.replicas.name == *name).map(|entry| entry.replicas.clone())
    }

    /// Adds a set, whose task `start` starts. Returns false if there is one of this name.
    pub(crate) fn add(
        &self,
        replicas: Replicas,
        start: impl FnOnce(&Arc<Replicas>) -> mpsc::Sender<SetRequest>,
    ) -> bool {
        let mut all = self.0.lock();
        let is_new = all.iter().all(|entry| entry.replicas.name != replicas.name);
        if is_new {
            let replicas = Arc::new(replicas);
            all.push(Entry { requests: start(&replicas), replicas });
        }
        is_new
    }

    /// Removes a set. Returns false if there is none of this name.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let mut all = self.0.lock();
        let before = all.len();
        all.retain(|entry| *entry.replicas.name != *name);
        all.len() < before
    }

    /// Sorts the sets by the place of their names in `names`.
    pub(crate) fn arrange(&self, names: &[Arc<str>]) {
        let places: HashMap<&str, usize> = names.iter().map(|name| &**name).zip(0..).collect();
        let place = |entry: &Entry| places.get(&*entry.replicas.name).copied().unwrap_or(usize::MAX);
        self.0.lock().sort_by_key(place);
    }

    /// Changes a set; returns its new count when the orders to its replicas were given, or `None` if there is no such
    /// set (any more).
    pub(crate) async fn change(&self, name: &str, change: SetChange) -> Option<ReplicaCount> {
        let requests = {
            let all = self.0.lock();
            all.iter().find(|entry| *entry.replicas.name == *name)?.requests.clone()
        };
        let (reply, outcome) = oneshot::channel();
        requests.send(SetRequest { change, reply }).await.ok()?;
        outcome.await.ok()
    }
}
