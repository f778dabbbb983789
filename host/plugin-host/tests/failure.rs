//! What happens to a plugin that keeps failing, what is known of its last failure, and what plugins remember.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, ask, one_crash, restart};
use provost_plugin_host::Limits;
use provost_state::{
    FaultKind, Intensity, PluginInput, PluginRefusalKind, PluginStatus, Plugins, Replacement, Trigger,
};
use provost_tests::components::{self, policy, policy_with_delay};

/// Three faults in an hour are enough for a quarantine.
fn strict() -> Limits {
    Limits { quarantine: Intensity { faults: 3, per_ms: 3_600_000 }, ..guests::patient() }
}

fn trapping(bench: &Bench) -> std::sync::Arc<dyn provost_state::Policy> {
    let mut spec = bench.spec("p", &policy("unreachable"));
    spec.limits = strict();
    bench.load(spec).unwrap();
    bench.host.policy("p").unwrap()
}

#[test]
fn a_plugin_that_fails_too_often_is_not_asked_until_it_is_revived() {
    let bench = Bench::new();
    let handle = trapping(&bench);
    let other = bench.policy("other", &components::good_policy());
    for _ in 0..3 {
        assert_eq!(ask(&handle).unwrap_err().kind, FaultKind::Trap);
    }
    let fault = ask(&handle).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Quarantined);
    assert!(
        fault.message.starts_with("it is quarantined: 3 faults in 3600 s; the last: trapped: "),
        "{fault}"
    );
    let report = &bench.host.reports()[0];
    assert!(matches!(report.status, PluginStatus::Quarantined(_)), "{report:?}");
    let figures = &report.active.figures;
    assert_eq!((figures.calls, &*figures.faults), (3, &[(FaultKind::Trap, 3)][..]), "not asked is no call");
    ask(&other).unwrap();
    bench.host.revive("p").unwrap();
    assert_eq!(ask(&handle).unwrap_err().kind, FaultKind::Trap);
    assert_eq!(bench.host.revive("nobody").unwrap_err().kind, PluginRefusalKind::Unknown);
}

#[test]
fn a_swap_ends_the_quarantine() {
    let bench = Bench::new();
    let handle = trapping(&bench);
    for _ in 0..4 {
        ask(&handle).unwrap_err();
    }
    bench.file("p", &policy_with_delay(7));
    bench.host.swap("p", &Replacement::default(), &one_crash().1).unwrap();
    assert_eq!(ask(&handle).unwrap().action, restart(7));
}

#[test]
fn blame_tries_the_last_input_again_on_what_is_in_force() {
    let bench = Bench::new();
    let handle = trapping(&bench);
    assert!(bench.host.blame("p").unwrap().is_none());
    let fault = ask(&handle).unwrap_err();
    let blame = bench.host.blame("p").unwrap().unwrap();
    assert_eq!((blame.version, &*blame.call), (1, "restart-policy.on-exit"));
    assert!(blame.input.starts_with("incarnation 1 of `web` ended after 1500 ms: "), "{}", blame.input);
    assert_eq!((&blame.fault, blame.now.as_ref()), (&fault, Err(&fault)));
    let given = &blame.reproduction;
    let PluginInput::Trigger(Trigger::Exit(ended)) = &given.input else { panic!("{given:?}") };
    assert_eq!((&*ended.name, ended.uptime_ms, given.world.generation().0), ("web", 1_500, blame.generation));
    assert_eq!((&*given.settings_json, given.limits["stack"], given.memory.len()), ("{}", 512 << 10, 0));
    assert_eq!(given.digest, bench.host.reports()[0].active.digest);
    bench.file("p", &policy_with_delay(7));
    bench.host.swap("p", &Replacement::default(), &one_crash().1).unwrap();
    let blame = bench.host.blame("p").unwrap().unwrap();
    assert_eq!((blame.version, blame.now.unwrap().as_str()), (1, "restart in 7 ms: crashed, again"));
    assert_eq!(bench.host.reports()[0].active.figures.calls, 0, "blame is not counted");
}

#[test]
fn a_policy_that_takes_longer_than_it_is_waited_for_is_ended_and_blamed() {
    let bench = Bench::new();
    let mut spec = bench.spec("p", &policy("(loop $again (br $again)) unreachable"));
    spec.limits = Limits { call_ms_max: Some(600_000), ..strict() };
    bench.load(spec).unwrap();
    let handle = bench.host.policy("p").unwrap().within(5).unwrap();
    let fault = ask(&handle).unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Deadline, "took longer than the 5 ms that decision_deadline left it")
    );
    assert_eq!(bench.host.reports()[0].active.figures.faults, [(FaultKind::Deadline, 1)]);
    assert_eq!(bench.host.reports()[0].active.figures.last_fault, Some(fault));
}

#[test]
fn what_a_plugin_remembers_survives_calls_swaps_and_the_host_but_no_failed_call() {
    let bench = Bench::new();
    let handle = bench.policy("p", &components::counter());
    assert_eq!(ask(&handle).unwrap().action, restart(1));
    let (_registry, world) = one_crash();
    let failing = provost_state::Ended { failures: 9, ..guests::ended() };
    handle.on_exit(&failing, &world).unwrap_err();
    assert_eq!(ask(&handle).unwrap().action, restart(2), "what the failed call wrote is not there");
    bench.host.swap("p", &Replacement::default(), &world).unwrap();
    assert_eq!(ask(&handle).unwrap().action, restart(3), "what the trial wrote is not there");
    assert_eq!(bench.host.reports()[0].active.figures.stored_bytes, 4);
    let Bench { dir, host } = bench;
    drop((handle, host));
    let bench = Bench { host: provost_plugin_host::PluginHost::new(guests::options(dir.path())), dir };
    let handle = bench.policy("p", &components::counter());
    assert_eq!(ask(&handle).unwrap().action, restart(4));
}

#[test]
fn a_full_memory_is_refused_with_the_limit() {
    let bench = Bench::new();
    let module = components::policy_module(
        r#"(import "provost:plugin/memory@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))"#,
        // result<_, refusal> at 160: err at 160, its case at 168, its figure at 176.
        "(call $set (i32.const 32) (i32.const 1) (i32.const 2048) (i32.const 50000) (i32.const 160))
         (if (i32.load8_u (i32.const 160))
             (then (i64.store (i32.const 72) (i64.load (i32.const 176)))))
         (call $drop (local.get $world)) (i32.const 64)",
    );
    let mut spec = bench.spec("p", &components::component(&components::contract(), "restart-judge", &module));
    spec.limits.stored_bytes_max = 1024;
    bench.load(spec).unwrap();
    assert_eq!(ask(&bench.host.policy("p").unwrap()).unwrap().action, restart(1024));
    assert_eq!(bench.host.reports()[0].active.figures.stored_bytes, 0);
}

#[test]
fn a_host_that_is_too_busy_for_another_instance_does_not_blame_the_plugin() {
    let bench = Bench::new();
    let bytes = components::consumer_that_traps_at_its_third_call();
    let mut spec = bench.spec("many", &bytes);
    spec.limits = strict();
    bench.load(spec).unwrap();
    let (_registry, world) = one_crash();
    let tell = |_| {
        let mut consumer = bench.host.consumer("many").unwrap();
        let told = consumer.on_change(&provost_state::Batch::default(), &world);
        (consumer, told)
    };
    // Each consumer keeps its instance, and views and consumers have 192 together.
    let (_living, told): (Vec<_>, Vec<_>) = (0..204).map(tell).unzip();
    let busy: Vec<_> = told.into_iter().filter_map(Result::err).collect();
    assert_eq!(busy.len(), 12);
    assert!(busy.iter().all(|fault| fault.kind == FaultKind::Busy), "{busy:?}");
    assert_eq!(bench.host.reports()[0].status, PluginStatus::Active, "twelve faults are not held against it");
}
