//! A schema that was found to be valid, with its patterns.

use serde_json::Value;

use super::budget::{Budget, Spent};
use super::error::SchemaError;
use super::examine;
use super::patterns::Patterns;

/// The JSON Schema of the settings of a plugin.
#[derive(Clone, Debug)]
pub struct SettingsSchema {
    root: Value,
    patterns: Patterns,
}

/// Two schemas are the same if they say the same; their patterns follow from that.
impl PartialEq for SettingsSchema {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl SettingsSchema {
    /// Examines a schema, which has to be one of an object.
    pub(super) fn examined(root: Value, budget: &mut Budget) -> Result<Self, SchemaError> {
        let patterns = examine::examine(&root, budget)?;
        match root.get("type") {
            Some(kind) if kind == "object" => Ok(Self { root, patterns }),
            Some(_) => {
                let what = "settings are an object: it has to be \"object\"";
                Err(SchemaError::wrong(what).within("type"))
            }
            None => Err(SchemaError::wrong("settings are an object: add \"type\": \"object\"")),
        }
    }

    /// Returns the schema as JSON.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.root
    }

    /// Returns the bytes for the custom section of a component. The same schema gives the same bytes.
    #[must_use]
    pub fn to_section(&self) -> Vec<u8> {
        self.root.to_string().into_bytes()
    }

    /// Returns the schema that a reference leads to, such as `#/$defs/NAME`.
    pub(super) fn resolved(&self, reference: &str, budget: &mut Budget) -> Result<Option<&Value>, Spent> {
        examine::resolved(&self.root, reference, budget)
    }

    /// Returns the compiled patterns.
    pub(super) fn patterns(&self) -> &Patterns {
        &self.patterns
    }
}
