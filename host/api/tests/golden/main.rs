//! Keeps the API compatible: the golden files hold every reply and every body byte for byte as sent on the socket, one JSON text
//! per line. `server/golden.rs` among the tests of `provost-control` compares them with a real host.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use provost_api as api;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asserts that each line of a golden file, read as a `T` and written again, stays the same.
fn is_kept<T: Serialize + DeserializeOwned>(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let golden = std::fs::read_to_string(path).unwrap();
    assert!(golden.ends_with('\n'), "{name}.json ends within a line");
    for line in golden.lines() {
        let read = serde_json::from_str::<T>(line);
        assert!(read.is_ok(), "{name}.json: {:?}", read.err());
        assert_eq!(serde_json::to_string(&read.unwrap()).unwrap(), line, "{name}.json");
    }
}

#[test]
fn every_reply_is_read_and_written_again_byte_for_byte() {
    is_kept::<api::Ping>("ping");
    is_kept::<api::Problem>("error");
    is_kept::<api::Status>("status");
    is_kept::<api::Event>("events");
    is_kept::<api::LogItem>("logs");
    is_kept::<api::Explanation>("explain");
    is_kept::<api::ProcessDetail>("process");
    is_kept::<api::Dependencies>("dependencies");
    is_kept::<api::GroupList>("groups");
    is_kept::<api::ViewList>("views");
    is_kept::<api::Outcome>("outcome");
    is_kept::<api::Difference>("difference");
    is_kept::<api::ReloadStep>("reload");
    is_kept::<api::Scaled>("scaled");
    is_kept::<api::StateCore>("state_core");
    is_kept::<api::PluginList>("plugins");
    is_kept::<api::PluginChanged>("plugin_changed");
    is_kept::<api::Blame>("blame");
    is_kept::<api::Ended>("ended");
    is_kept::<api::UsageList>("usage");
    is_kept::<api::Liveness>("liveness");
    is_kept::<api::Readiness>("readiness");
}

#[test]
fn every_body_is_read_and_written_again_byte_for_byte() {
    is_kept::<api::ProcessOrder>("process_order");
    is_kept::<api::PluginOrder>("plugin_order");
    is_kept::<api::ReloadOrder>("reload_order");
    is_kept::<api::ScaleOrder>("scale_order");
    is_kept::<api::StateChange>("state_change");
    is_kept::<api::Shutdown>("shutdown");
}
