//! The output of all processes: captured line by line into rotated files and handed to those who follow.
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
//! | `reader` | what somebody who follows holds |
//! | `read_back` | handing out what was written before |
//! | `process` | the log of one process: who writes, who is told, who reads back |
//! | `read` | reading files back: one process, many by time, without a host, the host's own log |
//! | `write` | writing one file, and what could not be written |
//! | `disk` | finding and opening files |
//! | `follower` | what waits for those who follow |
//! | `escapes` | texts behind escape sequences |
//! | `record` | one line as it stands in a file |
//! | `item` | one line as it is handed out |
//!
//! Disks are slow and terminals are slower. The thread that reads the pipes waits for neither, and what runners ask for
//! (to await a text, to follow) takes only a lock under which nobody waits. A full pipe pushes back on the child, so no
//! line is lost between child and file. A follower that is too slow is told how many lines it missed; they are in the file.

mod all;
mod capture;
#[cfg(test)]
mod captured;
mod clear;
mod disk;
mod escapes;
mod follower;
mod item;
mod process;
mod read;
mod read_back;
mod reader;
pub(crate) mod record;
#[cfg(test)]
mod tests;
mod write;

pub use self::all::Logs;
pub(crate) use self::all::NotKept;
pub use self::clear::NotCleared;
pub use self::item::{LogItem, LogLine, LogStream};
pub use self::read::host::HostLog;
pub use self::read::query::{BadPattern, LogPattern, LogQuery};
pub use self::read::stored::{StoredFiles, StoredLines};
pub use self::reader::LogReader;
