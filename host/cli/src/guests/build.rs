//! The steps of a build, in any language.

use std::fs;
use std::path::{Path, PathBuf};

use provost_plugin_host::SettingsSchema;

use super::error::BuildError;
use super::label::Label;
use super::made::Made;
use super::manifest::{self, Manifest};
use super::schema;
use super::surface::Surface;
use super::tool::Progress;
use super::{c, js, python, rust};
use crate::templates::Language;

/// A component that was built and checked, and is not written yet.
#[derive(Debug)]
pub(crate) struct Built {
    /// The path that it gets.
    pub(crate) path: PathBuf,
    /// The component.
    pub(crate) component: Vec<u8>,
    /// The toolchain that made it, for people.
    pub(crate) toolchain: String,
    /// The names of its imports and of its exports.
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    /// The digest of its sources, if it is known: `sha256:` and 64 hexadecimal digits.
    sources: Option<String>,
}

/// What a build has found out and the next one of the same project need not find out again. It is to be dropped when anything but
/// the code has changed.
#[derive(Debug, Default)]
pub(crate) struct Known(Option<rust::Prepared>);

/// Builds the project in `dir`, in whatever language it is. The messages of the toolchain go to standard error. With `checked`
/// a component that no host would take is refused.
///
/// # Errors
/// See [`BuildError`].
pub(crate) fn build(dir: &Path, checked: bool, progress: Progress) -> Result<Built, BuildError> {
    build_again(dir, checked, progress, &mut Known::default())
}

/// Does the same as [`build`] with what is known from the build before.
///
/// # Errors
/// See [`BuildError`].
pub(crate) fn build_again(
    dir: &Path,
    checked: bool,
    progress: Progress,
    known: &mut Known,
) -> Result<Built, BuildError> {
    // Before the toolchain is run, because that may take long.
    let schema = schema::read(dir)?;
    if let Some(prepared) = &known.0 {
        return finish(dir, rust::build(prepared, progress)?, schema.as_ref(), checked);
    }
    let made = match Manifest::find(dir)? {
        None => rust::build(known.0.insert(rust::prepare(dir)?), progress)?,
        Some(manifest) => match manifest.language {
            Language::Js => js::build(&manifest)?,
            Language::Python => python::build(&manifest)?,
            Language::C => c::build(&manifest)?,
            Language::Rust => {
                return Err(BuildError::Manifest {
                    path: dir.join(manifest::NAME),
                    message: "a plugin in Rust has a Cargo.toml instead of this file".to_owned(),
                });
            }
        },
    };
    finish(dir, made, schema.as_ref(), checked)
}

/// Returns the path that the component of the project in `dir` gets, whether it was built or not.
///
/// # Errors
/// See [`BuildError`].
pub(crate) fn component_of(dir: &Path) -> Result<PathBuf, BuildError> {
    let name = match Manifest::find(dir)? {
        None => rust::component_name(dir)?,
        Some(manifest) => manifest.label.name,
    };
    Ok(path_in(dir, &name))
}

/// Returns the folders whose files decide what the component of the project in `dir` is: its own, and those of the crates that it
/// depends on by path.
///
/// # Errors
/// See [`BuildError`].
pub(crate) fn folders_of(dir: &Path) -> Result<Vec<PathBuf>, BuildError> {
    match Manifest::find(dir)? {
        None => rust::folders(dir),
        Some(manifest) => Ok(vec![manifest.dir]),
    }
}

fn path_in(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.wasm"))
}

/// Checks and labels what a toolchain has made, and adds the schema of its settings.
fn finish(
    dir: &Path,
    made: Made,
    schema: Option<&SettingsSchema>,
    checked: bool,
) -> Result<Built, BuildError> {
    let Made { component, mut label, sources, toolchain, rules } = made;
    let refused = |message: String| BuildError::Encode { package: label.name.clone(), message };
    let surface = Surface::of(&component).map_err(refused)?;
    if checked {
        surface.check(&label.name, rules)?;
    }
    label.contract = surface.contract().map(str::to_owned);
    let mut component = labelled(&label, &component)?;
    if let Some(schema) = schema {
        schema::attach(schema, &mut component);
    }
    let path = path_in(dir, &label.name);
    let Surface { imports, exports } = surface;
    Ok(Built { path, component, toolchain, imports, exports, sources })
}

fn labelled(label: &Label, component: &[u8]) -> Result<Vec<u8>, BuildError> {
    label.attach(component).map_err(|message| BuildError::Encode { package: label.name.clone(), message })
}

impl Built {
    /// Writes this component, such as the former one, in the place of this one. It is replaced as a whole.
    ///
    /// # Errors
    /// [`BuildError::File`] if the file cannot be written.
    pub(crate) fn put_back(&self, component: &[u8]) -> Result<(), BuildError> {
        replace(&self.path, component)
    }

    /// Writes the component, and beside it the digest of its sources. The former component is replaced as a whole.
    ///
    /// # Errors
    /// [`BuildError::File`] if a file cannot be written.
    pub(crate) fn write(&self) -> Result<(), BuildError> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(BuildError::file(folder))?;
        }
        self.put_back(&self.component)?;
        match &self.sources {
            Some(sources) => {
                replace(&self.path.with_extension("wasm.sources"), format!("{sources}\n").as_bytes())
            }
            None => Ok(()),
        }
    }
}

pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    let replaced = provost_files::replace_named(path, provost_files::Access::Umask, &[content]);
    replaced.map_err(|error| BuildError::file(path)(error.into()))
}
