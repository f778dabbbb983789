//! Each kind of bad config gives a specific error and exit code 2, and nothing is started.

use provost_tests::Setup;

use crate::PROVOST;

/// Checks that `up` and `validate` refuse this config with these words, and that `up` does not start a process that is put
/// before it and would create a file.
fn refused(config: &str, expected: &[&str]) {
    let config = format!("[process.marker]\ncommand = \"touch started\"\n{config}");
    let setup = Setup::new(PROVOST, &config);
    std::fs::write(setup.dir().join("text.wasm"), "this is no wasm").unwrap();
    // The eight bytes of an empty core module.
    std::fs::write(setup.dir().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    for command in ["up", "validate"] {
        let ran = setup.run(&[command]);
        assert_eq!(ran.code, 2, "{command}: {ran:#?}");
        for word in expected {
            assert!(ran.stderr.contains(word), "{command}: {word:?} is not in:\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("backtrace"), "{}", ran.stderr);
    }
    assert!(!setup.dir().join("started").exists(), "something was started");
}

#[test]
fn broken_syntax_is_refused_with_its_line() {
    refused("[process.web\ncommand = 1\n", &["provost.toml:3:"]);
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_key_is_suggested() {
    refused("[process.web]\ncomand = \"true\"\n", &["provost.toml:4:1", "comand", "`command`"]);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place() {
    refused("[process.web]\ncommand = \"true\"\nautostart = \"yes\"\n", &["provost.toml:5:13", "autostart"]);
}

#[test]
fn a_duplicate_name_is_refused() {
    refused("[process.marker]\ncommand = \"true\"\n", &["provost.toml:3:", "marker"]);
}

#[test]
fn a_dependency_cycle_is_refused_and_shown() {
    let config = "[process.a]\ncommand = \"true\"\ndepends_on = [\"b\"]\n\
                  [process.b]\ncommand = \"true\"\ndepends_on = [\"a\"]\n";
    refused(config, &["provost.toml:", "a → b → a"]);
}

#[test]
fn a_dependency_on_an_unknown_process_is_refused() {
    refused(
        "[process.a]\ncommand = \"true\"\ndepends_on = [\"markr\"]\n",
        &["provost.toml:5:", "markr", "`marker`"],
    );
}

#[test]
fn an_unknown_policy_is_refused() {
    let config = "[plugins.backoff]\ncomponent = \"bundled:backoff\"\n\
                  [process.a]\ncommand = \"true\"\npolicies = [\"backof\"]\n";
    refused(config, &["provost.toml:7:", "backof", "`backoff`"]);
}

#[test]
fn a_missing_component_file_is_refused() {
    refused("[plugins.mine]\ncomponent = \"gone.wasm\"\n", &["provost.toml:4:13", "gone.wasm"]);
}

#[test]
fn an_unknown_bundled_component_is_refused() {
    refused("[plugins.mine]\ncomponent = \"bundled:backof\"\n", &["provost.toml:4:13", "backoff"]);
}

#[test]
fn a_component_file_that_is_not_webassembly_is_refused() {
    refused(
        "[plugins.mine]\ncomponent = \"text.wasm\"\n",
        &["provost.toml:4:13", "text.wasm", "not WebAssembly"],
    );
}

#[test]
fn a_core_module_is_refused_with_the_command_that_makes_a_component() {
    refused(
        "[plugins.mine]\ncomponent = \"core.wasm\"\n",
        &["provost.toml:4:13", "core", "provost plugin build"],
    );
}

#[test]
fn a_plugin_that_is_not_a_policy_is_refused_among_policies() {
    let config = "[plugins.prometheus]\ncomponent = \"bundled:prometheus\"\n\
                  [process.a]\ncommand = \"true\"\npolicies = [\"prometheus\"]\n";
    refused(config, &["provost.toml:7:", "is not a policy", "status-view"]);
}

#[test]
fn a_malformed_duration_is_refused() {
    let config = "[process.web]\ncommand = \"true\"\nstop = { grace = \"ten\" }\n";
    refused(config, &["provost.toml:5:", "grace", "ten"]);
}

#[test]
fn a_missing_config_is_refused() {
    let setup = Setup::new(PROVOST, "");
    std::fs::remove_file(setup.dir().join("provost.toml")).unwrap();
    let ran = setup.run(&["up"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("provost.toml"), "{ran:?}");
}
