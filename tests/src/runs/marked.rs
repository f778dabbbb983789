//! The processes of a run, which are found by a mark in their environment.

use std::collections::BTreeMap;

/// Returns the environments of all living processes that have this variable with its value (`NAME=VALUE`), by process id.
///
/// # Panics
/// If there is no `/proc`.
#[must_use]
pub fn marked(mark: &str) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let is_marked = environment.split('\0').any(|variable| variable == mark);
        if is_marked && crate::is_alive(pid.into()) {
            found.insert(pid, environment);
        }
    }
    found
}

/// Returns the value of a variable of an environment.
#[must_use]
pub fn variable<'a>(environment: &'a str, name: &str) -> Option<&'a str> {
    environment.split('\0').find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))
}
