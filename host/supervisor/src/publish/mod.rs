//! Publishes what happens: commits to the registry, and the consumers that are notified of them.
//!
//! | room | owns |
//! |---|---|
//! | `commits` | committing without a supervisor, for a benchmark |
//! | `fanout` | notifying consumers |
//! | `publisher` | the registry, and the channel that wakes its watchers |

mod commits;
pub(crate) mod fanout;
mod publisher;

pub use commits::Commits;
pub(crate) use publisher::{Commit, Publisher};
