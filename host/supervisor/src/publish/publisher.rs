//! Wraps the registry and notifies watchers after every commit, so that nobody has to poll. It is the only holder of the
//! right to write.
//!
//! A task wakes the watchers, and a commit wakes only that task. To wake a thread takes several times as long as a commit, and
//! the runner that commits would wait for that before it acts. Watchers read the registry, so one wake-up after several commits
//! is enough.

use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{
    At, Event, Generation, Identity, Moment, NotRemoved, Noted, ProcessId, ProcessState, Reader, Recorder,
    Registry, Rejected, Routing,
};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::notes::Notes;
use crate::clock::Clock;

/// The registry, and what wakes its watchers.
#[derive(Debug)]
pub(crate) struct Publisher {
    registry: Registry,
    reader: Reader,
    bell: Arc<Bell>,
    /// The task that wakes the watchers.
    ringing: AbortHandle,
    /// Held while the routing is read and changed.
    rerouting: Mutex<()>,
    pub(crate) clock: Clock,
    notes: Notes,
}

/// The channel that wakes the watchers, and the notification of the task that does so.
#[derive(Debug)]
struct Bell {
    committed: Notify,
    watchers: watch::Sender<Generation>,
}

impl Bell {
    /// Wakes the watchers after commits.
    async fn ring(self: Arc<Self>, reader: Reader) {
        loop {
            self.committed.notified().await;
            self.wake(&reader);
        }
    }

    /// Wakes the watchers if there were commits since the last call.
    fn wake(&self, reader: &Reader) {
        self.watchers.send_if_modified(|last| {
            let latest = reader.latest();
            std::mem::replace(last, latest) != latest
        });
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // The watchers end with the task, and before that they are woken for the last commits.
        self.bell.wake(&self.reader);
        self.ringing.abort();
    }
}

impl Publisher {
    /// Creates an empty registry. Must be called within a tokio runtime.
    pub(crate) fn new(clock: Clock, routing: Routing, recorder: Option<Arc<dyn Recorder>>) -> Self {
        let (registry, reader) = provost_state::registry(crate::clock::figure_ns);
        registry.reroute(routing);
        let bell = Arc::new(Bell { committed: Notify::new(), watchers: watch::Sender::new(Generation(0)) });
        let ringing = tokio::spawn(bell.clone().ring(reader.clone())).abort_handle();
        let notes = Notes::new(recorder, reader.clone(), clock);
        Self { registry, reader, bell, ringing, rerouting: Mutex::default(), clock, notes }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Returns what passes notes to the recorder.
    pub(crate) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Returns a receiver that is woken after commits.
    pub(crate) fn changed(&self) -> watch::Receiver<Generation> {
        self.bell.watchers.subscribe()
    }

    /// Adds a process; `reason` says why it is not to be started yet, if it is not.
    pub(crate) fn add(
        &self,
        identity: Identity,
        reason: Option<Arc<str>>,
    ) -> Result<Arc<ProcessState>, provost_state::NameTaken> {
        let added = match reason {
            Some(reason) => self.registry.add_unstarted(identity, reason, self.now()),
            None => self.registry.add(identity, self.now()),
        }?;
        self.bell.committed.notify_one();
        Ok(added)
    }

    /// Removes a process that is at rest.
    pub(crate) fn remove(&self, id: ProcessId) -> Result<Arc<ProcessState>, NotRemoved> {
        let removed = self.registry.remove(id, self.now());
        self.tell_differences();
        let state = removed?;
        self.bell.committed.notify_one();
        Ok(state)
    }

    pub(crate) fn commit(&self, id: ProcessId, at: At, event: &Event) -> Result<Arc<ProcessState>, Rejected> {
        let committed = self.registry.commit(id, at, event, self.now());
        self.tell_differences();
        let state = committed?;
        self.bell.committed.notify_one();
        Ok(state)
    }

    /// Replaces the routing with what `change` makes of it, and returns the former one. Of two concurrent changes, the
    /// second sees what the first has made.
    pub(crate) fn reroute(&self, change: impl FnOnce(Routing) -> Routing) -> Routing {
        let _one_at_a_time = self.rerouting.lock();
        let routing = change(self.reader.routing());
        let before = self.registry.reroute(routing);
        if before != routing {
            self.notes.record(|| Noted::Backend { before, now: routing });
        }
        tracing::info!(
            backend = %routing.backend, rollout = routing.rollout.percent(),
            before = %before.backend, before_rollout = before.rollout.percent(),
            "the backend of the state was changed"
        );
        before
    }

    /// Logs where the two sides of `dual` did not agree.
    fn tell_differences(&self) {
        for difference in self.reader.take_differences() {
            tracing::error!(
                of = %difference.of, atomic = %difference.atomic, locked = %difference.locked,
                "the backends of the state differ; the locked value is served"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn watchers_are_woken_once_for_commits_in_a_row_and_for_the_last_one_before_the_end() {
        let publisher = Publisher::new(Clock::new(), Routing::default(), None);
        let mut changed = publisher.changed();
        for name in ["a", "b", "c"] {
            publisher.add(Identity::new(name, ""), None).unwrap();
        }
        assert!(!changed.has_changed().unwrap(), "the task that wakes them has not had its turn");
        changed.changed().await.unwrap();
        assert_eq!(*changed.borrow(), Generation(3));
        tokio::task::yield_now().await;
        assert!(!changed.has_changed().unwrap());
        publisher.add(Identity::new("d", ""), None).unwrap();
        drop(publisher);
        changed.changed().await.unwrap();
        assert_eq!(*changed.borrow(), Generation(4));
        assert!(changed.changed().await.is_err());
    }
}
