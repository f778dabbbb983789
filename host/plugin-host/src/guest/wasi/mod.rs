//! The access to the outside of a plugin with grants: the interfaces of WASI, each with exactly what was granted behind
//! it. Everything else is denied, logged and counted. `guest::linker` links each interface that the grants open.
//!
//! | room | owns |
//! |---|---|
//! | `outside` | the access to the outside of one instance |
//! | `gate` | passes on requests that were granted |
//! | `sending` | sends a request, and connects to the addresses that its grant covers |
//! | `stdio` | standard output and standard error, as lines of the log |
//! | `files` | the files of WASI, watched |
//! | `reach` | the resources outside that all instances of a version share |
//! | `directories` | the granted directories, opened once |
//! | `quota` | the quota of the writable directories |
//! | `opening` | opens a file within a granted directory |
//! | `waiting` | the threads that wait for the outside on behalf of one plugin |
//! | `watch` | the port for counting and logging |

mod directories;
mod files;
mod gate;
mod opening;
mod outside;
mod quota;
mod reach;
mod sending;
mod stdio;
mod waiting;
mod watch;

pub(crate) use files::HasFiles;
pub(crate) use outside::Outside;
pub(crate) use reach::Reach;
pub(crate) use waiting::{Patience, Waiting};
pub(crate) use watch::Watch;
