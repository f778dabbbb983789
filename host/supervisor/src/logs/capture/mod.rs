//! Reads the output of children on one thread, and hands it to the threads that write files.
//!
//! | room | owns |
//! |---|---|
//! | `thread` | the thread that reads |
//! | `resuming` | going on where a former host was: first the gap, then the pipe |
//! | `reading` | reading one pipe, and when to stop |
//! | `leftover` | gap files of lives that nobody holds any more |
//! | `former` | what a former host has left of an output |
//! | `lease` | peeking, writing and taking on the writing thread, while a pipe is busy |
//! | `pause` | the short pauses in which lines accumulate |
//! | `source` | a pipe or terminal that is read |
//! | `sink` | dropping what arrives in pipes that are not read any more |
//! | `growth` | how many pipes are enlarged, and how far |
//! | `peek` | reading a pipe without emptying it |

mod former;
mod growth;
pub(super) mod lease;
pub(super) mod leftover;
pub(super) mod pause;
pub(super) mod peek;
pub(super) mod reading;
pub(super) mod resuming;
pub(super) mod sink;
pub(super) mod source;
#[cfg(test)]
mod taken_over;
pub(super) mod thread;
