//! The files of the stash of a former host, as they were found. They are read once, for all who ask.

use std::fmt;
use std::sync::{Arc, OnceLock};

use provost_state::{MemoryChange, Settled};

use super::former::Former;
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
