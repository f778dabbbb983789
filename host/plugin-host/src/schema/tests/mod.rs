//! Tests of schemas: which are valid, which settings fit, and (in `hostile`) how much a hostile one may ask for.

use serde_json::{Value, json};

use super::*;

mod hostile;

fn schema(document: &Value) -> SettingsSchema {
    SettingsSchema::parse(document.to_string().as_bytes()).unwrap()
}

fn fault(document: &Value) -> String {
    SettingsSchema::parse(document.to_string().as_bytes()).unwrap_err().to_string()
}

/// A schema as the SDK derives it.
fn sample() -> SettingsSchema {
    schema(&json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["url"],
        "properties": {
            "url": { "type": "string", "minLength": 3, "description": "Where to." },
            "tries": { "type": "integer", "minimum": 0, "maximum": 9, "default": 5, "description": "How often." },
            "pause": { "$ref": "#/$defs/Duration", "default": "500ms", "description": "The first delay." },
            "on": { "$ref": "#/$defs/On", "default": "failure" },
            "rest": { "anyOf": [{ "$ref": "#/$defs/Duration" }, { "type": "null" }], "default": null },
            "rules": { "type": "array", "items": { "$ref": "#/$defs/Rule" }, "maxItems": 2, "default": [] },
            "hours": { "type": "array", "prefixItems": [{ "type": "integer" }, { "type": "integer" }], "minItems": 2, "maxItems": 2 },
            "share": { "type": ["number", "null"], "exclusiveMaximum": 1 },
        },
        "$defs": {
            "Duration": {
                "title": "duration", "type": ["string", "integer"], "pattern": "^([0-9]+(ms|s|m))+$", "minimum": 0,
                "examples": ["100ms", "5s"],
            },
            "On": { "oneOf": [{ "const": "always", "description": "Each." }, { "const": "failure" }, { "const": "never" }] },
            "Rule": {
                "type": "object",
                "additionalProperties": false,
                "required": ["then"],
                "properties": { "then": { "enum": ["restart", "give-up"] }, "codes": { "type": "array", "items": { "type": "integer" } } },
            },
        },
    }))
}

#[test]
fn settings_that_fit_have_no_mistake() {
    let schema = sample();
    for settings in [
        json!({ "url": "abc" }),
        json!({ "url": "abc", "tries": 9, "pause": "1s500ms", "on": "never", "rest": null, "share": 0.5 }),
        json!({ "url": "abc", "pause": 250, "rest": "5s", "hours": [8, 18], "share": null, "tries": 3.0 }),
        json!({ "url": "abc", "rules": [{ "then": "restart", "codes": [1, 2] }, { "then": "give-up" }] }),
    ] {
        assert_eq!(schema.mistakes(&settings.to_string()), Ok(Vec::new()), "{settings}");
    }
    assert_eq!(schema.mistakes("not JSON"), Ok(Vec::new()), "the component is asked");
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_expected() {
    let schema = sample();
    for (settings, told) in [
        (json!({}), "settings: missing field `url`"),
        (json!([]), "settings: a list, expected a table"),
        (
            json!({ "url": "abc", "trise": 3 }),
            "settings: trise: unknown field `trise`, expected one of `hours`, `on`, `pause`, `rest`, `rules`, `share`, `tries`, `url`",
        ),
        (json!({ "url": 5 }), "settings: url: the number 5, expected a text"),
        (json!({ "url": "ab" }), "settings: url: expected at least 3 characters, not 2"),
        (
            json!({ "url": "abc", "tries": "two" }),
            "settings: tries: the text \"two\", expected a whole number",
        ),
        (json!({ "url": "abc", "tries": 2.5 }), "settings: tries: the number 2.5, expected a whole number"),
        (json!({ "url": "abc", "tries": 10 }), "settings: tries: the number 10, expected at most 9"),
        (json!({ "url": "abc", "tries": -1 }), "settings: tries: the number -1, expected at least 0"),
        (
            json!({ "url": "abc", "pause": "soon" }),
            "settings: pause: the text \"soon\" is not a valid duration, such as \"100ms\" or \"5s\"",
        ),
        (
            json!({ "url": "abc", "pause": true }),
            "settings: pause: true is not a valid duration, such as \"100ms\" or \"5s\"",
        ),
        (
            json!({ "url": "abc", "on": "somtimes" }),
            "settings: on: the text \"somtimes\", expected one of `always`, `failure`, `never`",
        ),
        (json!({ "url": "abc", "rest": [] }), "settings: rest: a list, expected a text or a whole number"),
        (json!({ "url": "abc", "hours": [8] }), "settings: hours: expected at least 2 elements, not 1"),
        (
            json!({ "url": "abc", "hours": [8, "x"] }),
            "settings: hours[1]: the text \"x\", expected a whole number",
        ),
        (
            json!({ "url": "abc", "rules": [{ "then": "restart" }, {}] }),
            "settings: rules[1]: missing field `then`",
        ),
        (
            json!({ "url": "abc", "rules": [{ "then": "stop" }] }),
            "settings: rules[0].then: the text \"stop\", expected `restart` or `give-up`",
        ),
        (
            json!({ "url": "abc", "rules": [{ "then": "restart", "code": 1 }] }),
            "settings: rules[0].code: unknown field `code`, expected `codes` or `then`",
        ),
        (json!({ "url": "abc", "share": 1 }), "settings: share: the number 1, expected less than 1"),
    ] {
        assert_eq!(schema.mistakes(&settings.to_string()), Ok(vec![told.to_owned()]), "{settings}");
    }
}

#[test]
fn all_mistakes_are_told_each_once_and_at_most_twenty() {
    let schema = sample();
    let told = |settings: Value| schema.mistakes(&settings.to_string()).unwrap();
    let several = told(json!({
        "tries": 10,
        "trise": 3,
        "on": "somtimes",
        "hours": ["x", "y"],
        "rules": [{ "then": "stop", "code": 1 }, {}],
    }));
    let places: Vec<&str> = several
        .iter()
        .map(|mistake| mistake["settings: ".len()..].split([':', ' ']).next().unwrap())
        .collect();
    let expected = [
        "hours[0]",
        "hours[1]",
        "on",
        "rules[0].code",
        "rules[0].then",
        "rules[1]",
        "tries",
        "trise",
        "missing",
    ];
    assert_eq!(places, expected, "{several:?}");
    let many: serde_json::Map<String, Value> = (0..100).map(|n| (format!("k{n}"), json!(1))).collect();
    assert_eq!(told(Value::Object(many)).len(), 20);

    // One that is wrong by two schemas is told once, and what need not fit is none.
    let twice = self::schema(&json!({
        "type": "object",
        "properties": { "a": { "type": "null" }, "b": { "anyOf": [{ "type": "integer" }, { "items": { "type": "integer" } }] } },
        "patternProperties": { "^a": { "type": "null" } },
    }));
    let found = twice.mistakes(r#"{"a": 1, "b": ["x", "y"]}"#).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("settings: b[0]: "), "{found:?}");
}

#[test]
fn mistakes_that_were_found_are_told_even_if_finding_others_takes_too_long() {
    let references = |to: &str| vec![json!({ "$ref": format!("#/$defs/{to}") }); 3_000];
    let schema = schema(&json!({
        "type": "object",
        "properties": { "a": { "type": "integer" }, "b": { "anyOf": references("a") } },
        "$defs": { "a": { "anyOf": references("b") }, "b": { "const": 5 } },
    }));
    let mistakes = |settings: &str| schema.mistakes(settings);
    assert_eq!(
        mistakes(r#"{"a": "x", "b": 1}"#),
        Ok(vec!["settings: a: the text \"x\", expected a whole number".to_owned()])
    );
    assert!(mistakes(r#"{"b": 1}"#).is_err());
}

#[test]
fn the_other_keywords_are_checked_as_well() {
    for (keywords, good, bad, told) in [
        (json!({ "const": 3 }), json!(3.0), json!(4), "the number 4, expected 3"),
        (json!({ "multipleOf": 5 }), json!(10), json!(11), "expected a multiple of 5"),
        (json!({ "exclusiveMinimum": 1 }), json!(2), json!(1), "expected more than 1"),
        (json!({ "maxLength": 1 }), json!("ä"), json!("ab"), "expected at most 1 character, not 2"),
        (json!({ "pattern": "^a" }), json!("ab"), json!("b"), "does not match the pattern ^a"),
        (json!({ "uniqueItems": true }), json!([1, 2]), json!([1, 1]), "x[1]: it is in the list already"),
        (json!({ "contains": { "const": 1 } }), json!([2, 1]), json!([2]), "is missing"),
        (json!({ "not": { "type": "null" } }), json!(1), json!(null), "null is not allowed here"),
        (json!({ "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }), json!(2), json!(3), "at most 2"),
        (json!({ "oneOf": [{ "minimum": 1 }, { "maximum": 2 }] }), json!(3), json!(2), "more than one"),
        (
            json!({ "anyOf": [{ "type": "boolean" }, { "type": "array" }] }),
            json!([]),
            json!(2),
            "true or false or a list",
        ),
        (
            json!({ "if": { "minimum": 5 }, "then": { "maximum": 6 }, "else": { "maximum": 1 } }),
            json!(6),
            json!(2),
            "at most 1",
        ),
        (json!({ "minProperties": 1 }), json!({ "a": 1 }), json!({}), "expected at least 1 key, not 0"),
        (
            json!({ "propertyNames": { "maxLength": 1 } }),
            json!({ "a": 1 }),
            json!({ "ab": 1 }),
            "x.ab: expected at most 1 character, not 2",
        ),
        (
            json!({ "additionalProperties": { "type": "integer" } }),
            json!({ "a": 1 }),
            json!({ "a": "b" }),
            "x.a: the text",
        ),
        (
            json!({ "patternProperties": { "^x-": { "type": "integer" } }, "additionalProperties": false }),
            json!({ "x-a": 1 }),
            json!({ "y": 1 }),
            "x.y: unknown field `y`, expected none",
        ),
        (json!(false), json!(null), json!(1), "nothing may be here"),
    ] {
        let is_false = keywords == json!(false);
        let schema = schema(&json!({ "type": "object", "properties": { "x": keywords } }));
        let mistakes = |value: &Value| schema.mistakes(&json!({ "x": value }).to_string()).unwrap();
        assert!(is_false || mistakes(&good).is_empty(), "{keywords}: {:?}", mistakes(&good));
        let found = mistakes(&bad).concat();
        assert!(found.contains(told), "{keywords}: {found}");
    }
}

#[test]
fn a_document_that_is_no_schema_of_an_object_is_refused_with_the_place() {
    let in_property =
        |keywords: Value| fault(&json!({ "type": "object", "properties": { "a/b": keywords } }));
    for (told, expected) in [
        (fault(&json!([])), "/: expected a schema: an object, true or false"),
        (fault(&json!({})), "/: settings are an object: add \"type\": \"object\""),
        (fault(&json!({ "type": "array" })), "/type: settings are an object: it has to be \"object\""),
        (
            in_property(json!({ "type": "strnig" })),
            "/properties/a~1b/type: there is no type \"strnig\"; the types are string, ",
        ),
        (in_property(json!({ "minimum": "1" })), "/properties/a~1b/minimum: expected a number"),
        (
            in_property(json!({ "minLength": -1 })),
            "/properties/a~1b/minLength: expected a whole number from 0 on",
        ),
        (
            in_property(json!({ "pattern": "(" })),
            "/properties/a~1b/pattern: this pattern cannot be used: unclosed group",
        ),
        (
            in_property(json!({ "pattern": "a{1000}{1000}" })),
            "/properties/a~1b/pattern: this pattern cannot be used: ",
        ),
        (
            in_property(json!({ "pattern": "a".repeat(1_001) })),
            "the pattern has 1001 bytes, and at most 1000 are allowed",
        ),
        (in_property(json!({ "anyOf": [] })), "/properties/a~1b/anyOf: expected a list of schemas"),
        (in_property(json!({ "anyOf": [true, 1] })), "/properties/a~1b/anyOf/1: expected a schema"),
        (
            in_property(json!({ "$ref": "#/$defs/X" })),
            "/properties/a~1b/$ref: there is no \"#/$defs/X\" in it",
        ),
        (in_property(json!({ "$ref": "https://example.org/x" })), "expected a place in this file"),
        (in_property(json!({ "patternProperties": { "(": true } })), "this pattern cannot be used"),
    ] {
        assert!(told.starts_with(expected) || told.contains(expected), "{told}");
    }
    let text = b"{\n  \"type\": object\n}";
    assert_eq!(
        SettingsSchema::parse(text).unwrap_err().to_string(),
        "line 2, column 11: it is not JSON: expected value"
    );
}

#[test]
fn the_table_has_each_setting_with_its_type_its_default_and_its_meaning() {
    let rows: Vec<String> = sample()
        .rows()
        .into_iter()
        .map(|row| format!("{} | {} | {} | {}", row.name, row.kind, row.default, row.meaning))
        .collect();
    assert_eq!(
        rows,
        [
            "hours | list |  | ",
            "on | \"always\" | \"failure\" | \"never\" | \"failure\" | ",
            "pause | duration | \"500ms\" | The first delay.",
            "rest | duration |  | ",
            "rules | list of table | [] | ",
            "rules[].codes | list of whole number |  | ",
            "rules[].then | \"restart\" | \"give-up\" | required | ",
            "share | number |  | ",
            "tries | whole number | 5 | How often.",
            "url | text | required | Where to.",
        ]
    );
}

/// Returns a component with nothing in it but custom sections.
fn component(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for (name, content) in sections {
        let section = [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), content].concat();
        bytes.push(0);
        let mut size = section.len();
        while size >= 0x80 {
            bytes.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
            size >>= 7;
        }
        bytes.push(u8::try_from(size).unwrap());
        bytes.extend(section);
    }
    bytes
}

#[test]
fn the_section_of_a_component_is_read_back_as_it_was_written() {
    let sample = sample();
    let section = sample.to_section();
    let one = component(&[("name", b"x"), (SECTION, &section), ("other", b"")]);
    assert_eq!(SettingsSchema::of_component(&one), Ok(Some(sample)));
    assert_eq!(SettingsSchema::of_component(&component(&[("name", b"x")])), Ok(None));
    let two = component(&[(SECTION, &section), (SECTION, b"{}")]);
    assert_eq!(SettingsSchema::of_component(&two), Err(SchemaError::Several(2)));
    assert!(SettingsSchema::of_component(&component(&[(SECTION, b"{")])).is_err());
    for end in 0..one.len() {
        let _ = SettingsSchema::of_component(&one[..end]);
    }
    assert_eq!(SettingsSchema::of_component(b""), Ok(None));
}
