//! Schemas of arguments and results, as validators of clients take them.

use std::sync::Arc;

use rmcp::handler::server::tool::{schema_for_input, schema_for_output};
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde_json::Value;

/// Returns the schema of the arguments of a tool.
pub(super) fn of_input<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    // Arguments are structs, whose schema is one of an object.
    Arc::new(plain(schema_for_input::<T>().unwrap_or_default()))
}

/// Returns the schema of the result of a tool.
pub(super) fn of_output<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    Arc::new(plain(schema_for_output::<T>()))
}

/// Removes formats such as `uint64`, which strict validators refuse because JSON Schema does not have them.
fn plain(schema: Arc<JsonObject>) -> JsonObject {
    let mut schema = Arc::unwrap_or_clone(schema);
    schema.values_mut().for_each(without_formats);
    schema
}

fn without_formats(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("format").is_some_and(Value::is_string) {
                object.remove("format");
            }
            object.values_mut().for_each(without_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(without_formats),
        _ => {}
    }
}
