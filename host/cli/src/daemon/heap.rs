//! The heaps of the C library. It gives each thread a heap of its own, up to eight for each core, and what a thread has once
//! used stays with its heap. The host has threads for many kinds of work, so each storm would leave its traces in another
//! heap, for good. Two heaps are shared instead.
#![expect(unsafe_code, reason = "the setting is a C call; proved where it stands")]

/// Heaps of the host.
const HEAPS_MAX: libc::c_int = 2;

/// Bounds the number of heaps. To be called before there are other threads. A C library that does not know the setting
/// does without.
pub(crate) fn bound() {
    // SAFETY: it takes two numbers, and no other thread allocates at the same time.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS_MAX) };
}
