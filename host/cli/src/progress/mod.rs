//! What is shown while a command waits: on a terminal a line for each process that has not reached what was asked of it, elsewhere a
//! line for each change of a phase.
//!
//! | room | owns |
//! |---|---|
//! | `follow` | following the events of the host |
//! | `board` | which processes have reached what, and the lines about them |
//! | `screen` | lines on a terminal that are replaced in place |

mod board;
mod follow;
mod screen;

pub(crate) use board::{Goal, Outlook};
pub(crate) use follow::{Follow, Shown};
