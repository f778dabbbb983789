//! Examines a schema and all schemas in it: whether each keyword has a value that it may have, and each reference leads to a schema.

use std::collections::BTreeSet;
use std::ptr;

use serde_json::{Map, Value};

use super::budget::{Budget, Spent};
use super::error::SchemaError;
use super::keywords::Shape;
use super::patterns::Patterns;
use super::words;

/// How deeply schemas may be nested.
const DEPTH_MAX: usize = 64;

type Examined = Result<(), SchemaError>;

/// Examines the schema of a document, and returns its patterns.
///
/// # Errors
/// [`SchemaError`], which says where it is wrong, or that it has too many parts.
pub(super) fn examine(root: &Value, budget: &mut Budget) -> Result<Patterns, SchemaError> {
    let mut examination = Examination {
        root,
        budget,
        seen: BTreeSet::new(),
        references: Vec::new(),
        patterns: Patterns::default(),
    };
    examination.schema(root, 0)?;
    // A reference may lead to a part that no keyword leads to.
    while let Some((to, target)) = examination.references.pop() {
        examination.schema(target, 0).map_err(|error| error.below(to.trim_start_matches('#')))?;
    }
    Ok(examination.patterns)
}

/// Returns the part of a document that a reference leads to, such as `#/$defs/NAME`.
///
/// # Errors
/// [`Spent`] if there are no steps left.
pub(super) fn resolved<'r>(
    root: &'r Value,
    reference: &str,
    budget: &mut Budget,
) -> Result<Option<&'r Value>, Spent> {
    budget.count_text(reference.len())?;
    Ok(reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)))
}

/// One examination.
struct Examination<'r, 'b> {
    root: &'r Value,
    budget: &'b mut Budget,
    /// The schemas that were examined. Each is examined once.
    seen: BTreeSet<*const Value>,
    /// The references whose targets are still to be examined, and these.
    references: Vec<(&'r str, &'r Value)>,
    patterns: Patterns,
}

impl<'r> Examination<'r, '_> {
    fn schema(&mut self, schema: &'r Value, depth: usize) -> Examined {
        self.budget.count(1)?;
        if !self.seen.insert(ptr::from_ref(schema)) {
            return Ok(());
        }
        if depth > DEPTH_MAX {
            return Err(SchemaError::wrong(&format!("schemas are nested more than {DEPTH_MAX} deep")));
        }
        if schema.is_boolean() {
            return Ok(());
        }
        let Some(keywords) = schema.as_object() else {
            return Err(SchemaError::wrong("expected a schema: an object, true or false"));
        };
        for (keyword, value) in keywords {
            self.budget.count_text(keyword.len())?;
            let Some(shape) = Shape::of(keyword) else { continue };
            self.keyword(keyword, shape, value, depth).map_err(|error| error.within(keyword))?;
        }
        Ok(())
    }

    /// Examines the value of a keyword.
    fn keyword(&mut self, keyword: &str, shape: Shape, value: &'r Value, depth: usize) -> Examined {
        if matches!(shape, Shape::Types | Shape::Texts) {
            self.budget.count(value.as_array().map_or(1, Vec::len))?;
        }
        if let Some(fault) = shape.fault(value) {
            return Err(SchemaError::wrong(&fault));
        }
        match (shape, value) {
            (Shape::Schema, schema) => self.schema(schema, depth + 1),
            (Shape::Schemas, Value::Array(schemas)) => {
                schemas.iter().enumerate().try_for_each(|(number, schema)| {
                    self.schema(schema, depth + 1).map_err(|error| error.within(&number.to_string()))
                })
            }
            (Shape::Named, Value::Object(schemas)) => {
                if keyword == "patternProperties" {
                    schemas.keys().try_for_each(|pattern| self.patterns.compile(pattern, self.budget))?;
                }
                self.named(schemas, depth)
            }
            (Shape::Pattern, Value::String(pattern)) => self.patterns.compile(pattern, self.budget),
            (Shape::Reference, Value::String(to)) => self.reference(to),
            _ => Ok(()),
        }
    }

    fn named(&mut self, schemas: &'r Map<String, Value>, depth: usize) -> Examined {
        schemas.iter().try_for_each(|(name, schema)| {
            self.budget.count_text(name.len())?;
            self.schema(schema, depth + 1).map_err(|error| error.within(name))
        })
    }

    fn reference(&mut self, to: &'r str) -> Examined {
        match resolved(self.root, to, self.budget)? {
            Some(target @ (Value::Object(_) | Value::Bool(_))) => {
                if !self.seen.contains(&ptr::from_ref(target)) {
                    self.references.push((to, target));
                }
                Ok(())
            }
            Some(_) => Err(SchemaError::wrong(&format!("{:?} is not a schema", words::name(to)))),
            None => Err(SchemaError::wrong(&format!("there is no {:?} in it", words::name(to)))),
        }
    }
}
