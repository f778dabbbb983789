//! A published value: any number of threads read it without a lock, and one or several replace it. This is the ground
//! below floor 0: the only unsafe code under the state core, and nothing about processes.
//!
//! A reader says in a *hazard record* of its own what it is reading, and looks again whether that is still the published
//! value. A writer replaces the value and keeps the old one; from time to time it drops those of the old ones that no
//! record names. So a reader writes to memory that nobody else writes to, and a store costs the same with any number of
//! threads; a writer looks at all records once in [`BATCH`] stores. What readers can keep from being dropped is one value
//! for each read in progress, however long it takes: this is what hazard pointers do and epochs do not (Maged M. Michael,
//! "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004).
//!
//! Between the entry in the record and the second look there must be a full barrier. The kernel makes it for all running
//! threads at once when the writer asks for it (membarrier(2)), so a read has no locked instruction. Where the kernel
//! cannot, readers make their own barrier.
//!
//! | room | owns |
//! |---|---|
//! | `published` | the pointer, the reading of it, and the values that were replaced |
//! | `records` | the hazard records: what each reader is reading |
//! | `barrier` | the barrier between a reader and a writer |

mod barrier;
mod published;
mod records;
mod sync;

pub use published::{BATCH, Published, Reading, Retired};
