//! The copy of the SDK in a project, `.provost/sdk/VERSION`: `provost plugin sdk` replaces it by that of this binary.

use std::fs;
use std::path::{Path, PathBuf};

use super::contract;
use super::embedded::SDK_SOURCES;
use super::error::ProjectError;
use super::manifest;
use super::write::write;

/// The folder of the copies in a project.
const FOLDER: &str = ".provost/sdk";

/// The files of a copy by their paths in the project.
pub(super) fn files() -> Result<Vec<(String, String)>, ProjectError> {
    let root = format!("{FOLDER}/{}", manifest::version()?);
    let sources = SDK_SOURCES.iter().map(|file| (format!("{root}/src/{}", file.path), file.text.to_owned()));
    let wit =
        contract::files().into_iter().map(|(name, text)| (format!("{root}/wit/{name}"), text.to_owned()));
    let manifest = (format!("{root}/Cargo.toml"), manifest::of_the_sdk()?);
    Ok(sources.chain(wit).chain([manifest]).collect())
}

/// What a refresh has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refreshed {
    /// The folder of the copy, relative to the project.
    pub(crate) copy: String,
    /// The version that the project used before.
    pub(crate) before: String,
    /// The version that it uses now.
    pub(crate) now: String,
}

/// Replaces the copy of the SDK in the project `dir`, and names the new one in its `Cargo.toml`.
///
/// # Errors
/// [`ProjectError`] if the project has no copy, or something cannot be read or written.
pub(crate) fn refresh(dir: &Path) -> Result<Refreshed, ProjectError> {
    let path = dir.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(ProjectError::file(&path))?;
    let start = text.find(&format!("\"{FOLDER}/"));
    let start = start.ok_or_else(|| ProjectError::NoCopy { manifest: path.clone() })?;
    let version = &text[start + FOLDER.len() + 2..];
    let before = version.split(['"', '/']).next().unwrap_or_default().to_owned();
    let now = manifest::version()?;
    let copy = format!("{FOLDER}/{now}");
    // Built beside the old one, so that an interrupted refresh leaves a project that builds.
    let fresh = dir.join(FOLDER).join(format!("{now}.new"));
    remove(&fresh)?;
    for (name, content) in files()? {
        let name = name.strip_prefix(&format!("{copy}/")).unwrap_or(&name).to_owned();
        write(&fresh.join(name), content.as_bytes())?;
    }
    let place = dir.join(&copy);
    remove(&place)?;
    fs::rename(&fresh, &place).map_err(ProjectError::file(&place))?;
    let text = text.replace(&format!("\"{FOLDER}/{before}\""), &format!("\"{copy}\""));
    write(&path, text.as_bytes())?;
    let plain = !before.is_empty() && Path::new(&before).components().count() == 1 && before != "..";
    if plain && before != now {
        remove(&dir.join(FOLDER).join(&before))?;
    }
    Ok(Refreshed { copy, before, now })
}

/// Removes a folder, if there is one.
fn remove(folder: &PathBuf) -> Result<(), ProjectError> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(ProjectError::file(folder))
}
