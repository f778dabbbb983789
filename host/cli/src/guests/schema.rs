//! `settings.schema.json`: the JSON Schema of the settings of a plugin, which its component carries.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use provost_plugin_host::{SETTINGS_SCHEMA_SECTION, SettingsSchema};
use wasm_encoder::{ComponentSection, CustomSection};

use super::error::BuildError;

/// The name of the file, beside the manifest.
pub(super) const FILE: &str = "settings.schema.json";

/// Reads the schema of the project in `dir`; `None` if it has none.
///
/// # Errors
/// [`BuildError`] if the file cannot be read, or is not a schema of an object.
pub(super) fn read(dir: &Path) -> Result<Option<SettingsSchema>, BuildError> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        Ok(text) => match SettingsSchema::parse(&text) {
            Ok(schema) => Ok(Some(schema)),
            Err(problem) => Err(BuildError::Schema { path, problem }),
        },
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(BuildError::file(&path)(error)),
    }
}

/// Adds a schema to a component.
pub(super) fn attach(schema: &SettingsSchema, component: &mut Vec<u8>) {
    let content = schema.to_section();
    CustomSection { name: SETTINGS_SCHEMA_SECTION.into(), data: content.into() }
        .append_to_component(component);
}
