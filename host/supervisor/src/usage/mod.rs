//! The resources that processes use: the last samples, the history of an hour, and the task that takes them.
//!
//! A sample is no commit: it changes the state of no process, and the state core never waits for one. Readers load a
//! pointer to the samples of the last look. Samples count their own revisions.
//!
//! | room | owns |
//! |---|---|
//! | `sampler` | the task that takes the samples |
//! | `details` | the figures that are slow to read, and the owners of orphans |
//! | `table` | the last samples, the history, and the wishes of those who wait for a sample |
//! | `history` | the samples of one life of a process |

mod details;
mod history;
mod sampler;
mod table;

pub use history::UsagePoint;
pub(crate) use sampler::{METERED_EVERY_MS, Sampler, Sampling};
pub(crate) use table::Table;
pub use table::{ProcessUsage, Usages};
