//! Reading a schema from its text. One that is read can be used: it is tried on settings without a key, and its table is made.

use serde_json::Value;

use super::budget::Budget;
use super::document::SettingsSchema;
use super::error::{BYTES_MAX, SchemaError};

impl SettingsSchema {
    /// Reads a schema, and checks that it is one of an object and can be checked in a bounded number of steps.
    ///
    /// # Errors
    /// [`SchemaError`], which says where it is wrong, or that it is too large.
    pub fn parse(text: &[u8]) -> Result<Self, SchemaError> {
        Self::parse_within(text, &mut Budget::default())
    }

    /// Does the same within a budget.
    pub(super) fn parse_within(text: &[u8], budget: &mut Budget) -> Result<Self, SchemaError> {
        if text.len() > BYTES_MAX {
            return Err(SchemaError::TooLarge { bytes: text.len() });
        }
        let root: Value = serde_json::from_slice(text).map_err(|error| SchemaError::Json {
            line: error.line(),
            column: error.column(),
            message: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        })?;
        let schema = Self::examined(root, budget)?;
        schema.mistakes_within("{}", budget)?;
        schema.rows_within(budget)?;
        Ok(schema)
    }
}
