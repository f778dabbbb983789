//! Wraps the registry and notifies watchers after every commit, so that nobody has to poll. It is the only holder of the
//! right to write.
//!
//! A task wakes the watchers, and a commit wakes only that task. To wake a thread takes several times as long as a commit, and
//! the runner that commits would wait for that before it acts. Watchers read the registry, so one wake-up after several commits
//! is enough.

use std::sync::Arc;

use parking_lot::Mutex;
use provost_state::{
    At, Event, Generation, Identity, Incarnation, Moment, NameTaken, NotRemoved, Noted, ProcessId,
    ProcessState, Reader, Recorder, Registry, Rejected, Routing,
};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::notes::Notes;
use crate::clock::Clock;
use crate::stash::{Following, Stash, With, Written, is_written_ahead};

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
    /// Where commits are written down, so that another host can go on.
    stash: Option<Stash>,
    /// The task of the stash.
    following: Option<AbortHandle>,
    pub(crate) clock: Clock,
    notes: Notes,
}

/// Where a commit begins: what the process is now, and what is known beside that.
#[derive(Debug)]
pub(crate) struct Commit<'a> {
    /// The state from which the event was concluded.
    pub(crate) from: &'a ProcessState,
    /// The life that the event belongs to.
    pub(crate) incarnation: Incarnation,
    pub(crate) event: &'a Event,
    /// When it happened; `None` for now.
    pub(crate) at: Option<Moment>,
    pub(crate) with: With<'a>,
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
        if let Some(following) = &self.following {
            following.abort();
        }
    }
}

impl Publisher {
    /// Creates an empty registry. Must be called within a tokio runtime.
    pub(crate) fn new(clock: Clock, routing: Routing, recorder: Option<Arc<dyn Recorder>>) -> Self {
        let (registry, reader) = provost_state::registry(crate::clock::figure_ns);
        Self::of(registry, reader, (clock, routing), recorder)
    }

    /// Creates a registry with these processes of a former host, in which generations go on after `generation`. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`NameTaken`] if two of the states have the same name.
    pub(crate) fn after<'a>(
        clock: Clock,
        routing: Routing,
        recorder: Option<Arc<dyn Recorder>>,
        generation: Generation,
        states: impl IntoIterator<Item = &'a ProcessState>,
    ) -> Result<Self, NameTaken> {
        let figure_ns = crate::clock::figure_ns;
        let (registry, reader) = provost_state::restored(figure_ns, generation, clock.now(), states)?;
        Ok(Self::of(registry, reader, (clock, routing), recorder))
    }

    fn of(
        registry: Registry,
        reader: Reader,
        (clock, routing): (Clock, Routing),
        recorder: Option<Arc<dyn Recorder>>,
    ) -> Self {
        registry.reroute(routing);
        let bell = Arc::new(Bell { committed: Notify::new(), watchers: watch::Sender::new(reader.latest()) });
        let ringing = tokio::spawn(bell.clone().ring(reader.clone())).abort_handle();
        let notes = Notes::new(recorder, reader.clone(), clock.clone());
        Self {
            registry,
            reader,
            bell,
            ringing,
            rerouting: Mutex::default(),
            stash: None,
            following: None,
            clock,
            notes,
        }
    }

    /// Writes everything that happens from now on into this stash. Must be called within a tokio runtime.
    pub(crate) fn write_into(&mut self, stash: Stash) {
        let begun = stash.begin(&self.reader);
        let following = Following::new(stash.clone(), self.reader.clone());
        self.following = Some(tokio::spawn(following.run(begun, self.changed())).abort_handle());
        self.stash = Some(stash);
    }

    pub(crate) fn stash(&self) -> Option<&Stash> {
        self.stash.as_ref()
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
    ) -> Result<Arc<ProcessState>, NameTaken> {
        let added = match reason {
            Some(reason) => self.registry.add_unstarted(identity, reason, self.now()),
            None => self.registry.add(identity, self.now()),
        }?;
        if let Some(stash) = &self.stash {
            stash.lease(added.generation);
            stash.added(&added);
        }
        self.bell.committed.notify_one();
        Ok(added)
    }

    /// Removes a process that is at rest.
    pub(crate) fn remove(&self, id: ProcessId) -> Result<Arc<ProcessState>, NotRemoved> {
        let removed = self.registry.remove(id, self.now());
        self.tell_differences();
        let state = removed?;
        if let Some(stash) = &self.stash {
            stash.lease(state.generation);
            stash.removed(&state);
        }
        self.bell.committed.notify_one();
        Ok(state)
    }

    pub(crate) fn commit(&self, commit: &Commit<'_>) -> Result<Arc<ProcessState>, Rejected> {
        let Commit { from, incarnation, event, at, with } = commit;
        // What has happened before the last change is as late as that, so that the times of a process never go back.
        let now = match at {
            Some(at) if at.mono_ns >= from.changed_at.mono_ns => *at,
            Some(_) => from.changed_at,
            None => self.now(),
        };
        let guard = At { incarnation: *incarnation, version: from.version };
        // What belongs to another life will be refused.
        let stash = self.stash.as_ref().filter(|_| *incarnation == from.incarnation);
        let written = stash.and_then(|stash| self.write_ahead(stash, from, event, now, with));
        let committed = self.registry.commit(from.id, guard, event, now);
        drop(written);
        self.tell_differences();
        let state = committed?;
        if let Some(stash) = &self.stash {
            stash.lease(state.generation);
        }
        self.bell.committed.notify_one();
        Ok(state)
    }

    /// Writes the state that a commit leads to before the commit is made, if its event must not be lost.
    fn write_ahead(
        &self,
        stash: &Stash,
        from: &ProcessState,
        event: &Event,
        now: Moment,
        with: &With<'_>,
    ) -> Option<Written> {
        if !is_written_ahead(event.kind()) {
            return None;
        }
        // An event without an edge is refused by the registry, too.
        let mut next = from.apply(event, now).ok()?;
        next.version = from.version.next();
        next.generation = self.reader.latest().next();
        Some(stash.ahead(from.id.added_at(), &next, event.kind(), with))
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
        if let Some(stash) = &self.stash {
            stash.routing(routing);
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
