//! What a plugin with grants reaches of the outside: the interfaces of WASI, each with exactly what was granted behind it. What is
//! beyond is denied, logged and counted. `guest::linker` links them one by one, as the grants open them.
//!
//! | room | owns |
//! |---|---|
//! | `outside` | what one instance has of the outside |
//! | `gate` | lets requests through to where they may go |
//! | `sending` | sends a request, and connects to the addresses that its grant covers |
//! | `stdio` | standard output and standard error, as lines of the log |
//! | `files` | the files of WASI, watched |
//! | `reach` | what a version reaches, for all of its instances |
//! | `directories` | the granted directories, opened once |
//! | `quota` | the room in the directories that may be written to |
//! | `opening` | opens a file within a granted directory |
//! | `waiting` | the threads that wait for the outside on behalf of one plugin |
//! | `watch` | the port to whoever counts and logs |

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
