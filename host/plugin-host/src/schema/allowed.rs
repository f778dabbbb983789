//! What a schema allows: its types, its values and its alternatives, with references followed, as far as that is named.

use serde_json::{Map, Value};

use super::budget::{Budget, Spent};
use super::document::SettingsSchema;
use super::few::Few;
use super::words;

/// The longest chain of references that is followed.
const REFERENCES_MAX: usize = 8;

impl SettingsSchema {
    /// Follows the references of a schema that has nothing else that matters.
    pub(super) fn followed<'s>(
        &'s self,
        schema: &'s Map<String, Value>,
        budget: &mut Budget,
    ) -> Result<&'s Map<String, Value>, Spent> {
        let mut found = schema;
        for _ in 0..REFERENCES_MAX {
            let Some(to) = found.get("$ref").and_then(Value::as_str) else { break };
            match self.resolved(to, budget)? {
                Some(Value::Object(target)) => found = target,
                _ => break,
            }
        }
        Ok(found)
    }

    /// Returns the values that a schema allows, if it allows only some, and `null` is left out.
    pub(super) fn values<'s>(
        &'s self,
        schema: &'s Map<String, Value>,
        budget: &mut Budget,
    ) -> Result<Few<&'s Value>, Spent> {
        let schema = self.followed(schema, budget)?;
        if let Some(own) = own_values(schema, budget)? {
            return Ok(own);
        }
        let Some(alternatives) = alternatives(schema, budget)? else { return Ok(Few::none()) };
        let mut found = Few { all: Vec::new(), more: alternatives.more };
        for one in alternatives.all {
            let one = self.followed(one, budget)?;
            if one.get("type").is_some_and(|kind| kind == "null") {
                continue;
            }
            let Some(own) = own_values(one, budget)? else { return Ok(Few::none()) };
            found.add(own);
        }
        Ok(found)
    }

    /// Returns what a schema expects, with articles, such as `a whole number`.
    pub(super) fn kinds(
        &self,
        schema: &Map<String, Value>,
        budget: &mut Budget,
    ) -> Result<Few<String>, Spent> {
        let schema = self.followed(schema, budget)?;
        let of_values = self.values(schema, budget)?;
        if !of_values.all.is_empty() {
            return Ok(of_values.map(words::shown));
        }
        let Some(alternatives) = alternatives(schema, budget)? else {
            return Ok(of_types(schema));
        };
        let mut found = Few { all: Vec::new(), more: alternatives.more };
        for one in alternatives.all {
            let one = self.followed(one, budget)?;
            let values = self.values(one, budget)?;
            let kinds = if values.all.is_empty() { of_types(one) } else { values.map(words::shown) };
            found.add(kinds.filter_map(|kind| Some(kind).filter(|kind| kind != "null")));
        }
        Ok(found)
    }
}

/// Returns the values that a schema itself names, without `null`; `None` if it names none.
fn own_values<'s>(
    schema: &'s Map<String, Value>,
    budget: &mut Budget,
) -> Result<Option<Few<&'s Value>>, Spent> {
    let own = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Few { all: vec![value], more: false },
        (None, Some(Value::Array(values))) => Few::of(values),
        _ => return Ok(None),
    };
    budget.count(own.all.len())?;
    Ok(Some(own.filter_map(|value| Some(value).filter(|value| !value.is_null()))))
}

/// Returns the schemas of which one has to fit.
pub(super) fn alternatives<'s>(
    schema: &'s Map<String, Value>,
    budget: &mut Budget,
) -> Result<Option<Few<&'s Map<String, Value>>>, Spent> {
    let all = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    let Some(all) = all else { return Ok(None) };
    let few = Few::of(all);
    budget.count(few.all.len())?;
    Ok(Some(few.filter_map(Value::as_object)))
}

/// Returns the names of the types that a schema allows.
pub(super) fn types(schema: &Map<String, Value>) -> Few<&str> {
    match schema.get("type") {
        Some(Value::Array(names)) => Few::of(names).filter_map(Value::as_str),
        Some(one) => Few::of(one.as_str()),
        None => Few::none(),
    }
}

/// Returns the types that a schema allows, with articles.
fn of_types(schema: &Map<String, Value>) -> Few<String> {
    types(schema).map(|name| words::kind(name).to_owned())
}
