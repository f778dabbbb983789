//! The heap of a guest: rlsf, which takes 2 KB of a component, in memory that each instance starts with. Rust's own heap takes 7 KB
//! and asks the host for more at the first allocation of every instance, and every decision has a fresh instance: that costs three
//! changes of page protection, which serialize all threads of the host.
#![expect(unsafe_code, reason = "an allocator is unsafe by its traits")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};

use rlsf::{FlexSource, FlexTlsf, GRANULARITY};

/// The memory that an instance starts with, in bytes: enough for most decisions.
const BEGINNING_BYTES: usize = 256 << 10;
/// The unit in which the host gives memory, in bytes: a page of WebAssembly.
const PAGE_BYTES: usize = 64 << 10;

/// The memory that an instance starts with.
#[repr(C, align(16))]
struct Beginning(UnsafeCell<[u8; BEGINNING_BYTES]>);

const _: () = assert!(GRANULARITY <= 16, "the beginning is aligned for the heap");

// SAFETY: a guest has one thread: this target is compiled without atomics.
unsafe impl Sync for Beginning {}

static BEGINNING: Beginning = Beginning(UnsafeCell::new([0; BEGINNING_BYTES]));

/// The source of the memory: [`BEGINNING`] first, then the host.
struct Source {
    begun: bool,
}

// SAFETY: every range is handed out once: `begun` is set when the first one is, and the host only gives new pages. The ranges stay
// writable.
unsafe impl FlexSource for Source {
    unsafe fn alloc(&mut self, min_size: usize) -> Option<NonNull<[u8]>> {
        if !self.begun && min_size <= BEGINNING_BYTES {
            self.begun = true;
            return NonNull::new(ptr::slice_from_raw_parts_mut(BEGINNING.0.get().cast(), BEGINNING_BYTES));
        }
        let size = min_size.checked_next_multiple_of(PAGE_BYTES)?;
        let page = memory_grow::<0>(size / PAGE_BYTES);
        let start = page.checked_mul(PAGE_BYTES)?;
        NonNull::new(ptr::slice_from_raw_parts_mut(ptr::with_exposed_provenance_mut(start), size))
    }

    unsafe fn realloc_inplace_grow(&mut self, range: NonNull<[u8]>, min_new_len: usize) -> Option<usize> {
        let end = range.as_ptr().cast::<u8>().addr() + range.len();
        if end != memory_size::<0>() * PAGE_BYTES {
            return None;
        }
        let size = min_new_len.checked_next_multiple_of(PAGE_BYTES)?;
        // What is added follows the range, because that ends where the memory ends, and so with a whole page.
        (memory_grow::<0>((size - range.len()).div_ceil(PAGE_BYTES)) != usize::MAX).then_some(size)
    }

    fn supports_realloc_inplace_grow(&self) -> bool {
        true
    }

    fn min_align(&self) -> usize {
        GRANULARITY
    }
}

/// The free lists: blocks of up to the whole address space, in classes that differ by a 16th.
type Lists = FlexTlsf<Source, u32, u16, { u32::BITS as usize - GRANULARITY.trailing_zeros() as usize }, 16>;

/// The allocator of the component.
struct Heap(UnsafeCell<Lists>);

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Lists::new(Source { begun: false })));

// SAFETY: rlsf keeps the contract of `GlobalAlloc`; there is one thread, and none of its functions calls back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: no reference into the cell outlives this call.
        let lists = unsafe { &mut *self.0.get() };
        lists.allocate(layout).map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory was allocated by `alloc` with this layout, and so is not null.
        unsafe { (*self.0.get()).deallocate(NonNull::new_unchecked(memory), layout.align()) }
    }
}
