//! Reads the output of children on one thread, and hands it to the threads that write files.
//!
//! | room | owns |
//! |---|---|
//! | `thread` | the thread that reads |
//! | `reading` | reading one pipe, and when to stop |
//! | `lease` | peeking, writing and taking on the writing thread, while a pipe is busy |
//! | `pause` | the short pauses in which lines accumulate |
//! | `source` | a pipe or terminal that is read |
//! | `peek` | reading a pipe without emptying it |

pub(super) mod lease;
pub(super) mod pause;
pub(super) mod peek;
pub(super) mod reading;
pub(super) mod source;
pub(super) mod thread;
