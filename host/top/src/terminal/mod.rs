//! The terminal: raw mode and the alternate screen, their restoration in every case, and output that never blocks the loop.
//!
//! | room | owns |
//! |---|---|
//! | `screen` | entering, drawing and leaving |
//! | `output` | the thread that writes, which alone waits for a terminal |
//! | `sequences` | control sequences of the terminal |

mod output;
mod screen;
mod sequences;

pub(crate) use screen::Screen;
