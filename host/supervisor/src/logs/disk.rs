//! The files of one log on disk: `NAME.log` and, by age, `NAME.log.1`, `NAME.log.2`, … Only regular files are opened,
//! and links are not followed, so that anything else in the directory affects only this one process and blocks nobody.
//! A reader finds a file again after a rotation has renamed it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use provost_files::{Cursor, Identity};
use provost_state::hash;
use rustix::fs::{Mode, OFlags};

/// Defines a fail point that returns the OS error with the given number, as in `return(28)`.
macro_rules! faulty {
    ($name:literal) => {
        fail::fail_point!($name, |number: Option<String>| {
            let number = number.and_then(|number| number.parse().ok());
            Err(number.map_or_else(|| io::Error::other("injected"), io::Error::from_raw_os_error))
        })
    };
}
pub(super) use faulty;

/// The most files of one log, whatever the configuration asks for.
const FILES_MAX: usize = 10_000;

/// The number of bytes of the first line that the label of a file is made of.
const LABELLED_BYTES: usize = 256;

/// The number of attempts to open a file during a rotation before the caller has to come back later.
const OPEN_TRIES: usize = 8;

/// The paths of the files, and their rotation epoch.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    /// The number of files that are kept.
    count: AtomicUsize,
    /// Twice the number of rotations; odd while a rotation is in progress.
    epoch: AtomicU64,
}

/// The position of the end of what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The epoch in which the file is the current one, as in [`Files::epoch`].
    pub(super) epoch: u64,
    /// The number of bytes in that file.
    pub(super) bytes: u64,
}

/// The relation of an open file to the path of the current file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The path still leads to the open file.
    Same {
        /// Its size.
        bytes: u64,
    },
    /// The open file was renamed, or another file has taken its path.
    Moved,
    /// The open file has no name left: nobody can read what is written to it.
    Deleted,
}

/// The reason that a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    /// A rotation is in progress.
    #[error("the files are being rotated")]
    Rotating,
    /// The kernel refused, or it is not a regular file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Files {
    pub(super) fn new(path: PathBuf, files_max: usize) -> Self {
        Self { path, count: AtomicUsize::new(files_max.clamp(1, FILES_MAX)), epoch: AtomicU64::new(0) }
    }

    /// Returns the number of files that are kept, including the current one.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Sets the number of files that are kept. Files beyond it are deleted by the next rotation.
    pub(super) fn keep(&self, files_max: usize) {
        self.count.store(files_max.clamp(1, FILES_MAX), Ordering::Relaxed);
    }

    /// Returns the rotation epoch, with which files of this moment are found later.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn numbered(&self, number: usize) -> PathBuf {
        match number {
            0 => self.path.clone(),
            _ => {
                let mut name = self.path.clone().into_os_string();
                name.push(format!(".{number}"));
                name.into()
            }
        }
    }

    /// Opens the current file for appending, creating it if it is missing.
    pub(super) fn open_to_append(&self) -> io::Result<File> {
        faulty!("log.open");
        match provost_files::open_or_create(&self.path, Cursor::End) {
            // The directory itself may have been deleted.
            Err(error) if error.is_missing() => {
                provost_files::own_dir(self.path.parent().unwrap_or(Path::new(".")))?;
                Ok(provost_files::open_or_create(&self.path, Cursor::End)?)
            }
            opened => Ok(opened?),
        }
    }

    /// Returns true if this file is the current one.
    pub(super) fn is_current(&self, identity: Identity) -> bool {
        matches!(Identity::at(&self.path), Ok(Some(current)) if current == identity)
    }

    /// Compares the open file with what its path leads to. Links are not followed.
    pub(super) fn standing(&self, open: &File, identity: Identity) -> Standing {
        match std::fs::symlink_metadata(&self.path) {
            Ok(named) if Identity::from(&named) == identity => Standing::Same { bytes: named.len() },
            _ => match open.metadata() {
                Ok(open) if open.nlink() > 0 => Standing::Moved,
                _ => Standing::Deleted,
            },
        }
    }

    /// Opens the file that had this number in the epoch `born`; `None` if there is none or it has been deleted.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub(super) fn open_past(&self, born: u64, number: usize) -> Result<Option<File>, NotOpened> {
        for _ in 0..OPEN_TRIES {
            let before = self.epoch();
            if before % 2 == 1 {
                std::thread::yield_now();
                continue;
            }
            let shifted = usize::try_from((before.saturating_sub(born)) / 2).unwrap_or(usize::MAX);
            let number = number.saturating_add(shifted);
            if number >= self.count() {
                return Ok(None);
            }
            let opened = match provost_files::open_direct(&self.numbered(number)).map_err(io::Error::from) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                other => Some(other?),
            };
            if self.epoch() == before {
                return Ok(opened);
            }
        }
        Err(NotOpened::Rotating)
    }

    /// Opens the file that has this inode; `None` if none of them has.
    pub(super) fn with_inode(&self, inode: u64) -> io::Result<Option<File>> {
        for number in 0..self.count() {
            match std::fs::symlink_metadata(self.numbered(number)) {
                Ok(meta) if meta.ino() == inode && meta.is_file() => {
                    return Ok(Some(provost_files::open_direct(&self.numbered(number))?));
                }
                Err(error) if number > 0 && error.kind() == io::ErrorKind::NotFound => break,
                _ => {}
            }
        }
        Ok(None)
    }

    /// Renames `.log` to `.log.1`, `.log.1` to `.log.2`, and so on, and deletes the oldest file beyond the number that
    /// is kept. Only one thread at a time may do this.
    pub(super) fn rotate(&self) -> io::Result<()> {
        faulty!("log.rotate");
        let before = self.epoch.fetch_add(1, Ordering::AcqRel);
        let shifted = self.shift();
        self.epoch.store(if shifted.is_ok() { before + 2 } else { before }, Ordering::Release);
        shifted
    }

    /// Deletes all files of the log, the oldest first, including those beyond the number that is kept. A reader of
    /// earlier lines finds no more of them. Only one thread at a time may do this, and not during a rotation.
    pub(super) fn clear(&self) -> io::Result<()> {
        faulty!("log.clear");
        let before = self.epoch.fetch_add(1, Ordering::AcqRel);
        let cleared = self.delete_all();
        // Equals an epoch after as many rotations as remove every earlier file, however many are kept.
        let after = before + 2 * FILES_MAX as u64;
        self.epoch.store(if cleared.is_ok() { after } else { before }, Ordering::Release);
        cleared
    }

    fn delete_all(&self) -> io::Result<()> {
        let mut numbers = self.numbers_there()?;
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        for number in numbers {
            let path = self.numbered(number);
            match std::fs::symlink_metadata(&path) {
                Ok(meta) if !meta.is_file() => {
                    return Err(io::Error::other(format!("{} is not a regular file", path.display())));
                }
                _ => ignore_missing(std::fs::remove_file(path))?,
            }
        }
        Ok(())
    }

    /// Returns the numbers of the existing files. There may be gaps if somebody has deleted some.
    fn numbers_there(&self) -> io::Result<Vec<usize>> {
        let Some(current) = self.path.file_name().and_then(|name| name.to_str()) else {
            return Ok(Vec::new());
        };
        let entries = match std::fs::read_dir(self.path.parent().unwrap_or(Path::new("."))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            match name.to_str().and_then(|name| name.strip_prefix(current)) {
                Some("") => numbers.push(0),
                Some(rest) => {
                    let number = rest.strip_prefix('.').and_then(|number| number.parse::<usize>().ok());
                    // Only the canonical form counts: `.01` is not a log file.
                    numbers.extend(number.filter(|number| *number > 0 && rest == format!(".{number}")));
                }
                None => {}
            }
        }
        Ok(numbers)
    }

    fn shift(&self) -> io::Result<()> {
        let count = self.count();
        // Fewer files may be kept than before. It stops at a gap or at one that cannot be deleted; what is beyond stays until
        // the log is cleared.
        let mut surplus = count;
        while std::fs::remove_file(self.numbered(surplus)).is_ok() {
            surplus += 1;
        }
        let oldest = count - 1;
        if oldest == 0 {
            return ignore_missing(std::fs::remove_file(&self.path));
        }
        // Renames only existing files, so that the cost does not depend on the limit.
        let missing = (1..=oldest).find(|number| std::fs::symlink_metadata(self.numbered(*number)).is_err());
        for number in (0..missing.unwrap_or(oldest)).rev() {
            ignore_missing(std::fs::rename(self.numbered(number), self.numbered(number + 1)))?;
        }
        Ok(())
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Returns true if the error is a lack of descriptors.
pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(number, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

/// Descriptors kept in reserve, so that a log file can be opened when no others are available.
#[derive(Debug, Default)]
pub(super) struct Reserve(Mutex<Vec<OwnedFd>>);

impl Reserve {
    /// One descriptor for each thread that writes at the same time.
    const SIZE: usize = 2;

    pub(super) fn new() -> Self {
        let reserve = Self::default();
        (0..Self::SIZE).for_each(|_| reserve.give_back());
        reserve
    }

    /// Closes one reserved descriptor to make it available for the next open; false if none is left.
    pub(super) fn give_up(&self) -> bool {
        self.0.lock().pop().is_some()
    }

    /// Reserves a descriptor again, if one is available.
    pub(super) fn give_back(&self) {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let Ok(spare) = rustix::fs::open("/dev/null", flags, Mode::empty()) else { return };
        let mut spares = self.0.lock();
        if spares.len() < Self::SIZE {
            spares.push(spare);
        }
    }
}

/// Returns the label by which a log file is known whatever its name is: it is made of its inode and of the beginning of
/// its first line, which has a time, because a new file may get the inode of a deleted one. `None` without a whole line.
pub(super) fn label(file: &File) -> io::Result<Option<u64>> {
    let beginning = read_at(file, 0, LABELLED_BYTES)?;
    let line = memchr::memchr(b'\n', &beginning).map_or(&beginning[..], |end| &beginning[..=end]);
    if line.len() < LABELLED_BYTES && !line.ends_with(b"\n") {
        return Ok(None);
    }
    let inode = file.metadata()?.ino();
    let label = hash::fnv(hash::EMPTY, inode.to_le_bytes().iter().chain(line).copied());
    Ok(Some(label.max(1)))
}

/// Reads up to `bytes` bytes of the file from `offset` on; fewer only at its end.
pub(super) fn read_at(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let mut done = 0;
    while done < bytes {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(done);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_and_a_link_in_the_place_of_a_log_file_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo.log");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RWXU).unwrap();
        assert!(Files::new(fifo, 2).open_to_append().is_err());
        let link = dir.path().join("link.log");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert!(Files::new(link, 2).open_to_append().is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }

    #[test]
    fn a_rotation_costs_as_many_renames_as_there_are_files() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::new(dir.path().join("web.log"), usize::MAX);
        for _ in 0..3 {
            drop(files.open_to_append().unwrap());
            files.rotate().unwrap();
        }
        assert_eq!((files.count(), files.epoch()), (FILES_MAX, 6));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
        assert!(files.open_past(2, 1).unwrap().is_some(), "the first is now the third");
        assert!(files.open_past(2, 2).unwrap().is_none());
    }
}
