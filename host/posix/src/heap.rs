//! The heaps (arenas) of the C library. By default each thread gets its own, up to eight per core, and memory that a thread has
//! freed stays in its heap: each burst of work enlarges another heap for good, and a fork copies the page tables of all of them.

#![expect(unsafe_code, reason = "these are C calls, each proved where it is made")]

/// Bounds the number of heaps, which all threads share then. Must be called before there are other threads. A C library without
/// this setting ignores the call.
pub fn bound_heaps(most: i32) {
    // SAFETY: it takes two numbers, and no other thread allocates at the same time.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, most) };
}

/// Gives the free pages of all heaps back to the system; the others keep theirs where they are. Each heap is locked meanwhile, for some
/// milliseconds if it has grown a lot. A C library without this call keeps them.
pub fn trim_heaps() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes a number, locks what it changes, and moves nothing that is in use.
    unsafe {
        libc::malloc_trim(0)
    };
}
