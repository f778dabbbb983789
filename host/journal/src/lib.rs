//! Floor 1: the durable record of what happened, and reading it back, while the host runs and while it does not.
//!
//! | room | owns |
//! |---|---|
//! | `journal` | the journal of a running host: its queue, its thread, and what goes into it in which order |
//! | `write` | writing segments: appending, syncing, sealing, recovering, removing the oldest |
//! | `read` | reading segments: the history, and the inspection of all bytes |
//! | `format` | the bytes of a segment around its records |
//! | `record` | the records: what they mean, and their bytes |
//!
//! Deliberately absent: wasmtime, HTTP, and the other crates of its floor. The commits are read from the ring of changes of
//! `state`, and everything else comes through its port [`provost_state::Recorder`]. Time is an argument.

#![forbid(unsafe_code)]

mod format;
mod journal;
mod read;
mod record;
mod write;

pub use journal::{Figures, Follow, Journal, OnTrouble, Trouble};
pub use read::{History, Inspection, Problem, SegmentReport, Wanted, inspect};
pub use record::{Commit, Entry, Gap, GapReason, Kind, Record};
pub use write::{Bounds, Life, Sync};
