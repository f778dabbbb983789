//! The files of the stash of a former host, as they were found. They are read once, for all who ask.

use std::fmt;
use std::sync::{Arc, OnceLock};

#[cfg(any(test, feature = "scripted"))]
use provost_state::{Exit, Generation, ProcessState};
use provost_state::{MemoryChange, Settled};

use super::former::Former;
#[cfg(any(test, feature = "scripted"))]
use super::former::FormerProcess;
#[cfg(any(test, feature = "scripted"))]
use super::records::Aside;
use crate::clock::boot_id;

/// The files of the stash of a former host. Clones share them.
#[derive(Clone, Default)]
pub struct FormerStash(Arc<Found>);

#[derive(Default)]
struct Found {
    /// The contents, in any order.
    files: Vec<Vec<u8>>,
    former: OnceLock<Former>,
}

impl fmt::Debug for FormerStash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: usize = self.0.files.iter().map(Vec::len).sum();
        f.debug_struct("FormerStash").field("files", &self.0.files.len()).field("bytes", &bytes).finish()
    }
}

impl From<Vec<Vec<u8>>> for FormerStash {
    fn from(files: Vec<Vec<u8>>) -> Self {
        Self(Arc::new(Found { files, former: OnceLock::new() }))
    }
}

impl FormerStash {
    /// Returns what a former host would have left whose processes were in these states, for a simulation that begins with them. A life
    /// whose end is not decided had become ready, unless its end says otherwise.
    #[cfg(any(test, feature = "scripted"))]
    #[must_use]
    pub fn of_states(generation: Generation, states: Vec<ProcessState>) -> Self {
        let process = |state: ProcessState| {
            let was_ready = !matches!(state.exit, Some(Exit::NotReady(_) | Exit::NotSpawned(_)));
            let process = FormerProcess {
                aside: Aside { was_ready, ..Aside::default() },
                life: None,
                at_spawn: None,
                env_files: None,
                variables: None,
                in_force: None,
                counted: None,
                state,
            };
            (process.state.name().clone(), process)
        };
        let processes = states.into_iter().map(process).collect();
        let former = Former { generation, known: generation, processes, ..Former::default() };
        Self(Arc::new(Found { files: Vec::new(), former: OnceLock::from(former) }))
    }

    /// Returns what a former host of this boot has written down.
    pub(crate) fn former(&self) -> &Former {
        let read = || Former::read(self.0.files.iter().map(Vec::as_slice), &boot_id());
        self.0.former.get_or_init(read)
    }

    /// Returns these files with those of another one, which were found elsewhere.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => self.0.files.iter().chain(&other.0.files).cloned().collect::<Vec<_>>().into(),
        }
    }

    /// Whether there are no files: there was no former host, or it has written nothing down.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.files.is_empty()
    }

    /// Returns what the policies of the former host have written into their memories: the last change of each key, by plugin.
    /// It goes with the decisions that were written down: a write is there if and only if the decision of its call is, apart
    /// from writes of calls that decided nothing.
    #[must_use]
    pub fn memories(&self) -> Vec<MemoryChange> {
        let memories = self.former().memories.iter();
        let changes = memories.flat_map(|(plugin, memory)| {
            memory.0.values().map(|one| MemoryChange {
                plugin: plugin.clone(),
                version: one.version,
                writes: vec![(one.key.clone(), one.value.clone())],
                settled: Settled::default(),
            })
        });
        changes.collect()
    }

    /// Returns what the former host has written down under this key ([`Stash::note`](crate::Stash::note)).
    #[must_use]
    pub fn note(&self, key: &str) -> Option<&[u8]> {
        self.former().notes.get(key).map(Vec::as_slice)
    }
}
