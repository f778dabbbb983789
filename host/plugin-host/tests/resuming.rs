//! Plugins of a former host: the same versions, the same quarantine, and components that are gone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, ask, one_crash, restart};
use provost_plugin_host::{Before, Kept};
use provost_state::{LimitsWanted, PluginStatus, Plugins, Replacement};
use provost_tests::components::{good_policy, policy_with_delay};

fn by(component: &std::path::Path) -> Replacement {
    Replacement {
        component: Some(component.display().to_string()),
        settings_json: None,
        limits: LimitsWanted::default(),
        accept_more: true,
    }
}

#[test]
fn a_plugin_has_the_same_versions_as_before_and_is_quarantined_again_unless_its_component_is_another_one() {
    let bench = Bench::new();
    let (_registry, world) = one_crash();
    bench.load(bench.spec("p", &policy_with_delay(1))).unwrap();
    let second = bench.file("second", &policy_with_delay(2));
    bench.host.swap("p", &by(&second), &world).unwrap();
    bench.host.rollback("p").unwrap();
    let Kept { active, former, quarantined, is_compiling } = bench.host.kept("p").unwrap();
    let former = former.unwrap();
    assert_eq!((active.number, former.number, quarantined, is_compiling), (1, 2, None, false));

    let before = |digest: &str| Before {
        number: active.number,
        former: Some((former.spec.clone(), former.number)),
        quarantined: Some(("too often".into(), digest.into())),
    };
    let next = bench.again();
    next.begin_after(active.spec.clone(), before(&active.digest)).unwrap().finish(&world).unwrap();
    let again = next.kept("p").unwrap();
    assert_eq!((again.active.number, again.former.unwrap().number), (1, 2));
    assert_eq!(again.quarantined.as_deref(), Some("too often"));
    next.rollback("p").unwrap();
    assert_eq!(ask(&next.policy("p").unwrap()).unwrap().action, restart(2));
    next.swap("p", &by(&second), &world).unwrap();
    assert_eq!(next.kept("p").unwrap().active.number, 3, "no number means two versions");

    let last = bench.again();
    last.begin_after(active.spec.clone(), before("another")).unwrap().finish(&world).unwrap();
    assert_eq!(last.kept("p").unwrap().quarantined, None);
}

#[test]
fn a_plugin_whose_component_is_gone_is_refused_with_the_reason_until_it_is_swapped() {
    let bench = Bench::new();
    let (_registry, world) = one_crash();
    let spec = bench.spec("p", &good_policy());
    let elsewhere = bench.file("elsewhere", &policy_with_delay(7));
    std::fs::remove_file(bench.dir.path().join("p.wasm")).unwrap();
    let error = bench.host.begin(spec.clone()).unwrap_err();
    bench.host.begin_without(spec, 4, &error).unwrap();
    let report = bench.host.reports().remove(0);
    let PluginStatus::Refused(why) = report.status else { panic!("{report:?}") };
    assert!(why.starts_with("there is no file"), "{why}");
    let policy = bench.host.policy("p").unwrap();
    assert!(ask(&policy).unwrap_err().to_string().contains("there is no file"));
    bench.host.swap("p", &by(&elsewhere), &world).unwrap();
    assert_eq!(ask(&policy).unwrap().action, restart(7));
    assert_eq!(bench.host.kept("p").unwrap().active.number, 5);
}
