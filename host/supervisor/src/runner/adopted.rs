//! What a former host has left of one process, until this host goes on with it.

use std::sync::Arc;

use provost_state::Moment;

use crate::adoption::Held;
use crate::gave::Given;
use crate::stash::{Aside, AtSpawn, Beside, Counted, Life};

/// What a former host has left of one process.
#[derive(Debug)]
pub(crate) struct Adoption {
    /// The child of the present life, or of the one after it, whose start was not written down.
    pub(crate) held: Option<Held>,
    /// Children that are not to be: a life of which another one is known that came later, or one that was abandoned.
    pub(crate) unwanted: Vec<Held>,
    pub(crate) life: Option<Life>,
    pub(crate) aside: Aside,
    /// What the child was spawned with, where that is not what the config says now.
    pub(crate) at_spawn: Option<AtSpawn>,
    /// What it was given then beyond that.
    pub(crate) given: Given,
    /// What its health checks have counted.
    pub(crate) counted: Counted,
    /// Why there is another host, in words for people.
    pub(crate) why: Arc<str>,
}

impl Adoption {
    /// Returns when its child was started, if it has one.
    pub(crate) fn child_started_at(&self) -> Option<Moment> {
        self.held.as_ref().map(|held| held.started_at)
    }

    /// Whether its group holds the process.
    pub(crate) fn is_held(&self) -> bool {
        self.aside.beside == Beside::Held
    }
}
