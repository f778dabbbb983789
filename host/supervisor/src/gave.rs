//! What is kept of the variables that environment files gave: their names, and a keyed digest.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use sha2::{Digest as _, Sha256};

/// What a spawn has given a child beyond its spec and the environment of the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// What is kept of each of its environment files.
    pub(crate) env_files: Arc<[Gave]>,
    /// The names of the variables about its user, its sockets and its watchdog.
    pub(crate) variables: Arc<[Box<str>]>,
}

/// What is kept of the variables that an environment file gave at a spawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gave {
    pub(crate) digest: Digest,
    /// The names, in the order of the file.
    pub(crate) names: Box<[Box<str>]>,
}

impl Gave {
    /// Returns what is kept of these variables.
    pub(crate) fn of(variables: &[(String, String)]) -> Self {
        let names = variables.iter().map(|(name, _)| name.as_str().into()).collect();
        Self { digest: Digest::of(variables, &KEY), names }
    }

    /// Whether these variables are the same, in the same order.
    pub(crate) fn is_of(&self, variables: &[(String, String)]) -> bool {
        Digest::of(variables, &self.digest.key) == self.digest
    }
}

/// The key of a digest.
pub(crate) type Key = [u8; 32];

/// Bytes that stand for the variables of an environment file. They are keyed with a random key of the run of the program that
/// has spawned the child, so that without it nothing about the values can be concluded from them. Another host that adopts
/// the child is given the key as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) key: Key,
    pub(crate) sum: [u8; 32],
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

/// The key of all digests that this run of the program makes. The keys of `RandomState` are the source of randomness of the
/// standard library.
static KEY: LazyLock<Key> = LazyLock::new(|| {
    let mut key = Key::default();
    for part in key.chunks_exact_mut(8) {
        part.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    key
});

impl Digest {
    /// Returns the digest of these variables, whose order counts.
    fn of(variables: &[(String, String)], key: &Key) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(key);
        for text in variables.iter().flat_map(|(name, value)| [name, value]) {
            // The length separates the texts.
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Self { key: *key, sum: hasher.finalize().into() }
    }
}
