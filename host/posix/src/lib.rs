//! The calls of the C library that have no safe form: `posix_spawn` with the attributes that a child needs, and signals by
//! number. This is the ground below floor 0, beside `provost-hazard`: small enough to be reviewed at one sitting, so that the
//! crates above it start and signal processes without unsafe code.
//!
//! | room | owns |
//! |---|---|
//! | `spawn` | `posix_spawn` |
//! | `signals` | signals by number, and how SIGHUP was set at the start |

mod signals;
mod spawn;

pub use signals::{hangup_is_ignored, signal_group, signal_pidfd, signal_process};
pub use spawn::{Launch, Target, spawn};
