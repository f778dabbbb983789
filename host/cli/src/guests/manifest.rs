//! `provost-plugin.toml`: what a build needs to know about a plugin that is not written in Rust.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::BuildError;
use super::label::Label;
use super::read;
use crate::templates::Language;

/// The name of the file.
pub(super) const NAME: &str = "provost-plugin.toml";

/// The file, and where it is.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The folder of the project, absolute.
    pub(super) dir: PathBuf,
    /// What the component says about itself.
    pub(super) label: Label,
    /// The language.
    pub(super) language: Language,
    /// The source file, absolute.
    pub(super) source: PathBuf,
    /// The folder with the WIT package of the project, absolute; its contract is in `deps`.
    pub(super) wit: PathBuf,
    /// The world of that package.
    pub(super) world: String,
}

/// The keys of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    name: String,
    version: Option<String>,
    description: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    language: Language,
    source: PathBuf,
    wit: Option<PathBuf>,
    world: Option<String>,
}

impl Manifest {
    /// Reads the file in `dir`; `None` if the folder has a `Cargo.toml` instead.
    ///
    /// # Errors
    /// [`BuildError`] if there is neither, or the file is wrong.
    pub(super) fn find(dir: &Path) -> Result<Option<Self>, BuildError> {
        let dir = dir.canonicalize().map_err(BuildError::file(dir))?;
        let path = dir.join(NAME);
        if !path.is_file() {
            return if dir.join("Cargo.toml").is_file() {
                Ok(None)
            } else {
                Err(BuildError::NoProject { dir })
            };
        }
        let text = read::text(&path)?;
        let wrong = |message: String| BuildError::Manifest { path: path.clone(), message };
        let keys: Keys =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        provost_state::naming::check_plugin(&keys.name)
            .map_err(|bad| wrong(format!("name: {bad}: {}", bad.hint())))?;
        let source = dir.join(&keys.source);
        if !source.is_file() {
            return Err(wrong(format!("source: there is no file {}", keys.source.display())));
        }
        let wit = dir.join(keys.wit.unwrap_or_else(|| "wit".into()));
        if !wit.is_dir() {
            let shown = wit.display();
            return Err(wrong(format!(
                "wit: there is no folder {shown}; `provost plugin new` shows how it looks"
            )));
        }
        let Keys { name, version, description, authors, language, .. } = keys;
        let label = Label { name, version, description, authors, ..Label::default() };
        Ok(Some(Self {
            dir,
            label,
            language,
            source,
            wit,
            world: keys.world.unwrap_or_else(|| "plugin".to_owned()),
        }))
    }
}
