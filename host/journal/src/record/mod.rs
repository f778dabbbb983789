//! The records of the journal: what they mean, and the bytes that they have for ever.
//!
//! | room | owns |
//! |---|---|
//! | `codec` | the frame of a record: its kind, its version and its length |
//! | `v1` | the bytes of version 1 of each kind; they never change |
//! | `entry` | what a record means |

mod codec;
mod entry;
#[cfg(test)]
mod golden;
mod v1;

pub(crate) use codec::{Frames, encode};
pub use entry::{Commit, Entry, Gap, GapReason, Kind, Record};
