//! The folder for what a build makes on its way.

use std::fs;
use std::path::PathBuf;

use super::error::BuildError;
use super::manifest::Manifest;

/// Creates the folder `target/NAME` of a project.
pub(super) fn build_dir(manifest: &Manifest, name: &str) -> Result<PathBuf, BuildError> {
    let folder = manifest.dir.join("target").join(name);
    fs::create_dir_all(&folder).map_err(BuildError::file(&folder))?;
    Ok(folder)
}
