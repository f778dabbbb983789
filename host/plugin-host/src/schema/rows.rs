//! The settings of a schema as a table for people: each with its type, its default and its meaning.

use serde_json::{Map, Value};

use super::allowed::types;
use super::document::SettingsSchema;
use super::words;

/// The largest number of settings that are listed.
const ROWS_MAX: usize = 200;

/// How deeply tables in tables are listed.
const DEPTH_MAX: usize = 8;

/// How many alternatives are named, and how deeply they are looked into.
const NAMES_MAX: usize = 16;
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
    /// Returns the settings, at most 200.
    #[must_use]
    pub fn rows(&self) -> Vec<Setting> {
        let mut rows = Vec::new();
        if let Value::Object(root) = self.document() {
            self.rows_of(root, "", 0, &mut rows);
        }
        rows.truncate(ROWS_MAX);
        rows
    }

    fn rows_of(&self, schema: &Map<String, Value>, prefix: &str, depth: usize, rows: &mut Vec<Setting>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let required = |name: &str| {
            schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|names| names.iter().any(|one| one == name))
        };
        for (name, setting) in properties.into_iter().flatten() {
            let Value::Object(setting) = setting else { continue };
            if rows.len() >= ROWS_MAX {
                return;
            }
            let name = format!("{prefix}{name}");
            let default = setting.get("default").filter(|default| !default.is_null());
            let is_required = required(name.strip_prefix(prefix).unwrap_or_default());
            let described =
                |schema: &Map<String, Value>| Some(schema.get("description")?.as_str()?.to_owned());
            rows.push(Setting {
                kind: words::joined(self.names(setting, 0)),
                default: default
                    .map(words::shown)
                    .or(is_required.then(|| "required".to_owned()))
                    .unwrap_or_default(),
                meaning: described(setting).or_else(|| described(self.followed(setting))).unwrap_or_default(),
                name: name.clone(),
            });
            if depth < DEPTH_MAX {
                let inner = self.followed(setting);
                self.rows_of(inner, &format!("{name}."), depth + 1, rows);
                if let Some(Value::Object(items)) = inner.get("items") {
                    self.rows_of(self.followed(items), &format!("{name}[]."), depth + 1, rows);
                }
            }
        }
    }

    /// Returns the names of the types of a schema for the table, such as `whole number`.
    fn names(&self, schema: &Map<String, Value>, depth: usize) -> Vec<String> {
        let (target, is_named) = (self.followed(schema), schema.contains_key("$ref"));
        // The title of a property is a name for itself, that of a definition is one for a type.
        let title = target.get("title").and_then(Value::as_str).filter(|_| is_named);
        if let Some(title) = title.filter(|_| !target.contains_key("properties")) {
            return vec![title.to_owned()];
        }
        let values = self.values(target);
        if !values.is_empty() {
            return values.into_iter().map(words::shown).collect();
        }
        if let Some(all) = self.alternatives(target) {
            let all = all.into_iter().take(NAMES_MAX).filter(|_| depth < NAMES_DEPTH_MAX);
            return all.flat_map(|one| self.names(one, depth + 1)).filter(|name| name != "null").collect();
        }
        let items = target.get("items").and_then(Value::as_object).filter(|_| depth < NAMES_DEPTH_MAX);
        let named =
            types(target).into_iter().filter(|name| *name != "null").map(|name| match (name, items) {
                ("array", Some(items)) => format!("list of {}", words::joined(self.names(items, depth + 1))),
                _ => words::kind(name).trim_start_matches("a ").to_owned(),
            });
        named.collect()
    }
}
