//! The contract between host and plugins, as text and as files: `provost plugin wit`.

use std::fs;
use std::path::{Path, PathBuf};

use super::embedded::{CONTRACT, Embedded};
use super::error::ProjectError;
use super::files::{read, write};

/// The version of the contract that this host implements.
pub(crate) const VERSION: &str = "0.1.0";

/// Returns the files of the contract by their names. The first one declares the package.
pub(crate) fn files() -> Vec<(&'static str, &'static str)> {
    let declares = |file: &&Embedded| file.text.lines().any(|line| line.starts_with("package "));
    let (first, rest): (Vec<_>, Vec<_>) = CONTRACT.iter().partition(declares);
    first.into_iter().chain(rest).map(|file| (file.path, file.text)).collect()
}

/// Returns the whole contract as the text of one valid WIT file.
pub(crate) fn text() -> String {
    files().into_iter().map(|(_, text)| text.trim_end()).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// Writes the files of the contract to `folder`, and removes the other WIT files there, which an earlier contract may have had.
///
/// # Errors
/// [`ProjectError`] if something else than a copy of the contract is there, or a file cannot be written.
pub(crate) fn write_to(folder: &Path) -> Result<(), ProjectError> {
    let mut present = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder).map_err(ProjectError::file(folder))? {
            present.push(entry.map_err(ProjectError::file(folder))?.path());
        }
    }
    if !present.is_empty() && !present.iter().any(|path| is_of_the_contract(path)) {
        return Err(ProjectError::NotTheContract { folder: folder.to_owned() });
    }
    for (name, text) in files() {
        write(&folder.join(name), text.as_bytes())?;
    }
    let gone = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.ends_with(".wit") && !files().iter().any(|(known, _)| *known == name)
    };
    for path in present.iter().filter(|path| gone(path)) {
        fs::remove_file(path).map_err(ProjectError::file(path))?;
    }
    Ok(())
}

/// Whether this file declares the package of the contract.
fn is_of_the_contract(path: &Path) -> bool {
    read(path).is_ok_and(|text| text.lines().any(|line| line.starts_with("package provost:plugin@")))
}
