//! A schema that was read and found to be valid.

use serde_json::{Map, Value};

use super::error::{BYTES_MAX, SchemaError};
use super::keywords::{Shape, compiled};

/// How deeply schemas may be nested.
const DEPTH_MAX: usize = 64;

/// The JSON Schema of the settings of a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsSchema {
    root: Value,
}

impl SettingsSchema {
    /// Reads a schema, and checks that it is one of an object.
    ///
    /// # Errors
    /// [`SchemaError`], which says where it is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, SchemaError> {
        if text.len() > BYTES_MAX {
            return Err(SchemaError::TooLarge { bytes: text.len() });
        }
        let root: Value = serde_json::from_slice(text).map_err(|error| SchemaError::Json {
            line: error.line(),
            column: error.column(),
            message: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        })?;
        let schema = Self { root };
        schema.examine(&schema.root, "", 0)?;
        match schema.root.get("type") {
            Some(kind) if kind == "object" => Ok(schema),
            Some(_) => Err(wrong("/type", "settings are an object: it has to be \"object\"")),
            None => Err(wrong("", "settings are an object: add \"type\": \"object\"")),
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
    pub(super) fn resolved(&self, reference: &str) -> Option<&Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// Examines a schema and all schemas in it.
    fn examine(&self, schema: &Value, at: &str, depth: usize) -> Result<(), SchemaError> {
        if depth > DEPTH_MAX {
            return Err(wrong(at, &format!("schemas are nested more than {DEPTH_MAX} deep")));
        }
        if schema.is_boolean() {
            return Ok(());
        }
        let Some(keywords) = schema.as_object() else {
            return Err(wrong(at, "expected a schema: an object, true or false"));
        };
        for (keyword, value) in keywords {
            let Some(shape) = Shape::of(keyword) else { continue };
            let at = format!("{at}/{}", escaped(keyword));
            if let Some(fault) = shape.fault(value) {
                return Err(wrong(&at, &fault));
            }
            match (shape, value) {
                (Shape::Schema, schema) => self.examine(schema, &at, depth + 1)?,
                (Shape::Schemas, Value::Array(schemas)) => {
                    for (number, schema) in schemas.iter().enumerate() {
                        self.examine(schema, &format!("{at}/{number}"), depth + 1)?;
                    }
                }
                (Shape::Named, Value::Object(schemas)) => {
                    if keyword == "patternProperties" {
                        patterns(schemas, &at)?;
                    }
                    self.examine_named(schemas, &at, depth)?;
                }
                (Shape::Reference, Value::String(to)) => self.examine_reference(to, &at)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn examine_named(&self, schemas: &Map<String, Value>, at: &str, depth: usize) -> Result<(), SchemaError> {
        schemas.iter().try_for_each(|(name, schema)| {
            self.examine(schema, &format!("{at}/{}", escaped(name)), depth + 1)
        })
    }

    fn examine_reference(&self, to: &str, at: &str) -> Result<(), SchemaError> {
        match self.resolved(to) {
            Some(Value::Object(_) | Value::Bool(_)) => Ok(()),
            Some(_) => Err(wrong(at, &format!("{to:?} is not a schema"))),
            None => Err(wrong(at, &format!("there is no {to:?} in it"))),
        }
    }
}

/// Checks that the names of these schemas are patterns.
fn patterns(schemas: &Map<String, Value>, at: &str) -> Result<(), SchemaError> {
    let fault = schemas.keys().find_map(|pattern| compiled(pattern).err());
    fault.map_or(Ok(()), |fault| Err(wrong(at, &fault)))
}

/// Returns a key as it is written in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn wrong(at: &str, what: &str) -> SchemaError {
    SchemaError::Wrong {
        at: if at.is_empty() { "/".to_owned() } else { at.to_owned() },
        what: what.to_owned(),
    }
}
