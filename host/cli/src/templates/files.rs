//! Reading and writing a file of a project. What is read may be anything, because a project may be somebody else's.

use std::fs;
use std::io;
use std::path::Path;

use super::error::ProjectError;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a text as it is.
pub(super) fn read(path: &Path) -> Result<String, ProjectError> {
    let bytes = provost_files::read_named(path, FILE_BYTES_MAX).map_err(io::Error::from);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    text.map_err(ProjectError::file(path))
}

/// Writes a file as a whole, and creates the folders above it.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), ProjectError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(ProjectError::file(folder))?;
    }
    let replaced = provost_files::replace_named(path, provost_files::Access::Umask, &[content]);
    replaced.map_err(|error| ProjectError::file(path)(error.into()))
}
