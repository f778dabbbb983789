//! The bundled components, in the host that contains them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::Bench;
use provost_plugin_host::{Grants, Nowhere, PluginSpec, Source, bundled_names, inspect};
use provost_state::{Batch, PluginStatus, Plugins, RulingAction, ViewRequest};

fn load(bench: &Bench, name: &str) {
    let spec = PluginSpec {
        name: name.into(),
        source: Source::parse(&format!("bundled:{name}")),
        settings_json: if name == LIMITED { r#"{"rss_max": "1GiB"}"# } else { "{}" }.to_owned(),
        limits: guests::patient(),
        sha256: None,
        grants: Grants::default(),
    };
    bench.load(spec).unwrap();
}

/// The component that needs a setting: it has no limit unless one is set.
const LIMITED: &str = "recycler";

/// The component that needs access to the outside, and so a grant.
const REACHES: &str = "webhook";

#[test]
fn every_bundled_component_but_the_webhook_is_admitted_and_imports_nothing_but_the_contract() {
    assert_eq!(
        bundled_names(),
        ["backoff", "supervisord", "systemd", "kubernetes", "otp", LIMITED, "prometheus", "notify", REACHES]
    );
    let bench = Bench::new();
    for name in bundled_names().iter().filter(|name| **name != REACHES) {
        let compiler: std::sync::Arc<dyn provost_plugin_host::Compiler> =
            std::sync::Arc::new(provost_plugin_host::InProcess);
        let inspection =
            inspect(&Source::parse(&format!("bundled:{name}")).read(&Nowhere).unwrap(), &compiler).unwrap();
        assert_eq!(inspection.refusal, None, "{name}");
        load(&bench, name);
    }
    for report in bench.host.reports() {
        assert_eq!(report.status, PluginStatus::Active, "{}", report.name);
        assert_eq!(*report.active.source, format!("bundled:{}", report.name));
    }
}

#[test]
fn the_webhook_is_refused_until_it_is_granted_a_server() {
    let bench = Bench::new();
    load(&bench, REACHES);
    let status = bench.host.reports().remove(0).status;
    let told = |why: &str| {
        why.starts_with("it imports `wasi:http/types@") && why.contains("allow = [\"http-out:HOST:PORT\"]")
    };
    assert!(matches!(&status, PluginStatus::Refused(why) if told(why)), "{status:?}");
    let wanted = provost_state::PluginWanted {
        name: "granted".to_owned(),
        component: format!("bundled:{REACHES}"),
        settings_json: r#"{"url": "http://127.0.0.1:1/"}"#.to_owned(),
        allow: vec!["http-out:127.0.0.1:1".to_owned()],
        ..provost_state::PluginWanted::default()
    };
    let (_registry, world) = guests::one_crash();
    let loaded = Plugins::load(&bench.host, &wanted, &world).unwrap();
    assert_eq!(loaded.after.unwrap().status, PluginStatus::Active);
}

#[test]
fn backoff_restarts_what_has_crashed() {
    let bench = Bench::new();
    load(&bench, "backoff");
    let decision = guests::ask(&bench.host.policy("backoff").unwrap()).unwrap();
    assert!(matches!(decision.action, Some(RulingAction::Restart { .. })), "{decision:?}");
    assert!(!decision.reason.is_empty());
}

#[test]
fn prometheus_renders_the_columns_of_the_world() {
    let bench = Bench::new();
    load(&bench, "prometheus");
    let (_registry, world) = guests::one_crash();
    let response = bench.host.view("prometheus").unwrap().render(&ViewRequest::default(), &world).unwrap();
    let text = String::from_utf8(response.body).unwrap();
    assert!(text.contains("web"), "{text}");
    assert!(text.contains("# TYPE "), "{text}");
}

#[test]
fn notify_takes_every_change() {
    let bench = Bench::new();
    load(&bench, "notify");
    let (registry, world) = guests::one_crash();
    let page = registry.reader().changes_since(provost_state::Generation(0), 100);
    let batch = Batch { changes: page.changes, missed: 2 };
    let mut consumers = bench.consumers();
    for _ in 0..3 {
        consumers[0].on_change(&batch, &world).unwrap();
    }
    assert!(bench.host.reports()[0].active.figures.faults.is_empty());
}
