//! Reads segments. No lock is needed, also while a host writes: a block that is not whole yet ends the walk, and a segment that
//! is sealed meanwhile is found under its new name.
//!
//! | room | owns |
//! |---|---|
//! | `inspect` | reading every byte, for `verify` and `stats` |
//! | `history` | the records of all segments in order, with the gaps between them |
//! | `gaps` | the gaps between those records |
//! | `walk` | the records of one segment |
//! | `listing` | the segments of a directory |

mod gaps;
mod history;
mod inspect;
mod listing;
mod walk;

pub use history::{History, Wanted};
pub use inspect::{Inspection, Problem, SegmentReport, inspect};
pub(crate) use listing::{Found, SEGMENT_BYTES_MAX, list};
pub(crate) use walk::{End, Walk};
