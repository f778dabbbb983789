//! Entrances for the fuzzers in `tests/fuzz`, to what reads bytes that anybody may have written and has no entrance of
//! its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::lacks::Lacks;
use crate::limits::Limits;
use crate::memory::{Keeper, Memory, Transaction};

/// The files in which plugins remember, in one directory.
#[derive(Debug)]
pub struct Memories(Keeper);

impl Memories {
    /// Keeps files in `dir`, which is created.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn new(dir: &Path) -> std::io::Result<Self> {
        Keeper::new(dir, &Lacks::default()).map(Self)
    }

    /// The file of this plugin.
    #[must_use]
    pub fn file(&self, plugin: &str) -> PathBuf {
        self.0.path(plugin)
    }

    /// What this plugin remembers, by its file.
    #[must_use]
    pub fn load(&self, plugin: &str) -> BTreeMap<String, Vec<u8>> {
        let memory = Memory::open(plugin, Some(&self.0));
        let mut seen = Transaction::default();
        let keys = seen.keys(memory.published());
        keys.into_iter()
            .map(|key| (key.clone(), seen.get(memory.published(), &key).unwrap_or_default()))
            .collect()
    }

    /// Has this plugin remember a value besides.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn remember(&self, plugin: &str, key: &str, value: &[u8]) -> Result<(), String> {
        let memory = Memory::open(plugin, Some(&self.0));
        let (mut transaction, limits) = (Transaction::default(), Limits::default());
        let set = transaction.set(memory.published(), &limits, key.to_owned(), value.to_vec());
        set.map_err(|refusal| format!("{refusal:?}"))?;
        memory.commit(transaction, &limits)
    }
}
