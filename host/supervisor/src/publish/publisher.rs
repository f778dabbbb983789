//! Wraps the registry and notifies watchers after every commit, so that nobody has to poll. It is the only holder of the
//! right to write.

use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{
    At, Event, Generation, Identity, Moment, NotRemoved, ProcessId, ProcessState, Reader, Registry, Rejected,
    Routing,
};
use tokio::sync::watch;

use crate::clock::Clock;

/// The registry, and the channel that wakes its watchers.
#[derive(Debug)]
pub(crate) struct Publisher {
    registry: Registry,
    reader: Reader,
    bell: watch::Sender<Generation>,
    /// Held while the routing is read and changed.
    rerouting: Mutex<()>,
    pub(crate) clock: Clock,
}

impl Publisher {
    pub(crate) fn new(clock: Clock, routing: Routing) -> Self {
        let (registry, reader) = provost_state::registry(crate::clock::figure_ns);
        registry.reroute(routing);
        Self { registry, reader, bell: watch::Sender::new(Generation(0)), rerouting: Mutex::default(), clock }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Returns a receiver that is woken at every commit.
    pub(crate) fn changed(&self) -> watch::Receiver<Generation> {
        self.bell.subscribe()
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
        self.ring(added.generation);
        Ok(added)
    }

    /// Removes a process that is at rest.
    pub(crate) fn remove(&self, id: ProcessId) -> Result<Arc<ProcessState>, NotRemoved> {
        let removed = self.registry.remove(id, self.now());
        self.tell_differences();
        let state = removed?;
        self.ring(state.generation);
        Ok(state)
    }

    pub(crate) fn commit(&self, id: ProcessId, at: At, event: &Event) -> Result<Arc<ProcessState>, Rejected> {
        let committed = self.registry.commit(id, at, event, self.now());
        self.tell_differences();
        let state = committed?;
        self.ring(state.generation);
        Ok(state)
    }

    /// Replaces the routing with what `change` makes of it, and returns the former one. Of two concurrent changes, the
    /// second sees what the first has made.
    pub(crate) fn reroute(&self, change: impl FnOnce(Routing) -> Routing) -> Routing {
        let _one_at_a_time = self.rerouting.lock();
        let routing = change(self.reader.routing());
        let before = self.registry.reroute(routing);
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

    fn ring(&self, generation: Generation) {
        // Two writers may arrive here in another order than they committed in.
        self.bell.send_if_modified(|last| {
            let newer = generation > *last;
            if newer {
                *last = generation;
            }
            newer
        });
    }
}
