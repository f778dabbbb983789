//! Replaces a file atomically: a reader finds the old text or the new one, even if the machine stops at any time.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::create::{Access, create_new};
use crate::error::{FileError, Kind, Problem};

/// The end of the name of a file that is not complete yet.
const UNFINISHED: &str = ".new";

/// Writes the parts to a new file beside `path`, waits until it is on the disk, and renames it to `path`. A link at `path`
/// is replaced and not followed. If anything fails before the rename, the old file is kept and the new one is removed. A
/// file that a killed program leaves behind has a name that begins with a dot and ends in `.new`.
///
/// # Errors
/// [`FileError`], also if there is a directory at `path`.
pub fn replace(path: &Path, access: Access, parts: &[&[u8]]) -> Result<(), FileError> {
    let beside = beside(path)?;
    // A killed program with the same process id may have left it behind.
    let _ = std::fs::remove_file(&beside);
    create_new(&beside, access, parts)?;
    std::fs::rename(&beside, path).map_err(|error| {
        // The new file is of no use. If it cannot be removed either, the first error is the one to report.
        let _ = std::fs::remove_file(&beside);
        FileError::new(path, error)
    })?;
    sync_name(path)
}

/// Does the same for a path that the operator has named: what is there is no file of ours, so a device, a pipe or a socket is not
/// replaced.
///
/// # Errors
/// [`FileError`].
pub fn replace_named(path: &Path, access: Access, parts: &[&[u8]]) -> Result<(), FileError> {
    match std::fs::symlink_metadata(path).map(|metadata| Kind::of(metadata.file_type())) {
        Ok(Kind::File | Kind::Link) | Err(_) => replace(path, access, parts),
        Ok(found) => Err(FileError::new(path, Problem::Kind { found, wanted: Kind::File })),
    }
}

/// Returns a path in the same directory that no other call uses at the same time.
fn beside(path: &Path) -> Result<PathBuf, FileError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path
        .file_name()
        .ok_or_else(|| FileError::new(path, Problem::Kind { found: Kind::Directory, wanted: Kind::File }))?;
    let mut beside = OsString::from(".");
    beside.push(name);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    beside.push(format!(".{}-{number}{UNFINISHED}", std::process::id()));
    Ok(path.with_file_name(beside))
}

/// Waits until the name of a file that was created, renamed or removed is on the disk, too.
///
/// # Errors
/// [`FileError`] names the directory.
pub fn sync_name(path: &Path) -> Result<(), FileError> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems do not support this; the file was replaced all the same.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced.map_err(|error| FileError::new(dir, error)),
    }
}
