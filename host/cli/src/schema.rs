//! The JSON Schema of a config, as editors use it. The settings of a plugin may be anything in it, or what its component describes.

use std::sync::Arc;

use provost_plugin_host::SettingsSchema;
use serde_json::{Value, json};

/// The schema of every config.
const PUBLISHED: &str = include_str!("../../../docs/provost.schema.json");

/// Returns the schema of a config with plugins that have these settings.
///
/// # Errors
/// The published schema is not JSON, which a test excludes.
pub(crate) fn of_config(settings: &[(Arc<str>, SettingsSchema)]) -> Result<Value, serde_json::Error> {
    let mut schema: Value = serde_json::from_str(PUBLISHED)?;
    for (plugin, described) in settings {
        let name = format!("settings.{plugin}");
        let place = format!("#/$defs/{name}");
        let mut described = described.document().clone();
        if let Some(keywords) = described.as_object_mut() {
            // It is a part of another document now.
            keywords.remove("$schema");
            keywords.remove("$id");
        }
        moved(&mut described, &place);
        schema["$defs"][name.as_str()] = described;
        schema["properties"]["plugins"]["properties"][&**plugin] = json!({
            "allOf": [{ "$ref": "#/$defs/plugin" }],
            "properties": { "settings": { "$ref": place } },
        });
    }
    Ok(schema)
}

/// Prefixes all references of a schema that has moved to `place`.
fn moved(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                match value {
                    Value::String(to) if keyword == "$ref" => {
                        if let Some(rest) = to.strip_prefix('#') {
                            *to = format!("{place}{rest}");
                        }
                    }
                    // The values of these keywords are not schemas.
                    _ if matches!(keyword.as_str(), "default" | "enum" | "const" | "examples") => {}
                    value => moved(value, place),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| moved(one, place)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_plugin_are_described_where_a_config_has_them() {
        let own = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": { "pause": { "$ref": "#/$defs/Span", "default": { "$ref": "#" } } },
            "$defs": { "Span": { "type": "string" } },
        });
        let described = SettingsSchema::parse(own.to_string().as_bytes()).unwrap();
        let schema = of_config(&[("night.watch".into(), described)]).unwrap();
        let plugin = &schema["properties"]["plugins"]["properties"]["night.watch"];
        assert_eq!(plugin["allOf"][0]["$ref"], "#/$defs/plugin");
        assert_eq!(plugin["properties"]["settings"]["$ref"], "#/$defs/settings.night.watch");
        let moved = &schema["$defs"]["settings.night.watch"];
        assert_eq!(moved["properties"]["pause"]["$ref"], "#/$defs/settings.night.watch/$defs/Span");
        assert_eq!(moved["properties"]["pause"]["default"]["$ref"], "#", "a value is left as it is");
        assert_eq!(schema.pointer("/$defs/settings.night.watch/$defs/Span/type"), Some(&json!("string")));
        assert!(moved.get("$schema").is_none());
        assert!(schema["properties"]["plugins"]["properties"]["keys"].is_object(), "what was there is kept");
    }

    #[test]
    fn without_plugins_it_is_the_published_schema() {
        let published: Value = serde_json::from_str(PUBLISHED).unwrap();
        assert_eq!(of_config(&[]).unwrap(), published);
    }
}
