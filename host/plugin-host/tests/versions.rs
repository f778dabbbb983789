//! Changing plugins while they are called: what a swap checks, what it does not touch, and that it loses no decision.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use provost_tests::components::{self, policy, policy_with_delay};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use guests::{Bench, ask, one_crash, restart};
use provost_plugin_host::LoadError;
use provost_state::{
    FaultKind, Intensity, LimitsWanted, PluginRefusal, PluginRefusalKind, PluginReport, PluginStatus,
    PluginWanted, Plugins, Replacement,
};

fn by(path: &std::path::Path) -> Replacement {
    Replacement { component: Some(path.display().to_string()), ..Replacement::default() }
}

fn swap(bench: &Bench, name: &str, bytes: &[u8]) -> Result<Vec<String>, PluginRefusal> {
    let path = bench.file("candidate", bytes);
    bench.host.swap(name, &by(&path), &one_crash().1).map(|change| change.notes)
}

/// A policy that imports `memory` as well.
fn one_that_remembers() -> Vec<u8> {
    let module = components::policy_module(
        r#"(import "provost:plugin/memory@0.1.0" "delete" (func $delete (param i32 i32)))"#,
        "(call $drop (local.get $world)) (i32.const 64)",
    );
    components::component(&components::contract(), "restart-judge", &module)
}

#[test]
fn a_swap_is_seen_by_a_policy_that_was_handed_out_before() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    let notes = swap(&bench, "p", &policy_with_delay(2)).unwrap();
    assert_eq!(ask(&handle).unwrap().action, restart(2));
    assert!(
        notes.iter().any(|note| note.starts_with("trial of restart-policy: incarnation 1 of `web` ended")),
        "{notes:#?}"
    );
    assert_eq!(notes.last().unwrap(), "version 2 is in force, version 1 is kept warm");
    let report = &bench.host.reports()[0];
    assert_eq!((report.active.number, report.former.as_ref().unwrap().number), (2, 1));
    assert_eq!(report.active.figures.calls, 1, "a trial is not counted");
}

#[test]
fn a_rollback_exchanges_the_active_and_the_former_version() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    assert_eq!(bench.host.rollback("p").unwrap_err().kind, PluginRefusalKind::NoFormer);
    swap(&bench, "p", &policy_with_delay(2)).unwrap();
    bench.host.rollback("p").unwrap();
    assert_eq!(ask(&handle).unwrap().action, restart(1));
    assert_eq!(bench.host.rollback("p").unwrap().after.unwrap().active.number, 2);
    assert_eq!(ask(&handle).unwrap().action, restart(2));
}

#[test]
fn a_swap_that_fails_changes_nothing_and_says_why() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    let before = bench.host.reports();
    let cases: [(&[u8], PluginRefusalKind, &str); 4] = [
        (b"", PluginRefusalKind::Component, "is empty"),
        (&policy("unreachable"), PluginRefusalKind::Check, "its trial as restart-policy failed"),
        (&components::view("(i32.const 64)"), PluginRefusalKind::Check, "does not export restart-policy"),
        (&one_that_remembers(), PluginRefusalKind::AsksForMore, "+ imports `provost:plugin/memory@0.1.0`"),
    ];
    for (bytes, kind, says) in cases {
        let refusal = swap(&bench, "p", bytes).unwrap_err();
        assert_eq!(refusal.kind, kind, "{refusal}");
        assert!(refusal.message.starts_with("plugin `p`: ") && refusal.message.contains(says), "{refusal}");
        assert_eq!(bench.host.reports(), before);
    }
    let missing = bench.host.swap("p", &by(&bench.dir.path().join("none.wasm")), &one_crash().1).unwrap_err();
    assert_eq!(missing.kind, PluginRefusalKind::Component);
    assert_eq!(swap(&bench, "nobody", b"").unwrap_err().kind, PluginRefusalKind::Unknown);
    assert_eq!(ask(&handle).unwrap().action, restart(1));
}

#[test]
fn a_version_that_asks_for_more_is_put_in_force_once_that_is_accepted() {
    let bench = Bench::new();
    bench.policy("p", &policy_with_delay(1));
    let path = bench.file("more", &one_that_remembers());
    let accepted = Replacement { accept_more: true, ..by(&path) };
    let change = bench.host.swap("p", &accepted, &one_crash().1).unwrap();
    assert!(
        change.notes.contains(&"+ imports `provost:plugin/memory@0.1.0`".to_owned()),
        "{:#?}",
        change.notes
    );
}

#[test]
fn editing_the_file_does_nothing_until_it_is_reloaded() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    bench.file("p", &policy_with_delay(2));
    assert_eq!(ask(&handle).unwrap().action, restart(1));
    bench.host.swap("p", &Replacement::default(), &one_crash().1).unwrap();
    assert_eq!(ask(&handle).unwrap().action, restart(2));
}

#[test]
fn an_unloaded_plugin_answers_so_until_it_is_loaded_again() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    assert_eq!(bench.host.unload("p").unwrap().after, None);
    assert!(bench.host.reports().is_empty() && Plugins::policy(&bench.host, "p").is_none());
    assert_eq!(ask(&handle).unwrap_err().kind, FaultKind::Unloaded);
    assert_eq!(bench.host.unload("p").unwrap_err().kind, PluginRefusalKind::Unknown);
    let wanted = PluginWanted {
        name: "p".to_owned(),
        component: bench.file("p", &policy_with_delay(3)).display().to_string(),
        settings_json: "{}".to_owned(),
        ..PluginWanted::default()
    };
    let report = bench.host.load_wanted(&wanted).unwrap();
    assert_eq!((report.active.number, report.status), (2, PluginStatus::Active));
    assert_eq!(ask(&bench.host.policy("p").unwrap()).unwrap().action, restart(3));
    assert_eq!(ask(&handle).unwrap_err().kind, FaultKind::Unloaded, "it was taken out of the chains");
    assert_eq!(bench.host.load_wanted(&wanted).unwrap_err().kind, PluginRefusalKind::NameTaken);
}

trait LoadWanted {
    fn load_wanted(&self, wanted: &PluginWanted) -> Result<PluginReport, PluginRefusal>;
}

impl LoadWanted for provost_plugin_host::PluginHost {
    fn load_wanted(&self, wanted: &PluginWanted) -> Result<PluginReport, PluginRefusal> {
        Plugins::load(self, wanted, &one_crash().1).map(|change| change.after.unwrap())
    }
}

#[test]
fn the_former_version_answers_for_one_that_fails() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    assert!(handle.last_good().is_none());
    // It answers in its trial (failures 1, restarts 0, seed 1), and traps at the real trigger (seed 42).
    let trap = policy(
        "(if (i64.eq (local.get $seed) (i64.const 42)) (then unreachable))
         (call $drop (local.get $world)) (i32.const 64)",
    );
    swap(&bench, "p", &trap).unwrap();
    assert_eq!(ask(&handle).unwrap_err().kind, FaultKind::Trap);
    assert_eq!(ask(&handle.last_good().unwrap()).unwrap().action, restart(1));
    assert_eq!(bench.host.reports()[0].former.as_ref().unwrap().figures.calls, 1);
}

#[test]
fn a_version_that_never_answered_well_does_not_stand_in_for_another() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    ask(&handle).unwrap();
    // It answers in its trial, whose seed is 1, and traps when it is asked.
    let bad = policy(
        "(if (i64.eq (local.get $seed) (i64.const 42)) (then unreachable)) (call $drop (local.get $world)) (i32.const 64)",
    );
    swap(&bench, "p", &bad).unwrap();
    ask(&handle).unwrap_err();
    let notes = swap(&bench, "p", &bad).unwrap();
    assert_eq!(
        notes[notes.len() - 2..],
        [
            "version 3 is in force, version 1 is kept warm",
            "version 2 has never answered well: it is not kept"
        ]
    );
    ask(&handle).unwrap_err();
    assert_eq!(ask(&handle.last_good().unwrap()).unwrap().action, restart(1));
    bench.host.rollback("p").unwrap();
    assert_eq!(ask(&handle).unwrap().action, restart(1));
    assert!(handle.last_good().is_none(), "version 3 has never answered well either");
}

#[test]
fn a_number_is_given_once_and_not_to_a_refused_version() {
    let bench = Bench::new();
    let wanted = |judges| PluginWanted {
        name: "p".to_owned(),
        component: "bundled:notify".to_owned(),
        settings_json: "{}".to_owned(),
        judges,
        ..PluginWanted::default()
    };
    let refused = bench.host.load_wanted(&wanted(true)).unwrap_err();
    assert!(refused.message.contains("exports no policy"), "{refused:?}");
    assert!(bench.host.reports().is_empty());
    let number = |bench: &Bench| bench.host.load_wanted(&wanted(false)).unwrap().active.number;
    assert_eq!(number(&bench), 1);
    let broken = bench.file("broken", b"no component");
    bench.host.swap("p", &by(&broken), &one_crash().1).unwrap_err();
    let consumer = bench.host.consumer("p").unwrap();
    bench.host.unload("p").unwrap();
    assert_eq!(number(&bench), 2);
    assert!(consumer.is_gone(), "otherwise changes would be delivered twice");
}

#[test]
fn a_name_that_the_config_would_refuse_is_refused_live_and_so_is_a_malformed_pin() {
    let bench = Bench::new();
    let wanted = |name: &str| PluginWanted {
        name: name.to_owned(),
        component: "bundled:notify".to_owned(),
        settings_json: "{}".to_owned(),
        ..PluginWanted::default()
    };
    for name in ["", "all", "failsafe", "keys", "a/b", "a\nb", "'"] {
        let refused = bench.host.load_wanted(&wanted(name)).unwrap_err();
        assert_eq!(refused.kind, PluginRefusalKind::Check, "{refused:?}");
    }
    let pinned = PluginWanted { sha256: Some("abc".to_owned()), ..wanted("p") };
    let refused = bench.host.load_wanted(&pinned).unwrap_err();
    assert!(refused.message.contains("`abc` is not a SHA-256"), "{refused:?}");
    let nowhere = PluginWanted { component: String::new(), ..wanted("p") };
    let refused = bench.host.load_wanted(&nowhere).unwrap_err();
    assert!(refused.message.contains("the path of the component is empty"), "{refused:?}");
    assert!(bench.host.reports().is_empty());
}

#[test]
fn limits_can_be_set_at_a_load_and_are_kept_at_a_swap_unless_it_sets_others() {
    let bench = Bench::new();
    let limits = |name: &str, figure: u64| LimitsWanted {
        figures: [(name.to_owned(), figure)].into(),
        quarantine: Some(Intensity { faults: 2, per_ms: 7 }),
    };
    let wanted = PluginWanted {
        name: "p".to_owned(),
        component: bench.file("p", &policy_with_delay(3)).display().to_string(),
        settings_json: "{}".to_owned(),
        limits: limits("call_time", 20_000),
        ..PluginWanted::default()
    };
    let of = |report: &PluginReport, name: &str| report.active.limits.get(name).copied();
    let report = bench.host.load_wanted(&wanted).unwrap();
    assert_eq!((of(&report, "call_time"), of(&report, "handles")), (Some(20_000), Some(64)));
    assert_eq!(report.active.quarantine, Some(Intensity { faults: 2, per_ms: 7 }));
    let world = one_crash().1;
    let by = Replacement { limits: limits("handles", 9), ..Replacement::default() };
    let report = bench.host.swap("p", &by, &world).unwrap().after.unwrap();
    assert_eq!((of(&report, "call_time"), of(&report, "handles")), (Some(20_000), Some(9)));

    for (name, figure, why) in
        [("momery", 1, "there is no limit `momery`"), ("memory", u64::MAX, "at most 256 MiB")]
    {
        let by = Replacement { limits: limits(name, figure), ..Replacement::default() };
        let refused = bench.host.swap("p", &by, &world).unwrap_err();
        assert!(refused.kind == PluginRefusalKind::Check && refused.message.contains(why), "{refused:?}");
    }
    assert_eq!(bench.host.reports()[0].active.number, 2);
}

#[test]
fn a_component_with_another_digest_than_the_pinned_one_is_refused_and_both_are_named() {
    let bench = Bench::new();
    let mut spec = bench.spec("p", &components::good_policy());
    spec.sha256 = Some("00".repeat(32));
    bench.load(spec).unwrap();
    let fault = ask(&bench.host.policy("p").unwrap()).unwrap_err();
    let digest = &bench.host.reports()[0].active.digest;
    assert!(fault.message.starts_with(&format!("its SHA-256 is {digest} but only 0000")), "{fault}");
}

#[test]
fn ten_megabytes_of_settings_are_refused_with_the_figure() {
    let bench = Bench::new();
    let mut spec = bench.spec("p", &components::good_policy());
    spec.settings_json = format!("{{\"x\":\"{}\"}}", "y".repeat(10_000_000));
    let error = bench.load(spec).unwrap_err();
    assert!(matches!(error, LoadError::SettingsTooLarge(_)), "{error}");
    assert!(error.to_string().contains("have 10000008 bytes, and at most 1 MiB are allowed"), "{error}");
}

#[test]
fn under_a_thousand_swaps_every_decision_is_made_once_by_one_of_the_two() {
    let bench = Bench::new();
    let handle = bench.policy("p", &policy_with_delay(1));
    let paths = [bench.file("one", &policy_with_delay(1)), bench.file("two", &policy_with_delay(2))];
    let (_registry, world) = one_crash();
    let over = Arc::new(AtomicBool::new(false));
    let made = Arc::new(AtomicU64::new(0));
    let asked = std::thread::spawn({
        let (world, over, made) = (world.clone(), over.clone(), made.clone());
        move || {
            let mut answers = [0_u64; 2];
            // There are at least ten thousand decisions, and they go on as long as the swaps.
            while made.load(Ordering::Acquire) < 10_000 || !over.load(Ordering::Acquire) {
                let decision = handle.on_exit(&guests::ended(), &world).unwrap();
                let by = [restart(1), restart(2)].iter().position(|known| *known == decision.action);
                answers[by.unwrap()] += 1;
                made.fetch_add(1, Ordering::AcqRel);
            }
            answers
        }
    });
    // The calls that the versions have counted, by their answers.
    let mut counted = [0_u64; 2];
    let mut count = |version: &provost_state::PluginVersion| {
        counted[usize::from(*version.source == *paths[1].display().to_string())] += version.figures.calls;
    };
    for turn in 0..1_000 {
        bench.host.swap("p", &by(&paths[(turn + 1) % 2]), &world).unwrap();
        // Once two more decisions are made, no call is in progress on the version that was swapped.
        let enough = made.load(Ordering::Acquire) + 2;
        while made.load(Ordering::Acquire) < enough && !asked.is_finished() {
            std::thread::yield_now();
        }
        count(&bench.host.reports().remove(0).former.unwrap());
    }
    over.store(true, Ordering::Release);
    let answers = asked.join().unwrap();
    let report = bench.host.reports().remove(0);
    assert_eq!(report.active.number, 1_001);
    count(&report.active);
    assert_eq!(answers, counted);
    assert!(answers.iter().all(|answers| *answers > 0), "{answers:?}");
}
