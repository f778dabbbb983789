//! Tests of schemas that ask for too much: what comes of each, and in how many steps.

use serde_json::{Value, json};

use super::{fault, schema};
use crate::schema::budget::{Budget, STEPS_MAX};
use crate::schema::error::BYTES_MAX;
use crate::schema::{SchemaError, Setting, SettingsSchema};

const TOO_COMPLEX: SchemaError = SchemaError::TooComplex(STEPS_MAX);

const TOO_DEEP: SchemaError = SchemaError::TooDeep(128);

/// Reads a schema; returns it with the number of steps for reading it.
fn read(document: &Value) -> (Result<SettingsSchema, SchemaError>, usize) {
    let mut budget = Budget::default();
    let read = SettingsSchema::parse_within(document.to_string().as_bytes(), &mut budget);
    (read, budget.used())
}

/// Reads a schema and checks settings against it; returns the messages with the number of steps for both.
fn checked(document: &Value, settings: &Value) -> (Result<Vec<String>, SchemaError>, usize) {
    let (schema, read) = read(document);
    let mut budget = Budget::default();
    let mistakes = schema.unwrap().mistakes_within(&settings.to_string(), &mut budget);
    (mistakes, read + budget.used())
}

/// Returns this many references to a definition.
fn references(count: usize, to: &str) -> Vec<Value> {
    vec![json!({ "$ref": format!("#/$defs/{to}") }); count]
}

fn characters(row: &Setting) -> usize {
    [&row.name, &row.kind, &row.default, &row.meaning].map(|text| text.chars().count()).iter().sum()
}

#[test]
fn a_schema_that_is_too_large_or_too_deep_is_refused() {
    let large = vec![b' '; BYTES_MAX + 1];
    assert_eq!(SettingsSchema::parse(&large), Err(SchemaError::TooLarge { bytes: BYTES_MAX + 1 }));
    let mut nested = json!(true);
    for _ in 0..100 {
        nested = json!({ "not": nested });
    }
    assert!(fault(&json!({ "type": "object", "not": nested })).contains("nested more than 64 deep"));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(matches!(SettingsSchema::parse(deep.as_bytes()), Err(SchemaError::Json { .. })));
}

#[test]
fn references_that_multiply_are_too_many_steps() {
    // Each definition looks at the next one twice: two to the power of forty.
    let mut definitions: Vec<(String, Value)> = (0..40)
        .map(|n| (format!("d{n}"), json!({ "allOf": references(2, &format!("d{}", n + 1)) })))
        .collect();
    definitions.push(("d40".to_owned(), json!(true)));
    let definitions: serde_json::Map<String, Value> = definitions.into_iter().collect();
    let doubling = json!({ "type": "object", "$ref": "#/$defs/d0", "$defs": definitions });
    let endless = json!({ "type": "object", "$ref": "#" });
    assert_eq!(read(&doubling).0, Err(TOO_COMPLEX));
    assert_eq!(read(&endless).0, Err(TOO_DEEP));
    let wide: Vec<Value> = (0..5_000).map(|_| json!({ "$ref": "#/properties/a" })).collect();
    let wide = schema(&json!({ "type": "object", "properties": { "a": { "anyOf": wide } } }));
    assert_eq!(wide.rows().len(), 1);
    assert_eq!(wide.mistakes("{\"a\": 1}"), Err(TOO_DEEP));
    let deep = "it is too deep to be checked: its references lead through more than 128 schemas";
    assert_eq!(TOO_DEEP.to_string(), deep);
    assert_eq!(TOO_COMPLEX.to_string(), "it is too large to be checked: that takes more than 100000 steps");
}

#[test]
fn a_message_names_a_few_of_any_number_of_alternatives() {
    // 3,000 alternatives with 30,000 values each.
    let values: Vec<usize> = (0..30_000).collect();
    let first: Vec<String> = (0..32).map(|value| value.to_string()).collect();
    // The message of the only alternative is made, too, and then replaced by that of the whole.
    for (keyword, expected) in
        [("allOf", format!("{}, …", first.join(", "))), ("anyOf", "something else".into())]
    {
        let document = json!({
            "type": "object",
            keyword: references(1, "a"),
            "$defs": { "a": { "const": null, "anyOf": references(3_000, "b") }, "b": { "enum": values } },
        });
        let (mistakes, steps) = checked(&document, &json!({}));
        assert_eq!(mistakes, Ok(vec![format!("settings: a table, expected {expected}")]));
        assert!(steps < 20_000, "{steps}");
    }

    // 3,000 times 3,000 times 7,000 alternatives: each step of the check makes a message.
    let document = json!({
        "type": "object",
        "anyOf": references(3_000, "a"),
        "$defs": {
            "a": { "const": null, "anyOf": references(3_000, "b") },
            "b": { "anyOf": vec![json!({ "const": null }); 7_000] },
        },
    });
    assert_eq!(read(&document).0, Err(TOO_COMPLEX));

    let texts: Vec<String> = (0..15_000).map(|number| format!("v{number}")).collect();
    let fields: serde_json::Map<String, Value> =
        texts.iter().map(|text| (text.clone(), json!(true))).collect();
    for (keywords, value) in [
        (json!({ "enum": texts }), json!("v")),
        (json!({ "properties": fields, "additionalProperties": false }), json!({ "v": 1 })),
    ] {
        let document = json!({ "type": "object", "properties": { "x": keywords } });
        let (mistakes, steps) = checked(&document, &json!({ "x": value }));
        let told = mistakes.unwrap().remove(0);
        assert!(told.contains(", expected one of `v0`, `v1`") && told.ends_with("`, …"), "{told}");
        assert!(told.len() < 512 && steps < 70_000, "{steps}: {told}");
    }
}

#[test]
fn a_table_names_a_few_of_any_number_of_alternatives() {
    let values: Vec<usize> = (0..30_000).collect();
    let document = json!({
        "type": "object",
        "properties": { "x": { "anyOf": references(3_000, "b") }, "y": { "$ref": "#/$defs/b" } },
        "$defs": { "b": { "enum": values } },
    });
    let (schema, steps) = read(&document);
    assert!(steps < 20_000, "{steps}");
    let rows = schema.unwrap().rows();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row.kind.starts_with("0 | 1 | 2 | ") && row.kind.ends_with(" | 31 | …"), "{row:?}");
    }
    // Every setting leads to 10,000 others, none of which has a row.
    let others: serde_json::Map<String, Value> =
        (0..10_000).map(|n| (format!("k{n}"), json!(true))).collect();
    let settings: serde_json::Map<String, Value> =
        (0..200).map(|n| (format!("s{n}"), json!({ "$ref": "#/$defs/all" }))).collect();
    let document =
        json!({ "type": "object", "properties": settings, "$defs": { "all": { "properties": others } } });
    assert_eq!(read(&document).0, Err(TOO_COMPLEX));
}

#[test]
fn compiling_patterns_is_counted_and_each_is_compiled_once() {
    let pattern = |number: usize| format!("[^\\pL]{{3}}|\\pL{{3}}{number}");
    let with = |names: &dyn Fn(usize) -> String, count: usize| {
        let fields = (0..count).map(|n| (format!("k{n}"), json!({ "type": "string", "pattern": names(n) })));
        json!({ "type": "object", "properties": fields.collect::<serde_json::Map<String, Value>>() })
    };
    assert_eq!(read(&with(&pattern, 3_500)).0, Err(TOO_COMPLEX));
    let in_names: serde_json::Map<String, Value> = (0..3_500).map(|n| (pattern(n), json!(true))).collect();
    assert_eq!(read(&json!({ "type": "object", "patternProperties": in_names })).0, Err(TOO_COMPLEX));

    let (few, steps) = read(&with(&|_| pattern(1), 350));
    assert!(steps < 20_000, "{steps}");
    let wrong = r#"{"k7": "a", "k8": "ab\u00e41"}"#;
    let told = few.unwrap().mistakes(wrong).unwrap().remove(0);
    assert_eq!(told, r#"settings: k7: the text "a" does not match the pattern [^\pL]{3}|\pL{3}1"#);
    // Small programs of long patterns: reading a class takes longer than compiling it.
    let long = |number: usize| format!("[{}]{number}", "ab".repeat(450));
    assert_eq!(read(&with(&long, 6)).0, Err(TOO_COMPLEX));
}

#[test]
fn matching_long_texts_is_counted() {
    let pattern = "^(\\w+\\.)+\\w+$";
    let document = json!({ "type": "object", "properties": { "x": { "items": { "pattern": pattern } } } });
    let schema = schema(&document);
    let name = "provost.example.org";
    assert_eq!(schema.mistakes(&json!({ "x": vec![name; 50] }).to_string()), Ok(Vec::new()));
    let long = format!("{}!", "a.".repeat(50_000));
    assert_eq!(schema.mistakes(&json!({ "x": [long] }).to_string()), Err(TOO_COMPLEX));
}

#[test]
fn long_texts_of_a_schema_are_cut_wherever_they_are_shown() {
    let long = "\u{1b}[31mä".repeat(2_000);
    let mut shown = Vec::new();
    for (keywords, value) in [
        (json!({ "enum": [long] }), json!(1)),
        (json!({ "enum": [[long, long], { &long: long }] }), json!(1)),
        (json!({ "pattern": "^a$", "title": long, "examples": [long] }), json!("b")),
        (json!({ "type": "object", "required": [long] }), json!({})),
        (json!({ "properties": { &long: true }, "additionalProperties": false }), json!({ "a": 1 })),
    ] {
        let document = json!({
            "type": "object",
            "properties": { "x": { "$ref": "#/$defs/x" }, &long: { "default": long, "description": long } },
            "$defs": { "x": keywords },
        });
        let (mistakes, steps) = checked(&document, &json!({ "x": value }));
        shown.push(mistakes.unwrap().remove(0));
        assert!(steps < 10_000, "{steps}");
        assert!(schema(&document).rows().iter().all(|row| characters(row) < 1_000));
    }
    for keywords in [
        json!({ "type": long }),
        json!({ "$ref": format!("#/{long}") }),
        json!({ "$ref": "#/title", "title": long }),
        json!({ &long: 1, "properties": { &long: { "properties": { &long: 1 } } } }),
    ] {
        shown.push(fault(&json!({ "type": "object", "properties": { "x": keywords } })));
    }
    for text in shown {
        assert!(text.chars().count() < 1_000, "{text}");
    }
}

#[test]
fn a_reference_may_lead_anywhere_and_what_it_leads_to_is_examined() {
    let of = |target: Value| json!({ "type": "object", "$ref": "#/components/own", "components": { "own": target } });
    let found = schema(&of(json!({ "properties": { "x": { "pattern": "^a$" } } })));
    assert_eq!(found.mistakes(r#"{"x": "a"}"#), Ok(Vec::new()));
    assert!(!found.mistakes(r#"{"x": "b"}"#).unwrap().is_empty());
    assert_eq!(
        fault(&of(json!({ "properties": { "x": { "pattern": "(" } } }))),
        "/components/own/properties/x/pattern: this pattern cannot be used: unclosed group"
    );
}
