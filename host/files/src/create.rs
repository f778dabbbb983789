//! Creates files, by default with mode 0600 whatever the umask.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{FileError, Kind, explained};
use crate::open::{ALWAYS, metadata, open};
use crate::owner;

/// How often an open is repeated when another process removes and creates the file in between.
const TRIES: usize = 8;

/// Who may access a file that is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// This user only: mode 0600, whatever the umask.
    Private,
    /// The users that the umask allows: mode 0666 without its bits. For files that people share, such as a public key.
    Umask,
}

/// The position of the first write to a file that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// The beginning of the file; its content is kept.
    Start,
    /// The end of the file, for every write.
    End,
}

/// Opens the file at `path`, in one of the host's own directories, for reading and writing; creates it with mode 0600 if it
/// does not exist. It is never truncated. A link and a file of another user are refused; if others may write the file, as
/// after a lax umask, that permission is removed.
///
/// # Errors
/// [`FileError`].
pub fn open_or_create(path: &Path, cursor: Cursor) -> Result<File, FileError> {
    let append = if cursor == Cursor::End { OFlags::APPEND } else { OFlags::empty() };
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | append;
    for _ in 0..TRIES {
        match open(path, flags) {
            Err(error) if error.is_missing() => {}
            opened => {
                let file = opened?;
                close_to_others(path, &file)?;
                return Ok(file);
            }
        }
        match create(path, append, Access::Private) {
            Err(Errno::EXIST) => {}
            created => return created.map_err(|error| explained(path, Kind::File, error)),
        }
    }
    Err(FileError::new(path, io::Error::from(io::ErrorKind::ResourceBusy)))
}

fn close_to_others(path: &Path, file: &File) -> Result<(), FileError> {
    let found = metadata(path, file)?;
    owner::owned(path, &found)?;
    if owner::others_may_write(&found) {
        let mode = Mode::from_raw_mode(found.mode() & 0o7777) - Mode::WGRP - Mode::WOTH;
        rustix::fs::fchmod(file, mode).map_err(|error| FileError::new(path, error))?;
    }
    Ok(())
}

/// Creates the file at `path` with the bytes of all parts. If anything fails, the file does not exist afterwards.
///
/// # Errors
/// [`FileError`]; of the kind [`io::ErrorKind::AlreadyExists`] if anything exists at `path`, which is not changed then.
pub fn create_new(path: &Path, access: Access, parts: &[&[u8]]) -> Result<(), FileError> {
    let file = create(path, OFlags::empty(), access).map_err(|error| FileError::new(path, error))?;
    fill(&file, parts).map_err(|error| {
        // An incomplete file is of no use. If it cannot be removed either, the first error is the one to report.
        let _ = std::fs::remove_file(path);
        FileError::new(path, error)
    })
}

/// Writes the parts and waits until they are on the disk.
fn fill(mut file: &File, parts: &[&[u8]]) -> io::Result<()> {
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

/// Creates the file at `path`, which must not exist. A link there is not followed.
fn create(path: &Path, flags: OFlags, access: Access) -> Result<File, Errno> {
    let flags = flags | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | ALWAYS;
    let private = Mode::RUSR | Mode::WUSR;
    let mode = match access {
        Access::Private => private,
        Access::Umask => private | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH,
    };
    let file = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, mode))?;
    if access == Access::Private {
        // A umask may remove even the owner's bits.
        rustix::fs::fchmod(&file, private)?;
    }
    Ok(File::from(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_filled_does_not_exist_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert!(fill(&full, &[b"some"]).is_err(), "the device is full");
        create_new(&path, Access::Private, &[b"one ", b"two"]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one two");
        let again = create_new(&path, Access::Private, &[b"three"]).unwrap_err();
        assert_eq!(again.problem.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one two");
    }
}
