//! A host whose config is edited.

use std::collections::BTreeMap;

use provost_tests::{Host, Ran};
use serde_json::Value;

/// Writes the config anew.
pub(super) fn write(host: &Host, config: &str) {
    std::fs::write(host.setup().dir().join("provost.toml"), config).unwrap();
}

/// Writes the config anew, reloads it, and returns what the command says.
pub(super) fn reload(host: &Host, config: &str, options: &[&str]) -> Ran {
    write(host, config);
    host.run(&[&["reload"], options].concat())
}

/// Does the same for a reload that must succeed.
pub(super) fn reloaded(host: &Host, config: &str) -> String {
    let ran = reload(host, config, &["--wait"]);
    assert_eq!(ran.code, 0, "{ran:#?}\n{config}\n{}", host.log());
    ran.stdout
}

/// Returns the difference as JSON.
pub(super) fn difference(host: &Host) -> Value {
    let ran = host.run(&["diff", "-o", "json"]);
    assert!(ran.code <= 1, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Asserts that nothing differs.
pub(super) fn nothing_differs(host: &Host, after: &str) {
    let ran = host.run(&["diff"]);
    assert_eq!(ran.code, 0, "after {after}: {ran:#?}\n{}", host.log());
}

/// Returns the pids of all processes that have one, by name.
pub(super) fn pids(host: &Host) -> BTreeMap<String, u64> {
    let status = host.status();
    let processes = status["processes"].as_array().unwrap();
    let pid = |process: &Value| Some((process["name"].as_str()?.to_owned(), process["pid"].as_u64()?));
    processes.iter().filter_map(pid).collect()
}

/// Returns the names of all processes, sorted.
pub(super) fn names(host: &Host) -> Vec<String> {
    let status = host.status();
    let processes = status["processes"].as_array().unwrap();
    let mut names: Vec<String> =
        processes.iter().map(|process| process["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Waits until all of these run, and returns their pids.
pub(super) fn all_run(host: &Host, names: &[&str]) -> BTreeMap<String, u64> {
    for name in names {
        host.until_phase(name, "running");
    }
    pids(host)
}
