//! The modules with which a component of an interpreter starts, beside what else a build makes.

use std::fs;
use std::path::Path;

use super::error::BuildError;

/// Writes modules by their names into `folder`.
///
/// # Errors
/// [`BuildError`] if one cannot be written.
pub(super) fn write(folder: &Path, modules: &[(&str, &str)]) -> Result<(), BuildError> {
    for (name, text) in modules {
        let path = folder.join(name);
        fs::write(&path, text).map_err(BuildError::file(&path))?;
    }
    Ok(())
}
