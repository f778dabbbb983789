//! Reading the files of a project: it may be somebody else's, and a file in it a link to anything.

use std::io;
use std::path::Path;

use super::error::BuildError;

/// The largest file that is read, in bytes: far more than a source file, a manifest or a schema has.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Reads a file.
///
/// # Errors
/// [`BuildError`] if it cannot be read, is no file, or is too large.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, BuildError> {
    provost_files::read_named(path, FILE_BYTES_MAX).map_err(io::Error::from).map_err(BuildError::file(path))
}

/// Reads a file that may be missing, with the same errors.
pub(super) fn if_there(path: &Path) -> Result<Option<Vec<u8>>, BuildError> {
    match provost_files::read_named(path, FILE_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(BuildError::file(path)(error.into())),
    }
}

/// Reads a text, with the same errors.
pub(super) fn text(path: &Path) -> Result<String, BuildError> {
    provost_files::read_text(path, FILE_BYTES_MAX).map_err(io::Error::from).map_err(BuildError::file(path))
}
