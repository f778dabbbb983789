//! An allocator that counts, for each thread, what is allocated. A benchmark installs it as its `#[global_allocator]`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
#[derive(Clone, Copy, Debug)]
pub struct CountingAllocator;

// SAFETY: every call is handed on to the system's allocator as it came; counting allocates nothing.
#[expect(unsafe_code, reason = "an allocator is unsafe to be; this one only counts")]
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The counts may be gone when a thread ends.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size() as u64));
        let _ = LIVE.try_with(|bytes| bytes.set(bytes.get() + layout.size() as i64));
        // SAFETY: as of the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = LIVE.try_with(|bytes| bytes.set(bytes.get() - layout.size() as i64));
        // SAFETY: as of the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often the calling thread has allocated, and how many bytes.
#[must_use]
pub fn allocated() -> (u64, u64) {
    (COUNT.with(Cell::get), BYTES.with(Cell::get))
}

/// The bytes that the calling thread has allocated and not freed. Less than none, if it frees what others allocated.
#[must_use]
pub fn live_bytes() -> i64 {
    LIVE.with(Cell::get)
}
