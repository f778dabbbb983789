//! Why a file is not used, in words that say what is wrong and what to do.

use std::fmt;
use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// A file or a directory that is not used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct FileError {
    /// Its path.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

impl FileError {
    pub(crate) fn new(path: &Path, problem: impl Into<Problem>) -> Self {
        Self { path: path.to_owned(), problem: problem.into() }
    }

    /// Returns true if nothing exists at the path.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.problem.kind() == io::ErrorKind::NotFound
    }
}

/// The error alone, for those who name the path themselves.
impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error.problem {
            Problem::Io(error) => error,
            problem => Self::new(problem.kind(), problem),
        }
    }
}

/// What is wrong with a file or a directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The kernel refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something else is there.
    #[error("it is {found}, not {wanted}")]
    Kind {
        /// What it is.
        found: Kind,
        /// What it has to be.
        wanted: Kind,
    },
    /// A symbolic link is there, where none is followed.
    #[error("it is a symbolic link, and none is followed here: remove it, or name its target in the config")]
    Link,
    /// It belongs to somebody else, who could change it at any time.
    #[error(
        "it belongs to user {owner}, and the host runs as user {user}: use another one, `chown` it, or run the host as its owner"
    )]
    Owner {
        /// The user id of its owner.
        owner: u32,
        /// The effective user id of the host.
        user: u32,
    },
    /// Other users may write it.
    #[error("other users may write it (mode {mode:04o}): take that away by `chmod go-w`, or use another one")]
    Writable {
        /// Its permission bits.
        mode: u32,
    },
    /// Its text is in another encoding, which is recognised.
    #[error("it is {0}, not UTF-8: save it as UTF-8, for example by `iconv -f {0} -t UTF-8 OLD > NEW`")]
    Encoding(&'static str),
    /// Its text is not UTF-8.
    #[error(
        "it is not UTF-8: the first byte that is not is at {line}:{column}; save it as UTF-8, for example by \
         `iconv -f LATIN1 -t UTF-8 OLD > NEW`"
    )]
    NotUtf8 {
        /// The line, counted from 1.
        line: usize,
        /// The character in the line, counted from 1.
        column: usize,
    },
    /// It has more bytes than are read.
    #[error("it has {bytes} bytes, more than {most}")]
    TooLarge {
        /// It has at least this many bytes.
        bytes: u64,
        /// This many bytes are read at most.
        most: u64,
    },
}

impl Problem {
    /// The nearest kind of an I/O error.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Kind { found: Kind::Directory, .. } => io::ErrorKind::IsADirectory,
            Self::Kind { wanted: Kind::Directory, .. } => io::ErrorKind::NotADirectory,
            Self::Kind { .. } | Self::Link => io::ErrorKind::InvalidInput,
            Self::Encoding(_) | Self::NotUtf8 { .. } => io::ErrorKind::InvalidData,
            Self::Owner { .. } | Self::Writable { .. } => io::ErrorKind::PermissionDenied,
            Self::TooLarge { .. } => io::ErrorKind::FileTooLarge,
        }
    }
}

impl From<rustix::io::Errno> for Problem {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// What may be found under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe with a name.
    Pipe,
    /// A Unix socket.
    Socket,
    /// A character or block device.
    Device,
}

impl Kind {
    pub(crate) fn of(found: FileType) -> Self {
        match found {
            found if found.is_file() => Self::File,
            found if found.is_dir() => Self::Directory,
            found if found.is_symlink() => Self::Link,
            found if found.is_fifo() => Self::Pipe,
            found if found.is_socket() => Self::Socket,
            _ => Self::Device,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// Explains why an open failed: the kernel says only `ELOOP` of a link and `ENXIO` of a pipe without a reader.
pub(crate) fn explained(path: &Path, wanted: Kind, error: rustix::io::Errno) -> FileError {
    use rustix::io::Errno;
    let told = matches!(error, Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO | Errno::EXIST);
    let found = std::fs::symlink_metadata(path).map(|metadata| Kind::of(metadata.file_type()));
    match found {
        Ok(Kind::Link) if told => FileError::new(path, Problem::Link),
        Ok(found) if told && found != wanted => FileError::new(path, Problem::Kind { found, wanted }),
        _ => FileError::new(path, error),
    }
}
