//! Opens, creates and replaces files by name, for all crates of the host, with one function for each.
//!
//! There are two kinds of files. A **named** file is named by the operator (a config, a component, a key, an environment
//! file): links are followed, and it may belong to anybody. An **own** file lies in a directory that the host has created
//! for itself (the lock, logs, memories, the cache): it is never a link, it belongs to this user or to root, and nobody
//! else may write it. Both kinds are regular files, and an open never blocks: neither on the other end of a pipe nor on a
//! device.
//!
//! What the host creates belongs to its user only, whatever the umask: mode 0600 for files, 0700 for directories.
//!
//! All checks use the open file, so that it cannot be replaced between the check and the use.
//!
//! | room | owns |
//! |---|---|
//! | `cache` | directories of files that can be made again, and their bounds |
//! | `replace` | the atomic replacement of a file, and syncing its name |
//! | `create` | creating files, and opening them for writing |
//! | `script` | the first line of a script |
//! | `text` | reading UTF-8 text |
//! | `writers` | who may write a file |
//! | `dirs` | the host's own directories, and the paths to them |
//! | `open` | opening and reading existing files |
//! | `owner` | who may own the files that the host relies on |
//! | `identity` | the identity of a file, whatever its name |
//! | `error` | why a file cannot be used |

mod cache;
mod create;
mod dirs;
mod error;
mod identity;
mod open;
mod owner;
mod replace;
mod script;
mod text;
mod writers;

pub use cache::{CacheBounds, Endings, hold, make_room};
pub use create::{Access, Cursor, create_new, open_or_create};
pub use dirs::{own_dir, own_dir_in_safe_place, safe_place};
pub use error::{FileError, Kind, Problem};
pub use identity::Identity;
pub use open::{open_direct, open_named, open_own, read_named, read_open, read_own};
pub use owner::Owners;
pub use replace::{replace, replace_named, sync_name};
pub use script::script_line;
pub use text::{read_open_text, read_text};
pub use writers::{Others, Writers};
