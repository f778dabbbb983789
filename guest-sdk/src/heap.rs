//! The heap of a guest: dlmalloc, as is usual for this target, but it first uses memory that each instance starts with.
//! Rust's own heap asks the host for more at the first allocation of every instance, and every decision has a fresh
//! instance: that costs three changes of page protection, which serialize all threads of the host.
#![expect(unsafe_code, reason = "an allocator is unsafe by its traits")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;

use dlmalloc::{Allocator, Dlmalloc};

/// The memory that an instance starts with, in bytes: enough for most decisions.
const BEGINNING_BYTES: usize = 256 << 10;
/// The unit in which dlmalloc takes memory, in bytes: a page of WebAssembly.
const PAGE_BYTES: usize = 64 << 10;

/// The memory that an instance starts with.
#[repr(C, align(16))]
struct Beginning(UnsafeCell<[u8; BEGINNING_BYTES]>);

// SAFETY: a guest has one thread: this target is compiled without atomics.
unsafe impl Sync for Beginning {}

static BEGINNING: Beginning = Beginning(UnsafeCell::new([0; BEGINNING_BYTES]));

/// The source of dlmalloc's memory: [`BEGINNING`] first, then the host.
struct Source {
    taken: UnsafeCell<usize>,
}

// SAFETY: every range is handed out once: `taken` only grows, and the host only gives new pages. The ranges stay writable,
// and are zero at first.
unsafe impl Allocator for Source {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let size = size.next_multiple_of(PAGE_BYTES);
        // SAFETY: there is one thread, and no reference into the cell outlives this line.
        let taken = unsafe { *self.taken.get() };
        if taken + size <= BEGINNING_BYTES {
            // SAFETY: as above; the range lies within the array.
            unsafe {
                *self.taken.get() = taken + size;
                return (BEGINNING.0.get().cast::<u8>().add(taken), size, 0);
            }
        }
        let page = core::arch::wasm32::memory_grow::<0>(size / PAGE_BYTES);
        if page == usize::MAX {
            return (core::ptr::null_mut(), 0, 0);
        }
        ((page * PAGE_BYTES) as *mut u8, size, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        core::ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

/// The allocator of the component.
struct Heap(UnsafeCell<Dlmalloc<Source>>);

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Source { taken: UnsafeCell::new(0) })));

// SAFETY: dlmalloc keeps the contract of `GlobalAlloc`; there is one thread, and none of its functions calls back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { (*self.0.get()).free(memory, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        unsafe { (*self.0.get()).realloc(memory, layout.size(), layout.align(), size) }
    }
}
