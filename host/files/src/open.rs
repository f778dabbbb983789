//! Opens and reads files that exist.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::error::{FileError, Kind, Problem, explained};
use crate::owner;

/// The flags with which every file is opened. Without `O_NONBLOCK`, opening a pipe would wait for a writer.
pub(crate) const ALWAYS: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens the regular file at `path`, which the operator has named, for reading. A link is followed.
///
/// # Errors
/// [`FileError`], if it is not a regular file or the kernel returns an error.
pub fn open_named(path: &Path) -> Result<File, FileError> {
    open(path, OFlags::RDONLY)
}

/// Opens the regular file at `path`, in one of the host's own directories, for reading. A link, a file of another user and
/// a file that others may write are refused.
///
/// # Errors
/// [`FileError`].
pub fn open_own(path: &Path) -> Result<File, FileError> {
    let file = open(path, OFlags::RDONLY | OFlags::NOFOLLOW)?;
    owner::own(path, &metadata(path, &file)?)?;
    Ok(file)
}

/// Opens the regular file at `path` for reading. A link is refused, and so is a file of another user unless the caller is
/// root. This is for files that are only shown, such as logs.
///
/// # Errors
/// [`FileError`].
pub fn open_direct(path: &Path) -> Result<File, FileError> {
    let file = open(path, OFlags::RDONLY | OFlags::NOFOLLOW)?;
    if !rustix::process::geteuid().is_root() {
        owner::owned(path, &metadata(path, &file)?)?;
    }
    Ok(file)
}

/// Reads the whole file at `path`, which the operator has named and which has at most `most` bytes.
///
/// # Errors
/// [`FileError`], with [`Problem::TooLarge`] if it has more.
pub fn read_named(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    read_open(path, open_named(path)?, most)
}

/// Reads the whole file at `path`, in one of the host's own directories, which has at most `most` bytes.
///
/// # Errors
/// [`FileError`], as for [`open_own`] and [`read_named`].
pub fn read_own(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    read_open(path, open_own(path)?, most)
}

/// Reads the rest of an open file, which has at most `most` bytes. The `path` is only for the error.
///
/// # Errors
/// [`FileError`], with [`Problem::TooLarge`] if it has more.
pub fn read_open(path: &Path, file: File, most: u64) -> Result<Vec<u8>, FileError> {
    let length = metadata(path, &file)?.len();
    let too_large = |bytes| FileError::new(path, Problem::TooLarge { bytes, most });
    if length > most {
        return Err(too_large(length));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // The file may grow while it is read.
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| FileError::new(path, error))?;
    match bytes.len() as u64 {
        beyond if beyond > most => Err(too_large(beyond)),
        _ => Ok(bytes),
    }
}

pub(crate) fn open(path: &Path, flags: OFlags) -> Result<File, FileError> {
    let opened = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags | ALWAYS, Mode::empty()));
    let file = File::from(opened.map_err(|error| explained(path, Kind::File, error))?);
    regular(path, &file)?;
    Ok(file)
}

fn regular(path: &Path, file: &File) -> Result<(), FileError> {
    match Kind::of(metadata(path, file)?.file_type()) {
        Kind::File => Ok(()),
        found => Err(FileError::new(path, Problem::Kind { found, wanted: Kind::File })),
    }
}

pub(crate) fn metadata(path: &Path, file: &File) -> Result<std::fs::Metadata, FileError> {
    file.metadata().map_err(|error| FileError::new(path, error))
}
