//! Publishes what happens: commits to the registry, the consumers that are notified of them, and notes for the recorder.
//!
//! | room | owns |
//! |---|---|
//! | `commits` | committing without a supervisor, for a benchmark |
//! | `fanout` | notifying consumers |
//! | `publisher` | the registry, and the channel that wakes its watchers |
//! | `notes` | notes for the recorder |

mod commits;
pub(crate) mod fanout;
mod notes;
mod publisher;

pub use commits::Commits;
pub(crate) use notes::Notes;
pub(crate) use publisher::{Commit, Publisher};
