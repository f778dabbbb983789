//! The OpenAPI document: it is the committed one, and the golden files of all replies and bodies have its schemas.

use std::path::{Path, PathBuf};

use provost_state::Cause;
use serde_json::Value;

use crate::harness::Host;
use crate::http::ask;

fn top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn document() -> Value {
    serde_json::from_str(&provost_control::openapi_document()).unwrap()
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let (path, made) = (top("docs/openapi.json"), provost_control::openapi_document());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == made, "docs/openapi.json is old: run this test with UPDATE_OPENAPI=1 and commit it");
}

/// Looks for what a value has that its schema does not allow. Stricter than JSON Schema: a field that the schema does not have
/// is refused unless the schema is that of a map.
fn wrong(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return wrong(document, target.unwrap(), value, at);
    }
    if let Some(either) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let none = either.iter().all(|one| wrong(document, one, value, at).is_some());
        return none.then(|| format!("{at} is none of {either:?}: {value}"));
    }
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let matches = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => schema == true || schema.get("enum").is_some() || schema.get("const").is_some(),
    };
    if !matches {
        return Some(format!("{at} is not {}: {value}", schema["type"]));
    }
    let is_listed = |list: &Value| list.as_array().is_none_or(|list| list.contains(value));
    if !is_listed(&schema["enum"]) {
        return Some(format!("{at} is not one of {}: {value}", schema["enum"]));
    }
    let too_small = schema["minimum"].as_f64().zip(value.as_f64()).is_some_and(|(least, it)| it < least);
    if too_small {
        return Some(format!("{at} is less than {}: {value}", schema["minimum"]));
    }
    if let Some(items) = value.as_array() {
        return items.iter().find_map(|item| wrong(document, &schema["items"], item, &format!("{at}[]")));
    }
    let object = value.as_object()?;
    let missing = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|key| !object.contains_key(key.as_str().unwrap()));
    if let Some(key) = missing {
        return Some(format!("{at} has no {key}"));
    }
    object.iter().find_map(|(key, value)| {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(schema), _) => wrong(document, schema, value, &at),
            (None, Some(schema)) if schema != false => match schema == true {
                true => None,
                false => wrong(document, schema, value, &at),
            },
            (None, _) => Some(format!("{at} is not described")),
        }
    })
}

#[test]
fn every_golden_reply_and_body_has_its_schema() {
    let document = document();
    let mut unused: Vec<String> = std::fs::read_dir(top("host/api/tests/golden"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
        .collect();
    for (golden, schema) in [
        ("ping", "Ping"),
        ("liveness", "Liveness"),
        ("readiness", "Readiness"),
        ("error", "Problem"),
        ("status", "Status"),
        ("events", "Event"),
        ("logs", "LogItem"),
        ("explain", "Explanation"),
        ("process", "ProcessDetail"),
        ("groups", "GroupList"),
        ("dependencies", "Dependencies"),
        ("usage", "UsageList"),
        ("outcome", "Outcome"),
        ("difference", "Difference"),
        ("reload", "ReloadStep"),
        ("scaled", "Scaled"),
        ("state_core", "StateCore"),
        ("plugins", "PluginList"),
        ("plugin_changed", "PluginChanged"),
        ("blame", "Blame"),
        ("views", "ViewList"),
        ("ended", "Ended"),
        ("process_order", "ProcessOrder"),
        ("plugin_order", "PluginOrder"),
        ("reload_order", "ReloadOrder"),
        ("scale_order", "ScaleOrder"),
        ("state_change", "StateChange"),
        ("shutdown", "Shutdown"),
    ] {
        unused.retain(|name| name != golden);
        let text = std::fs::read_to_string(top(&format!("host/api/tests/golden/{golden}.json"))).unwrap();
        let schema = &document["components"]["schemas"][schema];
        assert!(schema.is_object(), "{golden} has no schema");
        for line in text.lines() {
            let value = serde_json::from_str(line).unwrap();
            assert_eq!(wrong(&document, schema, &value, golden), None);
        }
    }
    assert!(unused.is_empty(), "{unused:?} have no schema here");
}

#[test]
fn a_reply_that_differs_from_its_schema_is_noticed() {
    let document = document();
    let schema = &document["components"]["schemas"]["Ping"];
    for (reply, expected) in [
        (r#"{"pid": 1, "version": "1"}"#, None),
        (r#"{"pid": -1, "version": "1"}"#, Some("ping.pid is less than 0: -1")),
        (r#"{"pid": "1", "version": "1"}"#, Some("ping.pid is not \"integer\": \"1\"")),
        (r#"{"pid": 1}"#, Some("ping has no \"version\"")),
        (r#"{"pid": 1, "version": "1", "more": 2}"#, Some("ping.more is not described")),
    ] {
        let value = serde_json::from_str(reply).unwrap();
        assert_eq!(wrong(&document, schema, &value, "ping").as_deref(), expected);
    }
}

#[tokio::test]
async fn every_described_request_is_answered_and_the_document_is_served() {
    let host = Host::start(vec![]);
    let served = ask(&host, "GET", "/openapi.json", "").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert!(served.body == provost_control::openapi_document());
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for parameter in operation["parameters"].as_array().unwrap() {
                assert_ne!(parameter["description"], "", "{method} {path} {}", parameter["name"]);
            }
            // A body that is refused, so that nothing is done.
            let path = path.replace("{name}", "nobody").replace("{path}", "x");
            let answer = ask(&host, &method.to_uppercase(), &path, "[]").await;
            let is_there =
                !answer.body.contains("unknown_path") && !answer.body.contains("method_not_allowed");
            assert!(is_there, "{method} {path}: {}", answer.body);
        }
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}
