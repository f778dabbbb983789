//! Tells files apart by device and inode instead of by name.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The device and inode of a file. While anything holds the file open, no other file has the same identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Returns the identity of an open file.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    /// Returns the identity of what is at `path`, without following a link there; `None` if nothing exists.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(Self::from(&metadata))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the device number.
    #[must_use]
    pub fn device(self) -> u64 {
        self.device
    }

    /// Returns the inode number.
    #[must_use]
    pub fn inode(self) -> u64 {
        self.inode
    }
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}
