//! The output of all processes: captured line by line, written to rotated files and sent to followers.
//!
//! ```text
//!  child's pipe --> capture (one task a pipe) --> threads for log writes --> file (rotated)
//!                                                                     `--> followers (bounded)
//! ```
//!
//! | room | owns |
//! |---|---|
//! | `clear` | emptying a log |
//! | `all` | the logs of all processes |
//! | `capture` | reading the pipes of children |
//! | `reader` | the handle of a caller that reads or follows |
//! | `read_back` | handing out stored lines piece by piece |
//! | `process` | the log of one process: its writer, followers and readers |
//! | `read` | reading files: of one process, of many by time, without a host, of the host itself |
//! | `write` | writing one file, and counting lines that could not be written |
//! | `ledger` | what is being written of each output, for the next host |
//! | `disk` | finding and opening files |
//! | `sinks` | former incarnations whose output is dropped |
//! | `follower` | the bounded queue of a follower |
//! | `escapes` | text without its escape sequences |
//! | `record` | one line as stored in a file |
//! | `piece` | some of the stored lines, as they are handed to a reader |
//! | `marker` | the place that the records of a log have reached |
//! | `item` | one line as handed out |
//! | `position` | the places from which a stream of lines can be resumed |
//!
//! Neither a slow disk nor a slow terminal delays the thread that reads the pipes, and what runners ask for (awaiting a
//! text, following) only takes a lock that is never held across a wait. A full pipe makes the child wait, so no line is
//! lost between the child and the file. A follower that is too slow is sent the number of lines that it missed; they
//! are in the file.

mod all;
mod capture;
#[cfg(test)]
mod captured;
mod clear;
mod disk;
mod escapes;
mod follower;
mod item;
mod ledger;
mod marker;
mod piece;
mod position;
mod process;
mod read;
mod read_back;
mod reader;
pub(crate) mod record;
#[cfg(test)]
mod resumed;
mod sinks;
#[cfg(test)]
mod tests;
mod write;

pub use self::all::Logs;
pub(crate) use self::all::NotKept;
pub use self::clear::NotCleared;
pub use self::item::{LogItem, LogLine, LogStream};
pub(crate) use self::ledger::Ledger;
pub use self::position::{Mark, NoPositions, POSITIONS_MAX, Positions};
pub use self::read::host::{HOST_LOG, HostLog};
pub use self::read::query::{BadPattern, LogPattern, LogQuery};
pub use self::read::stored::{StoredFiles, StoredLines};
pub use self::reader::LogReader;
