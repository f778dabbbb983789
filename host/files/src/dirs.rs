//! Directories of the host's own, and the way to them.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::error::{FileError, Kind, Problem, explained};
use crate::open::metadata;
use crate::owner::{self, Owners};

/// Anybody may write a directory with this bit.
const ANYBODY_MAY_WRITE: u32 = 0o002;

/// As many links are followed on the way to a file as the kernel follows.
const LINKS_MAX: usize = 40;

/// In a directory with this bit only the owner of an entry may remove or rename it.
const STICKY: u32 = 0o1000;

/// Makes sure that `path` is a directory of the host's own: it is created with mode 0700, as are missing parents; if it exists,
/// it is refused if it is a link, belongs to somebody else, or others may write it and it is not sticky. Links among its parents are followed.
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
    // Nobody else can exchange what is ours there, as in a fresh tmpfs; what others put there is refused as theirs.
    owner::owned(&path, &found)
}

/// Makes sure that nobody but `owners` can exchange what is at `path`, which need not exist: every directory and every link on
/// the way to it belongs to one of them, and no directory is writable by everybody unless it is sticky, as `/tmp` is. Nothing is
/// said of what is at `path` itself; see [`own_dir`].
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
            // What is missing is made by the host itself.
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

/// The parts of a path, the first at the end.
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

/// The path without a slash or a dot at its end: the kernel follows a link with a slash behind it in any case.
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
            // Somebody else may have been faster.
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(FileError::new(dir, error)),
            Ok(()) => allow_oneself(dir)?,
        }
    }
    Ok(())
}

/// A umask may take the owner's own bits away.
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
