//! Writes the log file of one process.
//!
//! | room | owns |
//! |---|---|
//! | `file` | the file, its rotation and its repair |
//! | `open` | the open file |
//! | `pending` | records that are written together, before they are |
//! | `raw` | how far the output of a batch is written |
//! | `tail` | the end of a file that an earlier host has left |
//! | `line` | the state of the last line of a stream |
//! | `batch` | lines that are written together |
//! | `outcome` | what became of lines that were written together |
//! | `losses` | log files that cannot be written |

pub(super) mod batch;
pub(super) mod file;
pub(super) mod line;
pub(super) mod losses;
mod open;
pub(super) mod outcome;
mod pending;
mod raw;
pub(super) mod tail;
