//! The host's own directories, and the paths to them.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::error::{FileError, Kind, Problem, explained};
use crate::open::metadata;
use crate::owner::{self, Owners};

/// The permission bit with which anybody may write a directory.
const ANYBODY_MAY_WRITE: u32 = 0o002;

/// The maximum number of links that are followed on a path, which is that of the kernel.
const LINKS_MAX: usize = 40;

/// The permission bit of a directory in which only the owner of an entry may remove or rename it.
const STICKY: u32 = 0o1000;

/// Ensures that `path` is one of the host's own directories. It is created with mode 0700, as are missing parents. If it
/// exists, it is refused if it is a link, if it belongs to another user, or if others may write it and it is not sticky.
/// Links among its parents are followed.
///
/// # Errors
/// [`FileError`] names the directory that is wrong.
pub fn own_dir(path: &Path) -> Result<(), FileError> {
    let path = plain(path);
    create_missing(&path)?;
    let dir = open_dir(&path, OFlags::NOFOLLOW)?;
    let found = metadata(&path, &dir)?;
    if found.mode() & STICKY == 0 {
        return owner::own(&path, &found);
    }
    // Sticky, as in a fresh tmpfs: others cannot replace our files there, and files that they create are refused.
    owner::owned(&path, &found)
}

/// Ensures that `path` is one of the host's own directories ([`own_dir`]), and that only `owners` can replace it
/// ([`safe_place`]).
///
/// # Errors
/// [`FileError`] names the directory or the link that is wrong.
pub fn own_dir_in_safe_place(path: &Path, owners: Owners) -> Result<(), FileError> {
    safe_place(path, owners)?;
    own_dir(path)
}

/// Checks that only `owners` can replace what is at `path`, which need not exist: every directory and every link on the
/// path to it belongs to one of them, and no directory is writable by everybody unless it is sticky, like `/tmp`. What is
/// at `path` itself is not checked; see [`own_dir`].
///
/// # Errors
/// [`FileError`] names the directory or the link that is wrong.
pub fn safe_place(path: &Path, owners: Owners) -> Result<(), FileError> {
    let path = std::path::absolute(plain(path)).map_err(|error| FileError::new(path, error))?;
    let mut ahead = path.parent().map(steps).unwrap_or_default();
    let mut reached = PathBuf::from("/");
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        let next = match Path::new(&step).components().next() {
            Some(Component::RootDir) => PathBuf::from("/"),
            Some(Component::ParentDir) => reached.parent().unwrap_or(&reached).to_owned(),
            Some(Component::Normal(name)) => reached.join(name),
            _ => continue,
        };
        let found = match std::fs::symlink_metadata(&next) {
            Ok(found) => found,
            // The host itself creates what is missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FileError::new(&next, error)),
        };
        owners.check(&next, &found)?;
        if found.is_symlink() {
            links += 1;
            if links > LINKS_MAX {
                return Err(FileError::new(&next, rustix::io::Errno::LOOP));
            }
            let target = std::fs::read_link(&next).map_err(|error| FileError::new(&next, error))?;
            ahead.extend(steps(&target));
        } else {
            closed_to_strangers(&next, &found)?;
            reached = next;
        }
    }
    Ok(())
}

/// Returns the components of a path in reverse order.
fn steps(path: &Path) -> Vec<OsString> {
    let mut steps: Vec<OsString> = path.components().map(|step| step.as_os_str().to_owned()).collect();
    steps.reverse();
    steps
}

fn closed_to_strangers(dir: &Path, metadata: &Metadata) -> Result<(), FileError> {
    let mode = metadata.mode() & 0o7777;
    if mode & ANYBODY_MAY_WRITE != 0 && mode & STICKY == 0 {
        return Err(FileError::new(dir, Problem::Writable { mode }));
    }
    Ok(())
}

/// Returns the path without a slash or a dot at its end: the kernel always follows a link with a slash after it.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

fn create_missing(path: &Path) -> Result<(), FileError> {
    let missing = path.ancestors().take_while(|dir| {
        let found = std::fs::symlink_metadata(dir);
        !dir.as_os_str().is_empty() && found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    });
    let missing: Vec<&Path> = missing.collect();
    for dir in missing.into_iter().rev() {
        match rustix::fs::mkdir(dir, Mode::RWXU) {
            // Another process may have created it first.
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(FileError::new(dir, error)),
            Ok(()) => allow_oneself(dir)?,
        }
    }
    Ok(())
}

/// Gives the owner of a new directory its permissions, which a umask may have removed.
fn allow_oneself(dir: &Path) -> Result<(), FileError> {
    let made = std::fs::symlink_metadata(dir).map_err(|error| FileError::new(dir, error))?;
    match made.mode() & 0o777 {
        0o700 => Ok(()),
        _ => rustix::fs::chmod(dir, Mode::RWXU).map_err(|error| FileError::new(dir, error)),
    }
}

fn open_dir(path: &Path, flags: OFlags) -> Result<File, FileError> {
    let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()));
    opened.map(File::from).map_err(|error| explained(path, Kind::Directory, error))
}
