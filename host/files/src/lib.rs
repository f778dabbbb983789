//! Opens, creates and replaces files by name, for all crates of the host. There is one way of each.
//!
//! Two kinds of files are told apart. A **named** file is named by the operator (a config, a component, a key, an environment
//! file): links are followed and it may belong to anybody. An **own** file lies in a directory that the host has made for
//! itself (the lock, logs, memories, the cache): it is never a link, it belongs to this user or to root, and nobody else may
//! write it. Either kind is a regular file, and nothing is ever waited for: neither the other end of a pipe nor a device.
//!
//! What the host creates is for its user alone, whatever the umask: 0600 for files, 0700 for directories.
//!
//! Everything that is checked is asked of the open file, so that it cannot be exchanged between the check and the use.
//!
//! | room | owns |
//! |---|---|
//! | `replace` | replacing a file by a new one in one step |
//! | `create` | creating the host's own files |
//! | `text` | reading files as text, whatever their encoding |
//! | `writers` | who else may write a file |
//! | `dirs` | directories of the host's own, and what lies above them |
//! | `open` | opening files and checking what was opened |
//! | `owner` | whose files are trusted |
//! | `identity` | which file an open file is |
//! | `error` | why a file cannot be used |

mod create;
mod dirs;
mod error;
mod identity;
mod open;
mod owner;
mod replace;
mod text;
mod writers;

pub use create::{Access, Cursor, create_new, open_or_create};
pub use dirs::{own_dir, safe_place};
pub use error::{FileError, Kind, Problem};
pub use identity::Identity;
pub use open::{open_direct, open_named, open_own, read_named, read_open, read_own};
pub use owner::Owners;
pub use replace::replace;
pub use text::{read_open_text, read_text};
pub use writers::{Others, Writers};
