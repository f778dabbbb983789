//! The settings of a schema as a table for people: each with its type, its default and its meaning.

use serde_json::{Map, Value};

use super::allowed::{alternatives, types};
use super::budget::{Budget, Spent};
use super::document::SettingsSchema;
use super::few::Few;
use super::words;

/// The largest number of settings that are listed.
const ROWS_MAX: usize = 200;

/// How deeply tables in tables are listed.
const DEPTH_MAX: usize = 8;

/// The longest name of a setting, in characters.
const NAME_CHARS_MAX: usize = 100;

/// How deeply alternatives are looked into.
const NAMES_DEPTH_MAX: usize = 2;

/// One setting, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name, such as `tries` or `hooks[].url`.
    pub name: String,
    /// Its type, such as `whole number`.
    pub kind: String,
    /// Its default as JSON, or `required`; empty if there is none.
    pub default: String,
    /// What it means; empty if the schema does not say it.
    pub meaning: String,
}

impl SettingsSchema {
    /// Returns the settings, at most 200, with long texts cut.
    #[must_use]
    pub fn rows(&self) -> Vec<Setting> {
        // The table was made when the schema was read, so the budget is enough.
        self.rows_within(&mut Budget::default()).unwrap_or_default()
    }

    /// Does the same within a budget.
    pub(super) fn rows_within(&self, budget: &mut Budget) -> Result<Vec<Setting>, Spent> {
        let mut rows = Vec::new();
        if let Value::Object(root) = self.document() {
            self.rows_of(root, "", 0, &mut rows, budget)?;
        }
        rows.truncate(ROWS_MAX);
        Ok(rows)
    }

    fn rows_of(
        &self,
        schema: &Map<String, Value>,
        prefix: &str,
        depth: usize,
        rows: &mut Vec<Setting>,
        budget: &mut Budget,
    ) -> Result<(), Spent> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (key, setting) in properties.into_iter().flatten() {
            budget.count(1)?;
            let Value::Object(setting) = setting else { continue };
            if rows.len() >= ROWS_MAX {
                return Ok(());
            }
            budget.count(required.len())?;
            let is_required = required.iter().any(|one| one == key);
            let inner = self.followed(setting, budget)?;
            let name = words::cut(&format!("{prefix}{}", words::name(key)), NAME_CHARS_MAX).into_owned();
            let default = setting.get("default").filter(|default| !default.is_null()).map(words::shown);
            rows.push(Setting {
                kind: words::joined(self.names(setting, 0, budget)?),
                default: default.or(is_required.then(|| "required".to_owned())).unwrap_or_default(),
                meaning: described(setting).or_else(|| described(inner)).unwrap_or_default(),
                name: name.clone(),
            });
            if depth < DEPTH_MAX {
                self.rows_of(inner, &format!("{name}."), depth + 1, rows, budget)?;
                if let Some(Value::Object(items)) = inner.get("items") {
                    let items = self.followed(items, budget)?;
                    self.rows_of(items, &format!("{name}[]."), depth + 1, rows, budget)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the names of the types of a schema for the table, such as `whole number`.
    fn names(
        &self,
        schema: &Map<String, Value>,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<Few<String>, Spent> {
        budget.count(1)?;
        let (target, is_named) = (self.followed(schema, budget)?, schema.contains_key("$ref"));
        // The title of a property is a name for itself, that of a definition is one for a type.
        let title = target.get("title").and_then(Value::as_str).filter(|_| is_named);
        if let Some(title) = title.filter(|_| !target.contains_key("properties")) {
            return Ok(Few::of([words::name(title).into_owned()]));
        }
        let values = self.values(target, budget)?;
        if !values.all.is_empty() {
            return Ok(values.map(words::shown));
        }
        if let Some(all) = alternatives(target, budget)? {
            let mut found = Few { all: Vec::new(), more: all.more };
            for one in all.all.into_iter().filter(|_| depth < NAMES_DEPTH_MAX) {
                let names = self.names(one, depth + 1, budget)?;
                found.add(names.filter_map(|name| Some(name).filter(|name| name != "null")));
            }
            return Ok(found);
        }
        let items = target.get("items").and_then(Value::as_object).filter(|_| depth < NAMES_DEPTH_MAX);
        let list = match items {
            Some(items) => format!("list of {}", words::joined(self.names(items, depth + 1, budget)?)),
            None => "list".to_owned(),
        };
        Ok(types(target).filter_map(|name| match name {
            "null" => None,
            "array" => Some(list.clone()),
            _ => Some(words::kind(name).trim_start_matches("a ").to_owned()),
        }))
    }
}

/// Returns the description of a setting.
fn described(schema: &Map<String, Value>) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    Some(words::cut(text, words::TEXT_CHARS_MAX).into_owned())
}
