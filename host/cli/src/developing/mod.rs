//! `provost plugin dev`: while an author writes, each change of the sources is built, tested and put into a running host, and the
//! decisions of the plugin are shown as they are made. A version that does not build, fails a vector or is refused by the host changes
//! nothing: the former one stays loaded, and its component stays in the folder.
//!
//! | room | owns |
//! |---|---|
//! | `session` | the rounds, one after the other, and the wait for the next change |
//! | `host` | the host that the plugin is put into: one that runs, or one that the session starts |
//! | `sample` | the config of a host that the session starts |
//! | `feed` | what is shown of a host between the rounds |
//! | `decided` | a decision of the plugin as a line |
//! | `sources` | the files of a project, and whether they have changed |
//! | `bell` | waiting for a change in folders |
//! | `screen` | what the session prints |

mod bell;
mod decided;
mod feed;
mod host;
mod sample;
mod screen;
mod session;
mod sources;

pub(crate) use host::Place;
pub(crate) use session::{Tools, Wanted, develop};
