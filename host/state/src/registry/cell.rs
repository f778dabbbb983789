//! The place of one slot: the state of its present tenant, its status word, and its name. A place is never freed while the
//! registry exists, so a holder of it reads without a lookup and without protecting it; whose state it reads, the id in
//! the state tells.
//!
//! The tenancy says who has the slot and since when. It makes the name readable without a lock: who reads the same
//! tenancy before and after has read the name of that tenant (a sequence lock, whose readers never wait).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64 as Unordered, fence};

use crate::process::{Epoch, Generation, Identity, ProcessId, ProcessState, Status, StatusWord};
use crate::sync::{ArcSwapOption, AtomicU64, Ordering, Published};

/// The length, in words, of a name that is kept in the place itself.
const WORDS: usize = 3;

/// The longest such name, in bytes: the last byte of the words is its length.
const SHORT: usize = WORDS * size_of::<u64>() - 1;

/// What stands in the place of the length if the name is longer.
const LONG: u8 = u8::MAX;

/// The place of one slot. It is as large as a cache line and has one of its own: the reader of one place does not wait for
/// the writer of its neighbour, and a lookup by name reads one line of it.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Cell {
    /// The state of the tenant; [a vacant one](vacant) if there is none or if its state is kept behind locks.
    pub(crate) state: Published<ProcessState>,
    /// The epoch of the tenant and one, times two; or, if the slot is vacant, the generation since then, times two.
    tenancy: AtomicU64,
    word: StatusWord,
    /// The name of the tenant, if it is short. The words order nothing: the tenancy does.
    name: [Unordered; WORDS],
    /// The identity of the last tenant.
    identity: ArcSwapOption<Identity>,
    slot: u32,
}

/// A name, packed for comparison with those of many places.
pub(crate) struct Packed<'a> {
    name: &'a str,
    words: [u64; WORDS],
}

impl<'a> Packed<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        if name.len() > SHORT {
            return Self { name, words: [0, 0, u64::from_le_bytes([0, 0, 0, 0, 0, 0, 0, LONG])] };
        }
        let (eights, rest) = name.as_bytes().as_chunks();
        let mut words = [0; WORDS];
        for (word, eight) in words.iter_mut().zip(eights) {
            *word = u64::from_le_bytes(*eight);
        }
        let last = match name.as_bytes().last_chunk() {
            // One load, of which the bytes before the rest are shifted out.
            Some(last) => {
                u64::from_le_bytes(*last).checked_shr(u64::BITS - u8::BITS * rest.len() as u32).unwrap_or(0)
            }
            None => rest.iter().rev().fold(0, |last, byte| (last << u8::BITS) | u64::from(*byte)),
        };
        if let Some(word) = words.get_mut(eights.len()) {
            *word = last;
        }
        words[WORDS - 1] |= (name.len() as u64) << (u64::BITS - u8::BITS);
        Self { name, words }
    }

    fn is_long(&self) -> bool {
        self.name.len() > SHORT
    }
}

/// Returns a state that stands for the absence of one, since `generation`.
pub(crate) fn vacant(nobody: &ProcessState, epoch: Epoch, generation: Generation) -> Arc<ProcessState> {
    let id = ProcessId::new(0, epoch);
    Arc::new(ProcessState { id, generation, ..nobody.clone() })
}

fn occupied(epoch: Epoch) -> u64 {
    (epoch.generation().0 << 1) | 1
}

impl Cell {
    /// Creates a place without a tenant.
    pub(crate) fn new(slot: u32, nobody: Arc<ProcessState>) -> Self {
        Self {
            state: Published::new(nobody),
            tenancy: AtomicU64::new(0),
            word: StatusWord::vacant(),
            name: [const { Unordered::new(0) }; WORDS],
            identity: ArcSwapOption::empty(),
            slot,
        }
    }

    /// Returns the id of the present tenant.
    pub(crate) fn tenant(&self) -> Option<ProcessId> {
        let tenancy = self.tenancy.load(Ordering::Acquire);
        (tenancy & 1 == 1).then(|| ProcessId::new(self.slot, Epoch::of(Generation(tenancy >> 1))))
    }

    /// Returns the id of the present tenant if it has this name.
    pub(crate) fn tenant_called(&self, wanted: &Packed<'_>) -> Option<ProcessId> {
        let before = self.tenancy.load(Ordering::Acquire);
        if before & 1 == 0 {
            return None;
        }
        let [first, second, third] = &self.name;
        let kept = [first, second, third].map(|word| word.load(Ordering::Relaxed));
        let mut is_called = kept == wanted.words;
        if is_called && wanted.is_long() {
            is_called = self.identity.load().as_ref().is_some_and(|identity| *identity.name == *wanted.name);
        }
        // If a later tenant has written the name, its predecessor's end is visible now.
        fence(Ordering::Acquire);
        let same = self.tenancy.load(Ordering::Acquire) == before;
        (is_called && same).then(|| ProcessId::new(self.slot, Epoch::of(Generation(before >> 1))))
    }

    /// Returns the name of the last tenant. Only the writer calls this.
    pub(crate) fn last_name(&self) -> Option<Arc<str>> {
        self.identity.load().as_ref().map(|identity| identity.name.clone())
    }

    /// Writes everything about a new tenant but its state; nobody can find it yet. Only the writer calls this, while
    /// the slot is vacant.
    pub(crate) fn furnish(&self, state: &ProcessState) {
        // The end of the former tenancy is visible to whoever sees a part of the new name.
        fence(Ordering::Release);
        for (place, word) in self.name.iter().zip(Packed::new(state.name()).words) {
            place.store(word, Ordering::Relaxed);
        }
        self.identity.store(Some(state.identity.clone()));
        self.word.store(state);
    }

    /// Lets the new tenant be found by its name. Only the writer calls this.
    pub(crate) fn let_to(&self, id: ProcessId) {
        self.tenancy.store(occupied(id.epoch()), Ordering::Release);
    }

    /// Ends the tenancy at `generation`. Only the writer calls this.
    pub(crate) fn vacate(&self, generation: Generation) {
        self.tenancy.store(generation.0 << 1, Ordering::Release);
    }

    /// Stores the status of the state that was just published.
    pub(crate) fn set_status(&self, state: &ProcessState) {
        self.word.store(state);
    }

    /// Returns the status of `id`, or [`Status::REMOVED`] if another process, or none, has the slot.
    pub(crate) fn status(&self, id: ProcessId) -> Status {
        let status = self.word.load();
        // A word of a later tenant was stored after the end of this tenancy.
        if self.tenancy.load(Ordering::Acquire) == occupied(id.epoch()) { status } else { Status::REMOVED }
    }
}
