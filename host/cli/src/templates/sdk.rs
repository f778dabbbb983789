//! The copy of the SDK in a project, `.provost/sdk/VERSION`: `provost plugin sdk` replaces it by that of this binary.

use std::fs;
use std::io;
use std::path::Path;

use super::contract;
use super::embedded::SDK_SOURCES;
use super::error::ProjectError;
use super::files::{read, write};
use super::manifest;

/// The folder of the copies in a project.
const FOLDER: &str = ".provost/sdk";

/// What the manifest of the SDK has in it.
const NAME: &str = "name = \"provost-guest\"";

/// What may be a link in a project of somebody else, which would lead the refresh out of the project.
const INSIDE: [&str; 3] = ["Cargo.toml", ".provost", FOLDER];

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
/// [`ProjectError`] if the project has no copy, a part of it is a link, or something cannot be read or written.
pub(crate) fn refresh(dir: &Path) -> Result<Refreshed, ProjectError> {
    let path = dir.join("Cargo.toml");
    for part in INSIDE.map(|part| dir.join(part)) {
        if part.is_symlink() {
            return Err(ProjectError::Link { path: part });
        }
    }
    let text = read(&path)?;
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
    let former = dir.join(FOLDER).join(&before);
    if before != now && is_a_copy(&former, &before) {
        remove(&former)?;
    }
    Ok(Refreshed { copy, before, now })
}

/// Whether a folder has the SDK of this version: nothing else is removed, whatever the manifest of the project calls it.
fn is_a_copy(folder: &Path, version: &str) -> bool {
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && version.chars().all(|one| one.is_ascii_alphanumeric() || ".-+".contains(one));
    let manifest = || read(&folder.join("Cargo.toml")).is_ok_and(|text| text.contains(NAME));
    is_version && !folder.is_symlink() && manifest()
}

/// Removes a folder, if there is one. A link is removed, and not what it leads to.
fn remove(folder: &Path) -> Result<(), ProjectError> {
    let removed = match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(folder),
        Ok(_) => fs::remove_file(folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(ProjectError::file(folder))
}
