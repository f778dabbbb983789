//! The bindings of the contract in C, by wit-bindgen.

use std::path::{Path, PathBuf};

use wit_bindgen_core::{Files, wit_parser::Resolve};

use crate::guests::build_dir::write;
use crate::guests::error::BuildError;
use crate::guests::manifest::Manifest;

/// Writes the bindings of the world to `folder`, and returns those files that are compiled or linked.
pub(super) fn generate(manifest: &Manifest, folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let wrong = |error: &dyn std::fmt::Display| BuildError::Wit {
        folder: manifest.wit.clone(),
        message: format!("{error:#}"),
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&manifest.wit).map_err(|error| wrong(&error))?;
    let world = resolve.select_world(&[package], Some(&manifest.world)).map_err(|error| wrong(&error))?;
    let mut files = Files::default();
    // Otherwise every function of a role would have to drop the snapshot that it was lent, or fail.
    let autodrop_borrows = wit_bindgen_c::Enabled::Yes;
    let mut generator = wit_bindgen_c::Opts { autodrop_borrows, ..Default::default() }.build();
    generator.generate(&mut resolve, world, &mut files).map_err(|error| wrong(&error))?;
    let mut linked = Vec::new();
    for (name, content) in files.iter() {
        let path = folder.join(name);
        write(&path, content)?;
        if name.ends_with(".c") || name.ends_with(".o") {
            linked.push(path);
        }
    }
    Ok(linked)
}
