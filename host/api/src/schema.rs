//! What the schemas of several types have in common.

use schemars::Schema;
use serde_json::Value;

/// Makes all fields of an object optional: a request can choose some of them.
pub(crate) fn all_optional(schema: &mut Schema) {
    schema.remove("required");
}

/// Makes all fields of an object optional but those before the first field that can be chosen.
pub(crate) fn optional_from(schema: &mut Schema, first: &str) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        let end = required.iter().position(|field| field == first).unwrap_or(required.len());
        required.truncate(end);
    }
}

/// Implements the schema of a type that is written as an object of another type.
macro_rules! schema_as {
    ($name:ident, $object:ty) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$object>::json_schema(generator)
            }
        }
    };
}

pub(crate) use schema_as;
