//! What is being written of each output, in a file in memory that outlives this host: before a write it says which bytes go
//! where, and after they were consumed it says that. So another host can tell what is in the log file and still in the pipe,
//! and writes it neither twice nor never.
//!
//! | room | owns |
//! |---|---|
//! | `book` | the file, and the entries of a former host |
//! | `entry` | the place of one output in the file |
//! | `pages` | the places in the file |
//! | `record` | what an entry says, in 64 bytes |
//! | `repeats` | whether a text is one that its writer repeats |

mod book;
mod entry;
mod pages;
mod record;
mod repeats;

pub(crate) use self::book::Ledger;
pub(super) use self::entry::{Claim, Entry};
pub(super) use self::record::{Origin, Progress, Record};
pub(super) use self::repeats::repeats;
