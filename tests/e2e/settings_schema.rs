//! The JSON Schema of a plugin's settings, which its component carries: `plugin inspect` shows it, `validate` and a running host check
//! settings against it, and `schema` has it for editors. The policy of these tests checks nothing itself.

use std::fs;

use provost_plugin_host::SETTINGS_SCHEMA_SECTION;
use provost_tests::{Setup, components, eventually};
use serde_json::{Value, json};

use crate::PROVOST;

const SCHEMA: &str = r##"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "tries": { "type": "integer", "minimum": 1, "default": 5, "description": "The number of tries." },
    "on": { "enum": ["always", "failure", "never"], "default": "failure", "description": "After which ends." },
    "pause": { "$ref": "#/$defs/Duration", "default": "1s" },
    "rules": { "type": "array", "items": { "type": "object", "additionalProperties": false, "properties": { "code": { "type": "integer" } } } }
  },
  "$defs": { "Duration": { "title": "duration", "type": "string", "pattern": "^[0-9]+(ms|s)$", "examples": ["100ms"] } }
}"##;

/// A folder with a policy that carries this schema, and a config with these lines about its settings.
fn with(schema: &str, settings: &str) -> Setup {
    let config = format!(
        "[plugins.quiet]\ncomponent = \"quiet.wasm\"\n{settings}\n[process.web]\ncommand = \"exec sleep 1000\"\npolicies = [\"quiet\"]\n"
    );
    let setup = Setup::new(PROVOST, &config);
    let component =
        components::with_section(components::good_policy(), SETTINGS_SCHEMA_SECTION, schema.as_bytes());
    fs::write(setup.dir().join("quiet.wasm"), component).unwrap();
    setup
}

#[test]
fn validate_points_at_the_wrong_setting_of_a_component_that_checks_nothing() {
    for (settings, place, what, hint) in [
        (
            "settings = { tires = 3 }",
            "3:14",
            "unknown field `tires`",
            "did you mean `tries`? settings of this plugin: `on`, `pause`, `rules`, `tries`",
        ),
        (
            "[plugins.quiet.settings]\ntries = \"x\"",
            "4:1",
            "tries: the text \"x\", expected a whole number",
            "plugin inspect",
        ),
        (
            "[plugins.quiet.settings]\ntries = 0",
            "4:1",
            "tries: the number 0, expected at least 1",
            "plugin inspect",
        ),
        (
            "[plugins.quiet.settings]\npause = \"1s\"\non = \"somtimes\"",
            "5:1",
            "on: the text \"somtimes\", expected one of `always`, `failure`, `never`",
            "values of this setting: `always`, `failure`, `never`",
        ),
        ("settings.on = \"allways\"", "3:10", "on: the text \"allways\"", "did you mean `always`?"),
        (
            "settings.pause = \"soon\"",
            "3:10",
            "pause: the text \"soon\" is not a valid duration, such as \"100ms\"",
            "plugin inspect",
        ),
        (
            "settings.rules = [{ code = 1 }, { cod = 2 }]",
            "3:35",
            "unknown field `cod`",
            "did you mean `code`?",
        ),
    ] {
        let ran = with(SCHEMA, settings).run(&["validate"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        let told = format!("provost.toml:{place}: the plugin `quiet` refuses its settings: {what}");
        assert!(ran.stderr.contains(&told) && ran.stderr.contains(hint), "{settings}: {}", ran.stderr);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
    }
    let good =
        with(SCHEMA, "settings = { tries = 2, on = \"never\", pause = \"20ms\", rules = [{ code = 1 }] }")
            .run(&["validate"]);
    assert_eq!(good.code, 0, "{good:?}");
}

#[test]
fn all_wrong_settings_are_told_at_once_each_at_its_place() {
    let ran =
        with(SCHEMA, "[plugins.quiet.settings]\ntries = 0\ntires = 3\non = \"allways\"").run(&["validate"]);
    assert_eq!((ran.code, ran.stderr.matches("error: ").count()), (2, 3), "{}", ran.stderr);
    for told in [
        "provost.toml:4:1: the plugin `quiet` refuses its settings: tries: the number 0, expected at least 1\n",
        "provost.toml:5:1: the plugin `quiet` refuses its settings: unknown field `tires`\n",
        "provost.toml:6:1: the plugin `quiet` refuses its settings: on: the text \"allways\", expected one of",
        "hint: did you mean `tries`?",
        "hint: did you mean `always`?",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}

#[test]
fn up_refuses_settings_as_validate_does_and_a_host_that_goes_on_is_kept_up_without_the_plugin() {
    let wrong = with(SCHEMA, "settings = { tires = 3 }");
    let validated = wrong.run(&["validate"]);
    for arguments in [&["up"][..], &["up", "--detach"]] {
        let refused = wrong.run(arguments);
        assert!(refused.code == 2 && refused.stderr.ends_with(&validated.stderr), "{refused:?}");
        assert_eq!(wrong.run(&["status"]).code, 3, "nothing was started");
    }

    let mut host = with(SCHEMA, "settings = { tries = 2 }").up();
    let web = host.until_phase("web", "running");
    let component = components::with_section(
        components::good_policy(),
        SETTINGS_SCHEMA_SECTION,
        SCHEMA.replace("tries", "attempts").as_bytes(),
    );
    fs::write(host.setup().dir().join("quiet.wasm"), component).unwrap();
    host.goes_on();
    let refused = eventually("it is refused", || host.plugin("quiet"), |it| it["status"] == "refused");
    assert!(refused["reason"].as_str().unwrap().contains("unknown field `tries`"), "{refused}");
    assert_eq!(host.process("web")["pid"], web["pid"]);
    host.down();
}

#[test]
fn a_running_host_refuses_settings_that_the_schema_does_not_allow() {
    let host = with(SCHEMA, "settings = { tries = 2 }").up();
    host.until_phase("web", "running");
    let swapped = host.run(&["plugin", "swap", "quiet", "--settings", r#"{"tires": 3}"#]);
    assert!(swapped.code != 0 && swapped.stderr.contains("unknown field `tires`"), "{swapped:?}");
    let config = host.setup().dir().join("provost.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("tries = 2", "tries = \"two\"")).unwrap();
    let reloaded = host.run(&["reload"]);
    assert!(
        reloaded.code == 2 && reloaded.stderr.contains("provost.toml:3:14: the plugin `quiet` refuses"),
        "{reloaded:?}"
    );
    assert!(reloaded.stderr.contains("tries: the text \"two\", expected a whole number"), "{reloaded:?}");
    fs::write(&config, text.replace("tries = 2", "tries = 3")).unwrap();
    host.ok(&["reload", "--wait"]);
    host.down();
}

#[test]
fn inspect_shows_the_settings_as_a_table_and_the_whole_schema_as_json() {
    let setup = with(SCHEMA, "");
    let shown = setup.run(&["plugin", "inspect", "quiet.wasm"]).stdout;
    let table = "\n\
        SETTING       TYPE                            DEFAULT    MEANING\n\
        on            \"always\" | \"failure\" | \"never\"  \"failure\"  After which ends.\n\
        pause         duration                        \"1s\"       -\n\
        rules         list of table                   -          -\n\
        rules[].code  whole number                    -          -\n\
        tries         whole number                    5          The number of tries.\n";
    assert!(shown.contains("settings   on, pause, rules, tries\n") && shown.ends_with(table), "{shown}");
    let printed = setup.run(&["plugin", "inspect", "quiet.wasm", "-o", "json"]).stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["settings_schema"], serde_json::from_str::<Value>(SCHEMA).unwrap());
    assert_eq!(printed["settings_schema_error"], Value::Null);
}

#[test]
fn a_schema_that_cannot_be_used_is_named_and_hinders_nothing() {
    is_named_and_hinders_nothing("{\"type\": 5}", "/type: expected the name of a type, or a list of them");
}

#[test]
fn a_schema_that_is_too_large_to_be_checked_is_named_and_hinders_nothing() {
    let why = "it is too large to be checked: that takes more than 100000 steps";
    let references = |to: &str| vec![json!({ "$ref": format!("#/$defs/{to}") }); 3_000];
    // Each alternative has thousands of others, all of which a message could name.
    let multiplied = json!({
        "type": "object",
        "anyOf": references("a"),
        "$defs": {
            "a": { "const": null, "anyOf": references("b") },
            "b": { "anyOf": vec![json!({ "const": null }); 7_000] },
        },
    });
    is_named_and_hinders_nothing(&multiplied.to_string(), why);
    // This one is too large for settings with a certain key only.
    let large = json!({
        "type": "object",
        "properties": { "x": { "anyOf": references("a") } },
        "$defs": { "a": { "anyOf": references("b") }, "b": { "const": 5 } },
    });
    let setup = with(&large.to_string(), "settings = { x = 1 }");
    let valid = setup.run(&["validate"]);
    let told = format!("warning: provost.toml:2:13: the schema of the settings of `quiet` is ignored: {why}");
    assert!(valid.code == 0 && valid.stderr.contains(&told), "{valid:?}");
}

/// Checks what is said about a schema that cannot be used, and that its plugin is used all the same.
fn is_named_and_hinders_nothing(schema: &str, why: &str) {
    let setup = with(schema, "settings = { anything = 1 }");
    let shown = setup.run(&["plugin", "inspect", "quiet.wasm"]);
    assert!(
        shown.code == 0 && shown.stdout.contains(&format!("settings   their schema is ignored: {why}")),
        "{shown:?}"
    );
    let printed = setup.run(&["plugin", "inspect", "quiet.wasm", "-o", "json"]).stdout;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&printed["settings_schema"], printed["settings_schema_error"].as_str()),
        (&Value::Null, Some(why))
    );
    let valid = setup.run(&["validate"]);
    let told = format!("warning: provost.toml:2:13: the schema of the settings of `quiet` is ignored: {why}");
    assert!(valid.code == 0 && valid.stderr.contains(&told), "{valid:?}");
    let host = setup.up();
    host.until_phase("web", "running");
    assert_eq!(host.plugin("quiet")["status"], "active");
    assert!(
        host.setup().host_log().contains("the schema of its settings is ignored"),
        "{}",
        host.setup().host_log()
    );
    host.down();
}

#[test]
fn an_editor_gets_a_schema_of_the_config_with_the_settings_of_its_plugins() {
    let setup = with(SCHEMA, "[plugins.other]\ncomponent = \"gone.wasm\"");
    let printed = setup.run(&["schema", "-c", "provost.toml"]);
    let schema: Value = serde_json::from_str(&printed.stdout).unwrap();
    let settings = &schema["properties"]["plugins"]["properties"]["quiet"]["properties"]["settings"];
    let place = settings["$ref"].as_str().unwrap().trim_start_matches('#');
    let described = schema.pointer(place).unwrap();
    assert_eq!(described["properties"]["tries"]["default"], 5);
    let pause = described["properties"]["pause"]["$ref"].as_str().unwrap().trim_start_matches('#');
    assert_eq!(schema.pointer(pause).unwrap()["title"], "duration");
    let note = "note: any settings of the plugin `other` are accepted: ";
    assert!(printed.code == 0 && printed.stderr.contains(note), "{}", printed.stderr);
    let plain: Value = serde_json::from_str(&setup.run(&["schema"]).stdout).unwrap();
    assert!(
        plain["$defs"]["plugin"].is_object()
            && plain["properties"]["plugins"]["properties"].get("quiet").is_none()
    );
}
