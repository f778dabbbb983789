//! Why a file cannot be used: typed errors whose text says what is wrong and what to do.

use std::fmt;
use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// The error for a file or a directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct FileError {
    /// The path of the file or directory.
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

/// The problem alone, for callers that add the path themselves.
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
    /// The kernel returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The path leads to something of another kind.
    #[error("it is {found}, not {wanted}")]
    Kind {
        /// What it is.
        found: Kind,
        /// What it has to be.
        wanted: Kind,
    },
    /// The path leads to a symbolic link, where links are not followed.
    #[error("it is a symbolic link, which is not followed here: remove it, or name its target in the config")]
    Link,
    /// It belongs to another user, who could change it at any time.
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
    #[error(
        "other users may write it (mode {mode:04o}): remove that right with `chmod go-w`, or use another one"
    )]
    Writable {
        /// The permission bits.
        mode: u32,
    },
    /// The text has another encoding, which is recognised.
    #[error("it is {0}, not UTF-8: save it as UTF-8, for example by `iconv -f {0} -t UTF-8 OLD > NEW`")]
    Encoding(&'static str),
    /// The text is not UTF-8.
    #[error(
        "it is not UTF-8: the first invalid byte is at {line}:{column}; save it as UTF-8, for example by \
         `iconv -f LATIN1 -t UTF-8 OLD > NEW`"
    )]
    NotUtf8 {
        /// The line, counted from 1.
        line: usize,
        /// The character in the line, counted from 1.
        column: usize,
    },
    /// The file is larger than the limit for reading it.
    #[error("it has {bytes} bytes, more than {most}")]
    TooLarge {
        /// The smallest size that the file can have, in bytes.
        bytes: u64,
        /// The limit, in bytes.
        most: u64,
    },
}

impl Problem {
    /// Returns the nearest kind of an I/O error.
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

/// The kinds of files that a path may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
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

/// Explains why an open failed. The kernel only says `ELOOP` for a link and `ENXIO` for a pipe without a reader.
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
