//! Entry points for the fuzzers in `tests/fuzz`, to code that reads untrusted bytes and is not otherwise public.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::lacks::Lacks;
use crate::limits::Limits;
use crate::memory::{Keeper, Memory, Transaction};

/// The memory files of plugins, in one directory.
#[derive(Debug)]
pub struct Memories(Keeper);

impl Memories {
    /// Keeps files in `dir`, which is created.
    ///
    /// # Errors
    /// The I/O error.
    pub fn new(dir: &Path) -> std::io::Result<Self> {
        Keeper::new(dir, &Lacks::default()).map(Self)
    }

    /// Returns the path of the file of this plugin.
    #[must_use]
    pub fn file(&self, plugin: &str) -> PathBuf {
        self.0.path(plugin)
    }

    /// Reads the memory of this plugin from its file.
    #[must_use]
    pub fn load(&self, plugin: &str) -> BTreeMap<String, Vec<u8>> {
        let memory = Memory::open(plugin, Some(&self.0), &[]);
        let mut seen = Transaction::default();
        let keys = seen.keys(memory.published());
        keys.into_iter()
            .map(|key| (key.clone(), seen.get(memory.published(), &key).unwrap_or_default()))
            .collect()
    }

    /// Stores one more value in the memory of this plugin.
    ///
    /// # Errors
    /// The reason why it does not fit.
    pub fn remember(&self, plugin: &str, key: &str, value: &[u8]) -> Result<(), String> {
        let memory = Memory::open(plugin, Some(&self.0), &[]);
        let (mut transaction, limits) = (Transaction::default(), Limits::default());
        let set = transaction.set(memory.published(), &limits, key.to_owned(), value.to_vec());
        set.map_err(|refusal| format!("{refusal:?}"))?;
        memory.commit(transaction, &limits).map(drop)
    }
}
