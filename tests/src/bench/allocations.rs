//! An allocator that counts the allocations of each thread. A benchmark installs it as its `#[global_allocator]`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, with counters.
#[derive(Clone, Copy, Debug)]
pub struct CountingAllocator;

// SAFETY: every call is passed on to the system's allocator unchanged; counting allocates nothing.
#[expect(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait; this implementation only counts")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The counters may already be destroyed when a thread ends.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size() as u64));
        let _ = LIVE.try_with(|bytes| bytes.set(bytes.get() + layout.size() as i64));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = LIVE.try_with(|bytes| bytes.set(bytes.get() - layout.size() as i64));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`, and `alloc` took the block from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Returns the number of allocations of the calling thread, and their bytes.
#[must_use]
pub fn allocated() -> (u64, u64) {
    (COUNT.with(Cell::get), BYTES.with(Cell::get))
}

/// Returns the bytes that the calling thread has allocated minus those that it has freed. Negative if it frees what other
/// threads allocated.
#[must_use]
pub fn live_bytes() -> i64 {
    LIVE.with(Cell::get)
}
