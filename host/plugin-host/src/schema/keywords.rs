//! The keywords of JSON Schema that are checked, and what each has to be. Others, such as `format`, are left to editors.

use serde_json::Value;

use super::words;

/// The names of the types.
pub(super) const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "object", "array", "null"];

/// What a keyword has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A schema.
    Schema,
    /// A list of schemas, at least one.
    Schemas,
    /// An object of schemas.
    Named,
    /// The name of a type, or a list of them.
    Types,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// A list of values.
    Values,
    /// A number.
    Number,
    /// A whole number from 0 on.
    Count,
    /// `true` or `false`.
    Flag,
    /// A regular expression.
    Pattern,
    /// The place of another schema in the same document.
    Reference,
}

/// The keywords with their shapes.
const KEYWORDS: [(&str, Shape); 36] = [
    ("$defs", Shape::Named),
    ("$ref", Shape::Reference),
    ("additionalProperties", Shape::Schema),
    ("allOf", Shape::Schemas),
    ("anyOf", Shape::Schemas),
    ("contains", Shape::Schema),
    ("definitions", Shape::Named),
    ("description", Shape::Text),
    ("else", Shape::Schema),
    ("enum", Shape::Values),
    ("examples", Shape::Values),
    ("exclusiveMaximum", Shape::Number),
    ("exclusiveMinimum", Shape::Number),
    ("if", Shape::Schema),
    ("items", Shape::Schema),
    ("maxItems", Shape::Count),
    ("maxLength", Shape::Count),
    ("maxProperties", Shape::Count),
    ("maximum", Shape::Number),
    ("minItems", Shape::Count),
    ("minLength", Shape::Count),
    ("minProperties", Shape::Count),
    ("minimum", Shape::Number),
    ("multipleOf", Shape::Number),
    ("not", Shape::Schema),
    ("oneOf", Shape::Schemas),
    ("pattern", Shape::Pattern),
    ("patternProperties", Shape::Named),
    ("prefixItems", Shape::Schemas),
    ("properties", Shape::Named),
    ("propertyNames", Shape::Schema),
    ("required", Shape::Texts),
    ("then", Shape::Schema),
    ("title", Shape::Text),
    ("type", Shape::Types),
    ("uniqueItems", Shape::Flag),
];

impl Shape {
    /// Returns the shape of a keyword that is known.
    pub(super) fn of(keyword: &str) -> Option<Self> {
        KEYWORDS.iter().find(|(name, _)| *name == keyword).map(|(_, shape)| *shape)
    }

    /// Returns what is wrong with the value of a keyword of this shape. The schemas and the patterns in it are not looked at.
    pub(super) fn fault(self, value: &Value) -> Option<String> {
        let of_texts = |list: &Vec<Value>| list.iter().all(Value::is_string);
        let good = match self {
            Self::Schema => value.is_object() || value.is_boolean(),
            Self::Schemas => value.as_array().is_some_and(|list| !list.is_empty()),
            Self::Named => value.is_object(),
            Self::Types => return types_fault(value),
            Self::Text => value.is_string(),
            Self::Texts => value.as_array().is_some_and(of_texts),
            Self::Values => value.is_array(),
            Self::Number => value.is_number(),
            Self::Count => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Pattern => value.is_string(),
            Self::Reference => value.as_str().is_some_and(|to| to.starts_with('#')),
        };
        (!good).then(|| format!("expected {}", self.words()))
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Schema => "a schema: an object, true or false",
            Self::Schemas => "a list of schemas that is not empty",
            Self::Named => "an object whose values are schemas",
            Self::Types => "the name of a type, or a list of them",
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Values => "a list",
            Self::Number => "a number",
            Self::Count => "a whole number from 0 on",
            Self::Flag => "true or false",
            Self::Pattern => "a regular expression",
            Self::Reference => "a place in this file, such as \"#/$defs/NAME\"",
        }
    }
}

fn types_fault(value: &Value) -> Option<String> {
    let names = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    names.iter().find_map(|name| match name.as_str() {
        Some(name) if TYPES.contains(&name) => None,
        Some(name) => {
            Some(format!("there is no type {:?}; the types are {}", words::name(name), TYPES.join(", ")))
        }
        None => Some(format!("expected {}", Shape::Types.words())),
    })
}
