//! Writes segments. One thread does this; nothing else waits for it.
//!
//! | room | owns |
//! |---|---|
//! | `writer` | the segments one after the other: numbers, gaps, rotation, syncing |
//! | `recovery` | what a killed host has left: the torn end is cut, the segment is sealed |
//! | `retention` | removing the oldest segments |
//! | `segment` | one segment that is being written |
//! | `bounds` | how much is kept, and when it is synced |

mod bounds;
mod recovery;
mod retention;
mod segment;
mod writer;

pub use bounds::{Bounds, Life, Sync};
pub(crate) use writer::{Failed, Writer};
