//! `settings.schema.json`: the JSON Schema of the settings of a plugin, which its component carries.

use std::path::Path;

use provost_plugin_host::{SETTINGS_SCHEMA_SECTION, SettingsSchema};
use wasm_encoder::{ComponentSection, CustomSection};

use super::error::BuildError;
use super::read;

/// The name of the file, beside the manifest.
pub(super) const FILE: &str = "settings.schema.json";

/// Reads the schema of the project in `dir`; `None` if it has none.
///
/// # Errors
/// [`BuildError`] if the file cannot be read, or is not a schema of an object.
pub(super) fn read(dir: &Path) -> Result<Option<SettingsSchema>, BuildError> {
    let path = dir.join(FILE);
    let Some(text) = read::if_there(&path)? else { return Ok(None) };
    SettingsSchema::parse(&text).map(Some).map_err(|problem| BuildError::Schema { path, problem })
}

/// Adds a schema to a component.
pub(super) fn attach(schema: &SettingsSchema, component: &mut Vec<u8>) {
    let content = schema.to_section();
    CustomSection { name: SETTINGS_SCHEMA_SECTION.into(), data: content.into() }
        .append_to_component(component);
}
