//! What a schema allows: its types, its values and its alternatives, with references followed.

use serde_json::{Map, Value};

use super::document::SettingsSchema;
use super::words;

/// The longest chain of references that is followed.
const REFERENCES_MAX: usize = 8;

impl SettingsSchema {
    /// Follows the references of a schema that has nothing else that matters.
    pub(super) fn followed<'s>(&'s self, schema: &'s Map<String, Value>) -> &'s Map<String, Value> {
        let mut found = schema;
        for _ in 0..REFERENCES_MAX {
            let target = found.get("$ref").and_then(Value::as_str).and_then(|to| self.resolved(to));
            match target {
                Some(Value::Object(target)) => found = target,
                _ => break,
            }
        }
        found
    }

    /// Returns the schemas of which one has to fit.
    pub(super) fn alternatives<'s>(
        &'s self,
        schema: &'s Map<String, Value>,
    ) -> Option<Vec<&'s Map<String, Value>>> {
        let all = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
        Some(all.iter().filter_map(Value::as_object).collect())
    }

    /// Returns the values that a schema allows, if it allows only some, and `null` is left out.
    pub(super) fn values<'s>(&'s self, schema: &'s Map<String, Value>) -> Vec<&'s Value> {
        let own = |schema: &'s Map<String, Value>| match (schema.get("const"), schema.get("enum")) {
            (Some(value), _) => Some(vec![value]),
            (None, Some(Value::Array(values))) => Some(values.iter().collect()),
            _ => None,
        };
        let schema = self.followed(schema);
        let is_null = |one: &&'s Map<String, Value>| one.get("type").is_some_and(|kind| kind == "null");
        let all = own(schema).or_else(|| {
            let alternatives = self.alternatives(schema)?.into_iter().map(|one| self.followed(one));
            alternatives
                .filter(|one| !is_null(one))
                .map(own)
                .collect::<Option<Vec<_>>>()
                .map(|all| all.into_iter().flatten().collect())
        });
        all.unwrap_or_default().into_iter().filter(|value| !value.is_null()).collect()
    }

    /// Returns what a schema expects, with articles, such as `a whole number`.
    pub(super) fn kinds(&self, schema: &Map<String, Value>) -> Vec<String> {
        let one = |schema: &Map<String, Value>| {
            let schema = self.followed(schema);
            let values = self.values(schema);
            if !values.is_empty() {
                return values.into_iter().map(words::shown).collect();
            }
            types(schema).into_iter().map(|name| words::kind(name).to_owned()).collect::<Vec<_>>()
        };
        let schema = self.followed(schema);
        let alternatives = self.alternatives(schema).filter(|_| self.values(schema).is_empty());
        alternatives.map_or_else(
            || one(schema),
            |all| all.into_iter().flat_map(one).filter(|kind| kind != "null").collect(),
        )
    }
}

/// Returns the names of the types that a schema allows.
pub(super) fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    }
}
