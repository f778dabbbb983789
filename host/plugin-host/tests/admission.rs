//! Which components are admitted, and what the others report: mistakes in the config are errors, components that ask
//! for too much are loaded as refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, ask};
use provost_plugin_host::{Grants, Limits, LoadError, PluginSpec, PolicyLookupError, Source, inspect};
use provost_state::{Fault, FaultKind, PluginStatus, Plugins};
use provost_tests::components::{self, component, contract, with_package};

/// Loads a plugin called `guest`, which the host refuses, and returns the reason.
fn refusal(bytes: &[u8]) -> String {
    let bench = Bench::new();
    let policy = bench.policy("guest", bytes);
    let fault: Fault = ask(&policy).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert_eq!(bench.host.reports()[0].status, PluginStatus::Refused(fault.message.clone()));
    assert!(bench.consumers().is_empty());
    fault.message.to_string()
}

/// Loads bytes that are not a component, and returns the error.
fn error(bytes: &[u8]) -> String {
    let bench = Bench::new();
    let spec = bench.spec("guest", bytes);
    let path = spec.source.to_string();
    let error = bench.load(spec).unwrap_err().to_string();
    assert!(bench.host.reports().is_empty());
    error.replacen(&path, "FILE", 1)
}

const SOCKETS: &str = r#"
    package wasi:sockets@0.2.0;
    interface tcp { connect: func(port: u16) -> bool; }
"#;

const CALLER: &str = r#"
    package test:greedy;
    world greedy {
        import wasi:sockets/tcp@0.2.0;
        include provost:plugin/restart-judge@0.1.0;
    }
"#;

#[test]
fn an_import_that_was_not_granted_is_named() {
    let resolve = with_package(with_package(contract(), SOCKETS), CALLER);
    let module = components::policy_module(
        r#"(import "wasi:sockets/tcp@0.2.0" "connect" (func $connect (param i32) (result i32)))"#,
        "(drop (call $connect (i32.const 80))) (i32.const 64)",
    );
    assert_eq!(
        refusal(&component(&resolve, "greedy", &module)),
        "it imports `wasi:sockets/tcp@0.2.0`, which it was not granted: a policy may import types, snapshots, \
         settings, memory and log of provost:plugin@0.1.0, and nothing else. It was built for WASI, as wasm32-wasip1 and \
         wasm32-wasip2 do: build Rust for wasm32-unknown-unknown (`provost plugin build DIR` does), Python with \
         `componentize-py componentize --stub-wasi`, and JavaScript with \
         `disableFeatures: ['clocks', 'fetch-event', 'http', 'random', 'stdio']`"
    );
}

#[test]
fn a_refusal_for_lack_of_a_role_names_the_exports() {
    let resolve = with_package(
        contract(),
        "package test:idle; interface idle { sleep: func(); } world idler { export idle; }",
    );
    let module = r#"(module (memory (export "memory") 1) (func (export "test:idle/idle#sleep")))"#;
    assert_eq!(
        refusal(&component(&resolve, "idler", module)),
        "it exports `test:idle/idle`, and none of the roles restart-policy, start-policy, health-policy, \
         scale-policy, usage-policy, status-view and status-consumer of provost:plugin@0.1.0"
    );
}

#[test]
fn a_refusal_for_the_version_of_the_contract_names_both_versions() {
    let resolve = with_package(
        wit_parser::Resolve::default(),
        "package provost:plugin@0.2.0; interface restart-policy { on-exit: func(); }
         world restart-judge { export restart-policy; }",
    );
    let module = r#"(module (memory (export "memory") 1)
        (func (export "provost:plugin/restart-policy@0.2.0#on-exit")))"#;
    assert_eq!(
        refusal(&component(&resolve, "restart-judge", module)),
        "it is made for provost:plugin@0.2.0, this host speaks provost:plugin@0.1.0: build it against that"
    );
}

#[test]
fn an_export_of_another_type_is_refused() {
    let resolve = with_package(
        wit_parser::Resolve::default(),
        "package provost:plugin@0.1.0; interface restart-policy { on-exit: func(seed: u64) -> u64; }
         world restart-judge { export restart-policy; }",
    );
    let module = r#"(module (memory (export "memory") 1)
        (func (export "provost:plugin/restart-policy@0.1.0#on-exit") (param i64) (result i64) (local.get 0)))"#;
    let refusal = refusal(&component(&resolve, "restart-judge", module));
    assert!(refusal.starts_with("an export does not match what this host expects: "), "{refusal}");
    assert!(refusal.contains("on-exit"), "{refusal}");
    assert!(!refusal.contains('\n'), "{refusal}");
}

#[test]
fn an_import_of_another_type_is_refused() {
    let resolve = with_package(
        wit_parser::Resolve::default(),
        "package provost:plugin@0.1.0;
         interface settings { json: func() -> u32; }
         interface status-view { render: func(); }
         world status-renderer { import settings; export status-view; }",
    );
    let module = r#"(module
        (import "provost:plugin/settings@0.1.0" "json" (func $json (result i32)))
        (memory (export "memory") 1)
        (func (export "provost:plugin/status-view@0.1.0#render") (drop (call $json))))"#;
    let refusal = refusal(&component(&resolve, "status-renderer", module));
    assert!(refusal.starts_with("an import does not match this host: "), "{refusal}");
    assert!(refusal.contains("provost:plugin/settings@0.1.0"), "{refusal}");
}

#[test]
fn a_function_of_a_later_version_of_the_contract_is_named() {
    let resolve = with_package(
        wit_parser::Resolve::default(),
        "package provost:plugin@0.1.0;
         interface settings { moon: func() -> u32; }
         interface status-view { render: func(); }
         world status-renderer { import settings; export status-view; }",
    );
    let module = r#"(module
        (import "provost:plugin/settings@0.1.0" "moon" (func $moon (result i32)))
        (memory (export "memory") 1)
        (func (export "provost:plugin/status-view@0.1.0#render") (drop (call $moon))))"#;
    let refusal = refusal(&component(&resolve, "status-renderer", module));
    assert!(
        refusal.starts_with("it calls a function that a later version of the contract has: "),
        "{refusal}"
    );
    for part in ["`provost:plugin/settings@0.1.0`", "`moon`", "use a newer provost"] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
}

#[test]
fn a_missing_file_and_a_directory_are_named() {
    let bench = Bench::new();
    let load = |source: Source| {
        let spec = PluginSpec {
            name: "guest".into(),
            source,
            settings_json: "{}".into(),
            limits: Limits::default(),
            sha256: None,
            grants: Grants::default(),
        };
        bench.load(spec).unwrap_err().to_string()
    };
    let missing = bench.dir.path().join("nowhere.wasm");
    assert_eq!(
        load(Source::Path(missing.clone())),
        format!("there is no file `{}`: build the component or correct the path", missing.display())
    );
    let dir = bench.dir.path().to_owned();
    assert_eq!(
        load(Source::Path(dir.clone())),
        format!("`{}` is a directory, not a component: name the .wasm file in it", dir.display())
    );
    let bundled = load(Source::parse("bundled:nonsense"));
    assert!(
        bundled.starts_with("there is no bundled component `nonsense`: the bundled ones are `"),
        "{bundled}"
    );
    let misspelt = load(Source::parse("bundled:bakcoff"));
    assert!(misspelt.starts_with(
        "there is no bundled component `bakcoff`: did you mean `backoff`? the bundled ones are `"
    ));
}

#[test]
fn a_file_that_is_not_wasm_is_reported_as_such() {
    assert_eq!(error(b""), "`FILE` is empty: build it with `provost plugin build`");
    assert_eq!(
        error(b"#!/bin/sh\nexit 0\n"),
        "`FILE` is not WebAssembly: it does not begin with the bytes `\\0asm`"
    );
    assert_eq!(
        error(b"  (component)"),
        "`FILE` is WebAssembly text: turn it into a binary component first (`wasm-tools parse`)"
    );
}

#[test]
fn a_core_module_is_reported_as_such() {
    assert_eq!(
        error(&wat::parse_str("(module)").unwrap()),
        "`FILE` is a core WebAssembly module, not a component: build it with `provost plugin build`"
    );
}

#[test]
fn a_truncated_or_damaged_component_is_reported_as_such() {
    let whole = components::good_policy();
    for end in [4, 7, 8 + 1, whole.len() / 2, whole.len() - 1] {
        let error = error(&whole[..end]);
        assert!(error.starts_with("`FILE` is not a valid component (damaged, cut off"), "{end}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn no_cut_and_no_changed_byte_of_a_component_makes_the_host_panic() {
    let whole = components::good_policy();
    let bench = Bench::new();
    for at in (8..whole.len()).step_by(whole.len() / 40) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xa5;
        let mut spec = bench.spec(&format!("damaged-{at}"), &damaged);
        spec.limits = Limits::default();
        // Some are still components, and even policies: then they are asked as well.
        if bench.load(spec).is_ok() {
            let _any = ask(&bench.host.policy(&format!("damaged-{at}")).unwrap());
        }
    }
}

#[test]
fn compiled_code_is_never_accepted() {
    let bench = Bench::new();
    bench.policy("good", &components::good_policy());
    let entry = std::fs::read_dir(bench.dir.path().join("cache")).unwrap().next().unwrap().unwrap();
    // The key and the digest come before the code.
    let error = error(&std::fs::read(entry.path()).unwrap()[64..]);
    assert!(error.starts_with("`FILE` is code compiled for one machine"), "{error}");
}

#[test]
fn two_plugins_cannot_have_one_name() {
    let bench = Bench::new();
    bench.policy("twin", &components::good_policy());
    let error = bench.load(bench.spec("twin", &components::good_policy())).unwrap_err();
    assert!(matches!(error, LoadError::NameTaken { .. }), "{error}");
}

#[test]
fn a_memory_limit_that_no_plugin_can_have_is_an_error() {
    let bench = Bench::new();
    let mut spec = bench.spec("large", &components::good_policy());
    spec.limits.memory_bytes_max = 1 << 30;
    assert_eq!(
        bench.load(spec).unwrap_err().to_string(),
        "`limits.memory` of 1024 MiB is not possible: at most 256 MiB"
    );
}

#[test]
fn an_unknown_policy_is_told_apart_from_a_plugin_that_is_not_a_policy() {
    let bench = Bench::new();
    bench.load(bench.spec("page", &components::view("(i32.const 64)"))).unwrap();
    assert_eq!(
        bench.host.policy("nobody").unwrap_err(),
        PolicyLookupError::NoSuchPlugin("nobody".to_owned())
    );
    assert_eq!(
        bench.host.policy("page").unwrap_err().to_string(),
        "plugin `page` is not a policy: it exports status-view and judges nothing"
    );
}

#[test]
fn an_inspection_shows_what_a_component_can_do() {
    let bytes = components::good_policy();
    let inspection = inspect(&bytes, &compiler()).unwrap();
    assert_eq!(inspection.refusal, None);
    assert_eq!(inspection.size_bytes, bytes.len() as u64);
    assert_eq!(inspection.digest.len(), 64);
    assert_eq!(inspection.memory_bytes, Some(65_536));
    assert_eq!(inspection.exports, ["provost:plugin/restart-policy@0.1.0"]);
    assert_eq!(inspection.can, ["judge restarts", "see the state of all processes"]);
    assert!(inspection.cannot.contains(&"use the network"));
    assert!(inspect(b"nonsense", &compiler()).is_err());
}

fn compiler() -> std::sync::Arc<dyn provost_plugin_host::Compiler> {
    std::sync::Arc::new(provost_plugin_host::InProcess)
}
