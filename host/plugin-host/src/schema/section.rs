//! The custom section of a component that holds the schema of its settings.

use wasmparser::BinaryReader;

use super::document::SettingsSchema;
use super::error::SchemaError;

/// The name of the custom section.
pub const SECTION: &str = "provost:settings-schema";

/// The size of what precedes the sections of a component: the magic number and the version.
const HEADER_BYTES: usize = 8;

/// The identifier of a custom section.
const CUSTOM: u8 = 0;

impl SettingsSchema {
    /// Reads the schema that a component carries; `None` if it carries none. Only the sections of the component itself are looked at.
    ///
    /// # Errors
    /// [`SchemaError`] if there is one that cannot be used.
    pub fn of_component(component: &[u8]) -> Result<Option<Self>, SchemaError> {
        match sections(component).as_slice() {
            [] => Ok(None),
            [section] => Self::parse(section).map(Some),
            several => Err(SchemaError::Several(several.len())),
        }
    }
}

/// Returns the contents of all sections with the name. What is not a component has none.
fn sections(component: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut reader = BinaryReader::new(component.get(HEADER_BYTES..).unwrap_or_default(), HEADER_BYTES);
    while let Ok((id, content)) = section(&mut reader) {
        let mut inside = BinaryReader::new(content, 0);
        if id == CUSTOM && inside.read_string().is_ok_and(|name| name == SECTION) {
            let left = inside.bytes_remaining();
            found.extend(inside.read_bytes(left));
        }
    }
    found
}

/// Reads the next section: its identifier and its content.
fn section<'a>(reader: &mut BinaryReader<'a>) -> wasmparser::Result<(u8, &'a [u8])> {
    let (id, size) = (reader.read_u8()?, reader.read_var_u32()?);
    Ok((id, reader.read_bytes(usize::try_from(size).unwrap_or(usize::MAX))?))
}
