//! Threads that a plugin needs and that cannot be started: each is an error, and never a panic. A separate test
//! program, because fail points hold for the whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::Bench;
use provost_plugin_host::Grants;
use provost_state::{FaultKind, Plugins};
use provost_tests::components;

#[test]
fn a_thread_that_cannot_be_started_is_an_error_and_the_next_try_succeeds() {
    let scenario = fail::FailScenario::setup();
    let bench = Bench::new();
    let outside = std::fs::read(provost_tests::guest("outside")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let grants = [&format!("fs-read:{}", dir.path().display()), "http-out:127.0.0.1:1", "clock", "random"];
    let load = || {
        let mut spec = bench.spec("outside", &outside);
        spec.grants = Grants::parse(&grants).unwrap();
        bench.load(spec)
    };

    fail::cfg("plugin-outside.start", "return").unwrap();
    assert!(load().unwrap_err().to_string().contains("injected"));
    fail::remove("plugin-outside.start");
    load().unwrap();
    // Another version of it, as a reload makes it, has the same threads.
    fail::cfg("plugin-outside.start", "return").unwrap();
    let mut spec = bench.spec("outside", &outside);
    spec.grants = Grants::parse(&grants).unwrap();
    let ready = bench.host.rehearse(spec, &guests::one_crash().1).unwrap();
    assert!(bench.host.enact(&ready).unwrap().former.is_some());
    fail::remove("plugin-outside.start");

    // Without a clock an engine is refused together with the plugin that needs it; the next attempt succeeds.
    let another = Bench::new();
    fail::cfg("plugin-clock.start", "return").unwrap();
    let refused = another.load(another.spec("good", &components::good_policy())).unwrap_err();
    assert!(refused.to_string().contains("clock"), "{refused}");
    fail::remove("plugin-clock.start");
    another.load(another.spec("good", &components::good_policy())).unwrap();

    let policy = bench.policy("good", &components::good_policy());
    fail::cfg("plugin.call", "return").unwrap();
    assert_eq!(guests::ask(&policy).unwrap_err().kind, FaultKind::Answer);
    fail::cfg("plugin.call", "panic(on purpose)").unwrap();
    let fault = guests::ask(&policy).unwrap_err();
    assert!(fault.message.contains("on purpose"), "{fault}");
    fail::remove("plugin.call");
    assert!(guests::ask(&policy).is_ok());
    assert_eq!(policy.version(), 1);
    assert_eq!(bench.host.reports().len(), 2);
    scenario.teardown();
}
