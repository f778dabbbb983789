//! A live handle to one process: what a poller keeps.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::process::{PhaseKind, ProcessId, ProcessState};

/// Phase, incarnation and generation of one process in one atomic word: serves "is it up?" without a
/// look at the root.
///
/// It is stored right after the root of the same commit, so it may lag behind a snapshot by the commit
/// that is under way; by itself it never goes backwards.
#[derive(Default)]
pub struct StatusWord(AtomicU64);

/// What a [`StatusWord`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The phase.
    pub phase: PhaseKind,
    /// The incarnation, modulo 2^24.
    pub incarnation: u32,
    /// The generation of the commit, modulo 2^36.
    pub generation: u64,
}

const INCARNATION_BITS: u32 = 24;
const GENERATION_BITS: u32 = 36;

impl StatusWord {
    pub(crate) fn store(&self, state: &ProcessState) {
        let phase = state.phase.kind() as u64;
        let incarnation = state.incarnation.0 & ((1 << INCARNATION_BITS) - 1);
        let generation = state.generation.0 & ((1 << GENERATION_BITS) - 1);
        let word =
            (phase << (INCARNATION_BITS + GENERATION_BITS)) | (incarnation << GENERATION_BITS) | generation;
        // Release: whoever sees the word also sees the root that was published before it.
        self.0.store(word, Ordering::Release);
    }

    /// The status at the last commit that this thread can see.
    #[must_use]
    pub fn load(&self) -> Status {
        let word = self.0.load(Ordering::Acquire);
        let phase = PhaseKind::ALL.get((word >> (INCARNATION_BITS + GENERATION_BITS)) as usize);
        Status {
            phase: phase.copied().unwrap_or(PhaseKind::Stopped),
            incarnation: ((word >> GENERATION_BITS) & ((1 << INCARNATION_BITS) - 1)) as u32,
            generation: word & ((1 << GENERATION_BITS) - 1),
        }
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

/// A live handle to one process: found once by name, read for ever after without a lookup.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Its slot.
    pub id: ProcessId,
    word: Arc<StatusWord>,
}

impl Handle {
    pub(crate) fn new(id: ProcessId) -> Self {
        Self { id, word: Arc::default() }
    }

    /// For the writer, right after it has published `state`.
    pub(crate) fn publish(&self, state: &ProcessState) {
        self.word.store(state);
    }

    /// Phase, incarnation and generation; see [`StatusWord`] for its consistency.
    #[must_use]
    pub fn status(&self) -> Status {
        self.word.load()
    }
}
