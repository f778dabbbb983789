//! The status word: phase, incarnation and generation of one process in one atomic word.

use std::fmt;

use super::ids::{Generation, Incarnation};
use super::phase::PhaseKind;
use crate::sync::{AtomicU64, Ordering};

/// The phase, incarnation and generation of one process in one atomic word. It answers "is it up?" without
/// loading the root.
///
/// It is stored right after the root of the same commit, so it may lag behind a snapshot by the commit
/// in progress; it never goes backwards.
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

/// The value of a word before the first commit: no phase has this number.
const UNPUBLISHED: u64 = u64::MAX;

impl Default for StatusWord {
    /// Creates the word of a process that is not published yet.
    fn default() -> Self {
        Self(AtomicU64::new(UNPUBLISHED))
    }
}

impl StatusWord {
    /// Stores the status of the state that the caller, the writer, has just published.
    pub(crate) fn store(&self, phase: PhaseKind, incarnation: Incarnation, generation: Generation) {
        // Release: a reader that sees the word also sees the root that was published before it.
        self.0.store(Status::new(phase, incarnation, generation).0, Ordering::Release);
    }

    /// Whether this thread can see a commit of the process. If so, it also sees the root of that commit.
    pub(crate) fn is_published(&self) -> bool {
        self.0.load(Ordering::Acquire) != UNPUBLISHED
    }

    /// Returns the status at the last commit that this thread can see; before the first commit, stopped.
    pub(crate) fn load(&self) -> Status {
        match self.0.load(Ordering::Acquire) {
            UNPUBLISHED => Status(0),
            word => Status(word),
        }
    }
}
