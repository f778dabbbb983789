//! The heaps (arenas) of the C library. By default each thread gets its own, up to eight per core, and memory that a thread has
//! freed stays in its heap: each burst of work enlarges another heap for good, and a fork copies the page tables of all of them.

#![expect(unsafe_code, reason = "the setting is a C call, proved where it is made")]

/// Bounds the number of heaps, which all threads share then. Must be called before there are other threads. A C library without
/// this setting ignores the call.
pub fn bound_heaps(most: i32) {
    // SAFETY: it takes two numbers, and no other thread allocates at the same time.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, most) };
}
