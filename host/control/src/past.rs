//! The port to what happened before the remembered changes, also in earlier lives of the host, and its conversion to values of
//! the API.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provost_api as api;
use provost_state::{ChangeKind, Generation, PhaseKind, ProcessState};

use crate::convert::{self, Wall};

/// Something of the past.
#[derive(Clone, Debug, PartialEq)]
pub enum Past {
    /// A change.
    Event {
        /// What happened.
        kind: ChangeKind,
        /// The phase before it.
        from: PhaseKind,
        /// The state after it.
        state: Arc<ProcessState>,
    },
    /// Changes that are missing; their number, if it is known.
    Missed(Option<u64>),
}

/// What to read of the past.
#[derive(Debug)]
pub struct PastAsked<'a> {
    /// Only changes at or after this time, in milliseconds since the Unix epoch.
    pub from_ms: u64,
    /// The process or replica set that is wanted alone, so that what cannot be about it need not be read; `None` if there are
    /// several, or all.
    pub name: Option<&'a str>,
    /// Only changes before this one of the running host. Those of earlier hosts are all before it.
    pub before: Generation,
    /// At most this many changes: the last ones.
    pub most: usize,
    /// Set when nobody waits for the answer any more.
    pub is_abandoned: &'a AtomicBool,
}

impl PastAsked<'_> {
    /// Whether nobody waits for the answer any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }
}

/// The past, to be read.
pub trait PastEvents: Send + Sync + fmt::Debug {
    /// Returns changes that happened before the remembered ones, oldest first. Calls `wanted` to choose. It reads files, so it
    /// is called on a thread that may wait.
    ///
    /// # Errors
    /// Why nothing can be read, in words for people.
    fn events(
        &self,
        asked: &PastAsked<'_>,
        wanted: &dyn Fn(&ProcessState) -> bool,
    ) -> Result<Vec<Past>, String>;
}

/// Returns a change of the past as an event. Its time is the one that was recorded: whether the clock was set since is not known.
#[must_use]
pub fn past_event(kind: ChangeKind, from: PhaseKind, state: &ProcessState) -> api::Event {
    convert::event_of(kind, from, state, Wall::at(state.changed_at))
}

/// Returns the process in a state of the past.
#[must_use]
pub fn past_process(state: &ProcessState) -> api::Process {
    convert::process(state, Wall::at(state.changed_at))
}

/// Describes a state of the past in one sentence.
#[must_use]
pub fn past_sentence(state: &ProcessState) -> String {
    convert::sentence(state, Wall::at(state.changed_at))
}
