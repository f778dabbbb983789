//! Commits as a runner does, without a supervisor: a benchmark measures with it what a runner spends on a commit.

use std::sync::Arc;

use provost_state::{Event, Generation, Identity, NameTaken, ProcessState, Rejected, Routing};
use tokio::sync::watch;

use super::publisher::{Commit, Publisher};
use crate::clock::Clock;
use crate::stash::With;

/// A registry to which commits are made on the path of a runner: the clocks are read, and watchers are woken.
#[derive(Debug)]
pub struct Commits(Publisher);

impl Commits {
    /// Creates an empty registry. Must be called within a tokio runtime.
    #[must_use]
    pub fn start() -> Self {
        Self(Publisher::new(Clock::new(), Routing::default(), None))
    }

    /// Adds a process.
    ///
    /// # Errors
    /// If there is one with this name.
    pub fn add(&self, identity: Identity) -> Result<Arc<ProcessState>, NameTaken> {
        self.0.add(identity, None)
    }

    /// Commits an event of the present life of a process.
    ///
    /// # Errors
    /// As for every commit: if it is stale or illegal.
    pub fn commit(&self, from: &ProcessState, event: &Event) -> Result<Arc<ProcessState>, Rejected> {
        let incarnation = from.incarnation;
        self.0.commit(&Commit { from, incarnation, event, at: None, with: With::default() })
    }

    /// Returns a receiver that is woken at every commit, as consumers and streams have one.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<Generation> {
        self.0.changed()
    }
}
