//! The folder for what a build makes on its way.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::BuildError;
use super::manifest::Manifest;

/// Creates the folder `target/NAME` of a project.
pub(super) fn build_dir(manifest: &Manifest, name: &str) -> Result<PathBuf, BuildError> {
    let folder = manifest.dir.join("target").join(name);
    fs::create_dir_all(&folder).map_err(BuildError::file(&folder))?;
    Ok(folder)
}

/// Writes a file there. One that has not changed is not written again, so that editors and build tools see no change.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(BuildError::file(path))
}
