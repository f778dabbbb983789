//! The status word: phase, incarnation and generation of one process in one atomic word.

use std::fmt;

use super::ids::{Generation, Incarnation};
use super::phase::PhaseKind;
use super::state::ProcessState;
use crate::sync::{AtomicU64, Ordering};

/// The phase, incarnation and generation of one process in one atomic word. It answers "is it up?" without
/// loading the state.
///
/// It is stored right after the state of the same commit, so it may lag behind a snapshot by the commit
/// in progress; it never goes backwards.
#[derive(Debug)]
pub(crate) struct StatusWord(AtomicU64);

/// The value of the status word of a process: one word, decoded field by field on request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(u64);

const INCARNATION_BITS: u32 = 24;
const GENERATION_BITS: u32 = 36;

impl Status {
    fn new(phase: PhaseKind, incarnation: Incarnation, generation: Generation) -> Self {
        let phase = phase as u64;
        let incarnation = incarnation.0 & ((1 << INCARNATION_BITS) - 1);
        let generation = generation.0 & ((1 << GENERATION_BITS) - 1);
        Self((phase << (INCARNATION_BITS + GENERATION_BITS)) | (incarnation << GENERATION_BITS) | generation)
    }

    /// Returns the phase.
    #[must_use]
    pub fn phase(self) -> PhaseKind {
        let phase = PhaseKind::ALL.get((self.0 >> (INCARNATION_BITS + GENERATION_BITS)) as usize);
        phase.copied().unwrap_or(PhaseKind::Stopped)
    }

    /// Returns the incarnation, modulo 2^24.
    #[must_use]
    pub fn incarnation(self) -> u32 {
        ((self.0 >> GENERATION_BITS) & ((1 << INCARNATION_BITS) - 1)) as u32
    }

    /// Returns the generation of the commit, modulo 2^36.
    #[must_use]
    pub fn generation(self) -> u64 {
        self.0 & ((1 << GENERATION_BITS) - 1)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("phase", &self.phase())
            .field("incarnation", &self.incarnation())
            .field("generation", &self.generation())
            .finish()
    }
}

impl StatusWord {
    /// Creates a word without a process: stopped, at generation 0.
    pub(crate) fn vacant() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Stores the status of a state that the caller, the writer, has just published.
    pub(crate) fn store(&self, state: &ProcessState) {
        let status = Status::new(state.phase.kind(), state.incarnation, state.generation);
        // Release: a reader that sees the word also sees the state that was published before it.
        self.0.store(status.0, Ordering::Release);
    }

    /// Returns the status at the last commit that this thread can see.
    pub(crate) fn load(&self) -> Status {
        Status(self.0.load(Ordering::Acquire))
    }
}

impl Status {
    /// The status of a process that was removed: stopped, at generation 0.
    pub(crate) const REMOVED: Self = Self(0);

    /// Whether the process was removed from the registry.
    #[must_use]
    pub fn is_removed(self) -> bool {
        self == Self::REMOVED
    }
}
