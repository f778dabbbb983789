//! The journal, as commands and the API read it: what is chosen of it, and how a record is shown to programs and to people.
//!
//! | room | owns |
//! |---|---|
//! | `port` | the past for the API |
//! | `page` | the text of `explain --at` |
//! | `explained` | the state of a process at an earlier time, and what led to it |
//! | `choice` | which records are wanted |
//! | `told` | a record in words |
//! | `object` | a record in JSON |

mod choice;
mod explained;
mod object;
mod page;
mod port;
mod told;

pub(crate) use choice::{Choice, WantedKind};
pub(crate) use explained::explain;
pub(crate) use object::object;
pub(crate) use page::text;
pub(crate) use port::Recorded;
pub(crate) use told::{line, missing};
