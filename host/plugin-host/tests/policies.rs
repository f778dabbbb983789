//! The roles of a policy other than judging restarts, and the check of settings.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, at, one_crash};
use provost_plugin_host::{Grants, PluginSpec, SETTINGS_SCHEMA_SECTION, Source};
use provost_state::{
    Cause, Demand, FaultKind, Health, HealthAction, Incarnation, Judgement, Observation, Plan, PluginStatus,
    Plugins, StartAction,
};
use provost_tests::components::{self, component, contract};

/// A core module of a policy with this one export; the text `because` is at address 16.
fn module(export: &str, params: &str, data: &str) -> String {
    format!(
        r#"(module
            (import "provost:plugin/snapshots@0.1.0" "[resource-drop]snapshot" (func $drop (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 16) "because")
            (data (i32.const 32) "NAMEvalue")
            {data}
            (global $free (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            (func (export "{export}") {params} (param $world i32) (result i32)
                (call $drop (local.get $world)) (i32.const 64)))"#
    )
}

fn starter() -> Vec<u8> {
    let module = module(
        "provost:plugin/start-policy@0.1.0#before-start",
        // The cause is the case and its text.
        "(param i32 i32 i32 i32 i64 i32 i32 i32 i64 i32 i64 i64)",
        // allow([NAME=value]): the case at 64, the list at 72, the reason at 80; the variable at 96.
        r#"(data (i32.const 64) "\00\00\00\00\00\00\00\00\60\00\00\00\01\00\00\00\10\00\00\00\07\00\00\00")
           (data (i32.const 96) "\20\00\00\00\04\00\00\00\24\00\00\00\05\00\00\00")"#,
    );
    component(&contract(), "start-judge", &module)
}

#[test]
fn a_start_policy_adds_variables_and_judges_nothing_else() {
    let bench = Bench::new();
    let grants = Grants::parse(&["set-env:NAME"]).unwrap();
    bench.load(PluginSpec { grants, ..bench.spec("p", &starter()) }).unwrap();
    let policy = bench.host.policy("p").unwrap();
    let judged = [Judgement::Restart, Judgement::Start, Judgement::Health, Judgement::Scale];
    assert_eq!(judged.map(|judgement| policy.judges(judgement)), [false, true, false, false]);
    let plan = Plan {
        name: "web".into(),
        group: "site".into(),
        incarnation: Incarnation(2),
        cause: Cause::User,
        waited_ms: 0,
        failures: 0,
        now: at(3_000),
        seed: 1,
    };
    let decision = policy.before_start(&plan, &one_crash().1).unwrap();
    let env = vec![("NAME".to_owned(), "value".to_owned())];
    assert_eq!(decision.action, Some(StartAction::Allow { env }));
    assert_eq!(&*decision.reason, "because");
    assert_eq!(guests::ask(&policy).unwrap_err().kind, FaultKind::Refused);
}

#[test]
fn a_health_policy_judges_the_result_of_a_check() {
    let bench = Bench::new();
    let module = module(
        "provost:plugin/health-policy@0.1.0#on-probe",
        "(param i32 i32 i32 i32 i64 i32 i32 i32 i64 i32 i32 i64 i64 i64)",
        r#"(data (i32.const 64) "\01\00\00\00\10\00\00\00\07\00\00\00")"#,
    );
    let policy = bench.policy("p", &component(&contract(), "health-judge", &module));
    let seen = Observation {
        name: "web".into(),
        group: "".into(),
        incarnation: Incarnation(1),
        passed: false,
        detail: "refused".into(),
        took_ms: 4,
        in_a_row: 2,
        before: Health::Healthy,
        uptime_ms: 9,
        now: at(3_000),
        seed: 1,
    };
    let decision = policy.on_probe(&seen, &one_crash().1).unwrap();
    assert_eq!((decision.action, &*decision.reason), (Some(HealthAction::Hold(Health::Degraded)), "because"));
}

#[test]
fn a_scale_policy_decides_the_number_of_replicas() {
    let bench = Bench::new();
    let module = module(
        "provost:plugin/scale-policy@0.1.0#replicas",
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i64 i64)",
        r#"(data (i32.const 64) "\00\00\00\00\05\00\00\00\10\00\00\00\07\00\00\00")"#,
    );
    let policy = bench.policy("p", &component(&contract(), "scale-judge", &module));
    let demand = Demand {
        name: "web".into(),
        group: "".into(),
        wanted: 1,
        running: 1,
        least: 1,
        most: 9,
        now: at(3_000),
        seed: 1,
    };
    let decision = policy.replicas(&demand, &one_crash().1).unwrap();
    assert_eq!((decision.action, &*decision.reason), (Some(5), "because"));
    policy.clamped();
    assert_eq!(bench.host.reports()[0].active.figures.clamps, 1);
}

/// A policy that accepts only `{}` (two bytes) as its settings and rejects all others with a text.
fn particular(bench: &Bench, settings: &str) -> PluginSpec {
    objecting(bench, settings, "crashed")
}

/// The same with another text, which has fewer than 256 bytes.
fn objecting(bench: &Bench, settings: &str, why: &str) -> PluginSpec {
    let resolve = components::with_package(
        contract(),
        "package test:particular; world particular {
            include provost:plugin/restart-judge@0.1.0;
            include provost:plugin/configured@0.1.0;
        }",
    );
    // result<_, string> at 256: err at 256, the address and the length of the text after it
    let (bytes, text) = (why.len(), why.replace('"', "\\22"));
    let export = format!(
        r#"(data (i32.const 256) "\01\00\00\00\0c\01\00\00\{bytes:02x}\00\00\00{text}")
           (func (export "provost:plugin/configurable@0.1.0#validate-settings") (param i32 i32) (result i32)
               (if (i32.eq (local.get 1) (i32.const 2)) (then (i32.store8 (i32.const 256) (i32.const 0))))
               (i32.const 256))
           (func $deeper"#
    );
    let module = components::policy_module("", "(call $drop (local.get $world)) (i32.const 64)");
    let module = module.replacen("(func $deeper", &export, 1);
    let mut spec = bench.spec("p", &component(&resolve, "particular", &module));
    spec.settings_json = settings.to_owned();
    spec
}

#[test]
fn a_plugin_that_rejects_its_settings_is_refused_with_its_own_words() {
    let bench = Bench::new();
    bench.load(particular(&bench, r#"{"first":1}"#)).unwrap();
    let why = "it refuses its settings: crashed";
    assert_eq!(bench.host.reports()[0].status, PluginStatus::Refused(why.into()));
    let bench = Bench::new();
    bench.load(particular(&bench, "{}")).unwrap();
    assert_eq!(bench.host.reports()[0].status, PluginStatus::Active);
    let wrong = provost_state::Replacement { settings_json: Some("[1]".to_owned()), ..Default::default() };
    let refusal = bench.host.swap("p", &wrong, &one_crash().1).unwrap_err();
    assert!(refusal.message.ends_with(why), "{refusal}");
}

/// A schema that knows one setting.
const SCHEMA: &str =
    r#"{"type": "object", "additionalProperties": false, "properties": {"first": {"type": "integer"}}}"#;

/// What becomes of a policy that carries this schema and gets these settings.
fn status(spec: impl FnOnce(&Bench) -> PluginSpec, schema: &str, settings: &str) -> PluginStatus {
    let bench = Bench::new();
    let mut spec = spec(&bench);
    let Source::Path(path) = &spec.source else { panic!("it is a file") };
    let component = std::fs::read(path).unwrap();
    let carries = components::with_section(component, SETTINGS_SCHEMA_SECTION, schema.as_bytes());
    std::fs::write(path, carries).unwrap();
    spec.settings_json = settings.to_owned();
    bench.load(spec).unwrap();
    bench.host.reports()[0].status.clone()
}

#[test]
fn settings_that_the_schema_of_a_component_does_not_allow_are_refused() {
    let silent = |bench: &Bench| bench.spec("p", &components::good_policy());
    let refused =
        |why: &str| PluginStatus::Refused(format!("it refuses its settings: settings: {why}").into());
    assert_eq!(status(silent, SCHEMA, r#"{"first": 1}"#), PluginStatus::Active);
    assert_eq!(
        status(silent, SCHEMA, r#"{"frist": 1}"#),
        refused("frist: unknown field `frist`, expected `first`")
    );
    assert_eq!(
        status(silent, SCHEMA, r#"{"first": "x"}"#),
        refused("first: the text \"x\", expected a whole number")
    );
}

#[test]
fn what_a_schema_says_goes_before_an_objection_that_names_no_setting() {
    let own = |bench: &Bench| particular(bench, "{}");
    let by_schema = "it refuses its settings: settings: frist: unknown field `frist`, expected `first`";
    assert_eq!(status(own, SCHEMA, r#"{"frist": 1}"#), PluginStatus::Refused(by_schema.into()));
    let its_own = "it refuses its settings: crashed";
    assert_eq!(status(own, SCHEMA, r#"{"first": 1}"#), PluginStatus::Refused(its_own.into()));
}

#[test]
fn a_schema_says_the_range_of_a_number_that_a_component_says_is_out_of_range() {
    let ranged = r#"{"type": "object", "properties": {"first": {"maximum": 9}, "other": {"type": "null"}}}"#;
    let range = "settings: first: invalid value: integer `10`, expected u8";
    let refused =
        |why: &str, settings: &str| match status(|bench| objecting(bench, "{}", why), ranged, settings) {
            PluginStatus::Refused(why) => why.strip_prefix("it refuses its settings: ").unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
    assert_eq!(refused(range, r#"{"first": 10}"#), "settings: first: the number 10, expected at most 9");
    // The schema objects to another setting as well, or to none: the component knows better.
    let both = format!("{range}; settings: other: the number 10, expected something else");
    assert_eq!(refused(range, r#"{"other": 10}"#), both);
    assert_eq!(refused(range, r#"{"first": 9}"#), range);
    let jargon = "settings: first: invalid type: boolean `true`, expected string or map";
    let typed = r#"{"type": "object", "properties": {"first": {"type": "string"}}}"#;
    let in_words = status(|bench| objecting(bench, "{}", jargon), typed, r#"{"first": true}"#);
    let expected = "it refuses its settings: settings: first: true, expected a text";
    assert_eq!(in_words, PluginStatus::Refused(expected.into()));
    let own = "settings: first: it is too many";
    assert_eq!(refused(own, r#"{"first": 10}"#), own);
    let both = format!("{own}; settings: other: true, expected something else");
    assert_eq!(refused(own, r#"{"first": 10, "other": true}"#), both);
}

#[test]
fn of_many_wrong_settings_as_many_are_told_as_have_room_and_the_others_are_counted() {
    let schema = format!(
        r#"{{"type": "object", "additionalProperties": {{"enum": ["{}", "{}"]}}}}"#,
        "a".repeat(60),
        "b".repeat(60)
    );
    let settings: Vec<String> = (0..30).map(|number| format!("\"k{number:02}\": 1")).collect();
    let settings = format!("{{{}}}", settings.join(", "));
    let silent = |bench: &Bench| bench.spec("p", &components::good_policy());
    let PluginStatus::Refused(why) = status(silent, &schema, &settings) else { panic!("it is accepted") };
    assert!(why.starts_with("it refuses its settings: settings: k00: the number 1, expected `aaa"), "{why}");
    let told = why.matches("; settings: k").count() + 1;
    assert!(why.len() <= 2_100 && why.ends_with(&format!("; and {} more", 20 - told)), "{why}");
}

#[test]
fn a_schema_that_cannot_be_used_hinders_nothing() {
    let silent = |bench: &Bench| bench.spec("p", &components::good_policy());
    let large = format!("{{\"type\": \"object\", \"title\": \"{}\"}}", "x".repeat(256 << 10));
    let endless = r##"{"type": "object", "$ref": "#"}"##;
    let pattern = |number: usize| format!(r#""k{number}": {{"pattern": "[^\\pL]{{3}}|\\pL{{3}}{number}"}}"#);
    let patterns: Vec<String> = (0..3_500).map(pattern).collect();
    let patterns = format!(r#"{{"type": "object", "properties": {{{}}}}}"#, patterns.join(","));
    for schema in ["{", "[]", "\u{0}", large.as_str(), endless, patterns.as_str()] {
        assert_eq!(status(silent, schema, r#"{"frist": 1}"#), PluginStatus::Active, "{}", schema.len());
    }
}
