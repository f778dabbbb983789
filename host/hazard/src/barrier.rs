//! The barrier between a reader and a writer: of two threads that each write to one place and then read the other, at
//! least one sees what the other has written, if each has a full barrier in between.
//!
//! Readers are many and writers look at the records seldom, so the writer pays for both: `membarrier(2)` with
//! `MEMBARRIER_CMD_PRIVATE_EXPEDITED` returns after every running thread of this program has passed a full barrier, and a
//! thread that does not run has passed one when it was suspended. A reader then only has to keep the compiler from
//! exchanging its two steps.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering, compiler_fence, fence};

use rustix::thread::{MembarrierCommand, membarrier};

/// Whether the writer makes the barrier for everybody. It is set once, before there is anything to read.
static BY_WRITER: AtomicBool = AtomicBool::new(false);

/// Decides who makes the barrier. Whoever has a published value has called this: it is called when one is created.
pub(crate) fn prepare() {
    static DECIDED: Once = Once::new();
    DECIDED.call_once(|| {
        // Refused by a kernel before 4.14, by some sandboxes and by some emulators.
        let is_offered = membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok();
        BY_WRITER.store(is_offered, Ordering::Release);
    });
}

/// The barrier of a reader.
#[inline]
pub(crate) fn of_reader() {
    if BY_WRITER.load(Ordering::Relaxed) { compiler_fence(Ordering::SeqCst) } else { fence(Ordering::SeqCst) }
}

/// The barrier of a writer. Returns false if the kernel could not make it (for want of memory): then nothing is known.
pub(crate) fn of_writer() -> bool {
    fence(Ordering::SeqCst);
    !BY_WRITER.load(Ordering::Relaxed) || membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}
