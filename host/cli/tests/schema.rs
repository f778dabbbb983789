//! The published JSON Schema, the reader of the config and the quickstart know the same keys.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use provost::config::{Config, SourceFile};
use serde_json::Value;

fn top(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn schema() -> Value {
    serde_json::from_str(&std::fs::read_to_string(top("docs/provost.schema.json")).unwrap()).unwrap()
}

fn keys(properties: &Value) -> BTreeSet<String> {
    properties["properties"].as_object().unwrap().keys().cloned().collect()
}

/// The keys that the reader names when it is given one that it does not know.
fn known(text: &str) -> BTreeSet<String> {
    let source = SourceFile { path: "x.toml".into(), text: text.into() };
    let problems = Config::parse(source).expect_err("zzzzzzzzzzzz is unknown");
    let problem = problems.list.iter().find(|problem| problem.what.contains("zzzzzzzzzzzz")).unwrap();
    let (_, list) = problem.hint.split_once("keys here: ").unwrap();
    list.split(", ").map(|key| key.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_schema_has_exactly_the_keys_of_the_reader() {
    let schema = schema();
    let process = &schema["$defs"]["process"];
    let plugin = &schema["$defs"]["plugin"];
    for (text, properties) in [
        ("zzzzzzzzzzzz = 1", &schema),
        ("host.zzzzzzzzzzzz = 1", &schema["properties"]["host"]),
        ("journal.zzzzzzzzzzzz = 1", &schema["properties"]["journal"]),
        ("state.zzzzzzzzzzzz = 1", &schema["properties"]["state"]),
        ("api.zzzzzzzzzzzz = 1", &schema["properties"]["api"]),
        ("api.tls.zzzzzzzzzzzz = 1", &schema["properties"]["api"]["properties"]["tls"]),
        ("plugins.a.zzzzzzzzzzzz = 1", plugin),
        ("plugins.a.limits.zzzzzzzzzzzz = 1", &plugin["properties"]["limits"]),
        ("plugins.a.quarantine.zzzzzzzzzzzz = 1", &plugin["properties"]["quarantine"]),
        (
            "host.restart_budget.zzzzzzzzzzzz = 1",
            &schema["properties"]["host"]["properties"]["restart_budget"],
        ),
        ("process.a.zzzzzzzzzzzz = 1", process),
        ("process.a.stop.zzzzzzzzzzzz = 1", &process["properties"]["stop"]),
        ("process.a.ready.zzzzzzzzzzzz = 1", &process["properties"]["ready"]),
        ("process.a.health.zzzzzzzzzzzz = 1", &process["properties"]["health"]),
        ("process.a.replicas.zzzzzzzzzzzz = 1", &process["properties"]["replicas"]["oneOf"][1]),
        ("process.a.limits.zzzzzzzzzzzz = 1", &process["properties"]["limits"]),
        ("process.a.capabilities.zzzzzzzzzzzz = 1", &process["properties"]["capabilities"]["oneOf"][1]),
        ("process.a.cgroup.zzzzzzzzzzzz = 1", &process["properties"]["cgroup"]),
        ("process.a.logs.zzzzzzzzzzzz = 1", &process["properties"]["logs"]),
    ] {
        assert_eq!(known(text), keys(properties), "{text}");
    }
}

#[test]
fn the_config_in_the_readme_is_valid() {
    let readme = std::fs::read_to_string(top("README.md")).unwrap();
    let text = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let config = Config::parse(SourceFile { path: top("provost.toml"), text })
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.process_names().collect::<Vec<_>>(), ["web", "migrate"]);
}

#[test]
fn the_quickstart_is_valid_and_its_keys_are_in_the_schema() {
    let path = top("examples/quickstart.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let config = Config::parse(SourceFile { path, text: text.clone() })
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.process_names().collect::<Vec<_>>(), ["migrate", "web", "worker"]);

    let schema = schema();
    let document: toml::Table = toml::from_str(&text).unwrap();
    for (section, properties) in [("plugins", "plugin"), ("process", "process")] {
        let known = keys(&schema["$defs"][properties]);
        for (name, one) in document[section].as_table().unwrap() {
            for key in one.as_table().unwrap().keys() {
                assert!(known.contains(key), "{section}.{name}.{key}");
            }
        }
    }
}
