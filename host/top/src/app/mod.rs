//! The loop of the view, and the single frame for scripts.
//!
//! | room | owns |
//! |---|---|
//! | `running` | the loop: news, keys, signals and time, and when a frame is drawn |
//! | `once` | one frame as text |
//! | `options` | what the program around the view chooses |

mod once;
mod options;
mod running;

pub use once::once;
#[cfg(test)]
pub(crate) use once::text;
pub use options::{Frame, Options};
pub use running::run;
