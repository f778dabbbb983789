//! The compatibility of the API: every reply and every body as it is on the socket, byte for byte. Each file holds one JSON
//! text a line, in exactly the form in which it is sent; `tests/server/golden.rs` compares the files with a real host.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use provost_control::wire;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads each line of a golden file as a `T` and writes it again.
fn is_kept<T: Serialize + DeserializeOwned>(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let golden = std::fs::read_to_string(path).unwrap();
    assert!(golden.ends_with('\n'), "{name}.json ends within a line");
    for line in golden.lines() {
        let read: T = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        assert_eq!(serde_json::to_string(&read).unwrap(), line, "{name}.json");
    }
}

#[test]
fn every_reply_is_read_and_written_again_byte_for_byte() {
    is_kept::<wire::Ping>("ping");
    is_kept::<wire::Failure>("error");
    is_kept::<wire::Status>("status");
    is_kept::<wire::Event>("events");
    is_kept::<wire::LogItem>("logs");
    is_kept::<wire::Explanation>("explain");
    is_kept::<wire::Outcome>("outcome");
    is_kept::<wire::StateCore>("state_core");
    is_kept::<wire::PluginList>("plugins");
    is_kept::<wire::PluginChanged>("plugin_changed");
    is_kept::<wire::Blame>("blame");
    is_kept::<wire::Ended>("ended");
}

#[test]
fn every_body_is_read_and_written_again_byte_for_byte() {
    is_kept::<wire::Order>("process_order");
    is_kept::<wire::PluginOrder>("plugin_order");
    is_kept::<wire::StateChange>("state_change");
    is_kept::<wire::Shutdown>("shutdown");
}
