//! The journal of a running host. Notes come into a bounded queue, commits are read from the ring of changes, and one thread
//! writes both in one order. Nobody waits for it: what it cannot take or write is counted, and told as a gap.
//!
//! | room | owns |
//! |---|---|
//! | `handle` | the journal as the host sees it: notes, wake-ups, figures, the end |
//! | `thread` | the thread: waiting, syncing, restarting after a panic |
//! | `round` | one round: commits and notes in one order, checkpoints |
//! | `shared` | what the thread and the handle share: the queue, the plugins, the bell, the figures |
//! | `follow` | what it follows, where it writes, and what it reports |

mod follow;
mod handle;
mod round;
mod shared;
mod thread;

pub use follow::{Follow, OnTrouble, Trouble};
pub use handle::Journal;
pub use shared::Figures;
