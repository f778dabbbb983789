//! The heaps (arenas) of the C library. By default each thread gets its own, up to eight per core, and memory that a thread has
//! freed stays in its heap. The host has threads for many kinds of work, so each burst of work would enlarge another heap for
//! good. All threads share two heaps instead.
#![expect(unsafe_code, reason = "the setting is a C call, proved safe where it is made")]

/// The number of heaps of the host.
const HEAPS_MAX: libc::c_int = 2;

/// Bounds the number of heaps. Must be called before there are other threads. A C library without this setting ignores the
/// call.
pub(crate) fn bound() {
    // SAFETY: it takes two numbers, and no other thread allocates at the same time.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS_MAX) };
}
