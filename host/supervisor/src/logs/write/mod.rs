//! Writing the log file of one process.
//!
//! | room | owns |
//! |---|---|
//! | `file` | the file, its rotation and its repair |
//! | `tail` | how the last lines of a file stand that a former host has written |
//! | `line` | how a line stands that was begun |
//! | `batch` | what is written at once |
//! | `losses` | what could not be written |

pub(super) mod batch;
pub(super) mod file;
pub(super) mod line;
pub(super) mod losses;
pub(super) mod tail;
