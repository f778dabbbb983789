//! The port by which the files of a stash outlive the host.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;

/// The confirmation of a [`StashKeeper`].
pub type StashKept = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Keeps the files of a stash beyond the end of the host that writes them, and gives them to the next host
/// ([`Adopted::stash`](crate::Adopted)). A stash has one file, and two while one is replaced by the next.
pub trait StashKeeper: Send + Sync + fmt::Debug {
    /// Keeps a file, in addition to those that are kept already. It is the same open file to which the host goes on
    /// appending. Resolves when the keeper has confirmed that; until then, whatever the host writes into this file it also
    /// has in one that is kept. Numbers count up, also from one host to the next.
    fn keep(&self, number: u64, file: OwnedFd) -> StashKept;

    /// Drops all files with lower numbers, those of former hosts included: this file has everything. Does not wait.
    fn drop_before(&self, number: u64);
}
