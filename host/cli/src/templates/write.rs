//! Writing a file of a project, with the folders above it.

use std::fs;
use std::path::Path;

use super::error::ProjectError;

/// Writes a file as a whole, and creates the folders above it.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), ProjectError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(ProjectError::file(folder))?;
    }
    let replaced = provost_files::replace(path, provost_files::Access::Umask, &[content]);
    replaced.map_err(|error| ProjectError::file(path)(error.into()))
}
