//! Reading what children write, on one thread, and handing it to the threads that write files.
//!
//! | room | owns |
//! |---|---|
//! | `thread` | the thread that reads |
//! | `reading` | reading one pipe, and for how long |
//! | `lease` | looking, writing and taking on the thread that writes, while a pipe is busy |
//! | `pause` | the short pauses that let lines come together |
//! | `source` | what is read from |
//! | `peek` | looking into a pipe without emptying it |

pub(super) mod lease;
pub(super) mod pause;
pub(super) mod peek;
pub(super) mod reading;
pub(super) mod source;
pub(super) mod thread;
