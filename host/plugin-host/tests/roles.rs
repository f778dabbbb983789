//! Views and consumers: their answers, and what happens when they fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::Bench;
use provost_plugin_host::Limits;
use provost_state::{Batch, FaultKind, Plugins, ViewRequest};
use provost_tests::components;

#[test]
fn a_view_renders() {
    let bench = Bench::new();
    bench.load(bench.spec("page", &components::view("(i32.const 64)"))).unwrap();
    let (_registry, world) = guests::one_crash();
    let view = bench.host.view("page").unwrap();
    let response = view.render(&ViewRequest::default(), &world).unwrap();
    assert_eq!((response.content_type.as_str(), response.body.as_slice()), ("text/plain", &b"hello"[..]));
    assert!(bench.host.view("nobody").is_none());
}

#[test]
fn a_policy_is_not_available_as_a_view() {
    let bench = Bench::new();
    bench.policy("judge", &components::good_policy());
    assert!(bench.host.view("judge").is_none());
}

#[test]
fn a_body_beyond_its_limit_is_a_fault() {
    let bench = Bench::new();
    let mut spec = bench.spec("page", &components::view("(i32.const 96)"));
    spec.limits = Limits { answer_bytes_max: 1024, ..guests::patient() };
    bench.load(spec).unwrap();
    let (_registry, world) = guests::one_crash();
    let fault = bench.host.view("page").unwrap().render(&ViewRequest::default(), &world).unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Answer, "answered with 4000 bytes and may answer with 1 KiB (limits.answer)")
    );
}

#[test]
fn a_status_that_would_redirect_is_a_fault() {
    let bench = Bench::new();
    bench.load(bench.spec("page", &components::view("(i32.const 160)"))).unwrap();
    let (_registry, world) = guests::one_crash();
    let fault = bench.host.view("page").unwrap().render(&ViewRequest::default(), &world).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Answer);
    assert_eq!(&*fault.message, "answered with the status 302: 200 to 299 and 400 to 599 are possible");
}

#[test]
fn a_malformed_content_type_is_a_fault() {
    let bench = Bench::new();
    bench.load(bench.spec("page", &components::view("(i32.const 128)"))).unwrap();
    let (_registry, world) = guests::one_crash();
    let fault = bench.host.view("page").unwrap().render(&ViewRequest::default(), &world).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Answer);
    let figures = &bench.host.reports()[0].active.figures;
    assert_eq!((figures.calls, figures.faults.as_slice()), (1, &[(FaultKind::Answer, 1)][..]));
    assert_eq!(figures.last_fault.as_ref(), Some(&fault));
}

#[test]
fn a_view_that_loops_ends_at_its_deadline() {
    let bench = Bench::new();
    let mut spec = bench.spec("page", &components::view("(loop $l (br $l)) unreachable"));
    spec.limits = Limits::default();
    bench.load(spec).unwrap();
    let (_registry, world) = guests::one_crash();
    let fault = bench.host.view("page").unwrap().render(&ViewRequest::default(), &world).unwrap_err();
    assert_eq!(&*fault.message, "took longer than its 1000 ms (limits.call_time)");
}

#[test]
fn a_consumer_keeps_its_instance_until_it_fails_and_then_starts_a_new_one() {
    let bench = Bench::new();
    bench.load(bench.spec("counter", &components::consumer_that_traps_at_its_third_call())).unwrap();
    let (_registry, world) = guests::one_crash();
    let mut consumers = bench.consumers();
    let consumer = consumers.first_mut().unwrap();
    let batch = Batch::default();
    let outcomes: Vec<bool> = (0..7).map(|_| consumer.on_change(&batch, &world).is_ok()).collect();
    assert_eq!(outcomes, [true, true, false, true, true, false, true]);
    let figures = &bench.host.reports()[0].active.figures;
    assert_eq!((figures.calls, figures.faults.as_slice()), (7, &[(FaultKind::Trap, 2)][..]));
}

#[test]
fn a_batch_of_changes_reaches_a_consumer() {
    let bench = Bench::new();
    bench.load(bench.spec("counter", &components::consumer_that_traps_at_its_third_call())).unwrap();
    let (registry, world) = guests::one_crash();
    let page = registry.reader().changes_since(provost_state::Generation(0), 100);
    assert_eq!(page.changes.len(), 5);
    let batch = Batch { changes: page.changes, missed: 3 };
    bench.consumers()[0].on_change(&batch, &world).unwrap();
}

#[test]
fn a_batch_that_is_larger_than_the_contract_allows_is_passed_in_parts() {
    let bench = Bench::new();
    bench.load(bench.spec("counter", &components::consumer_that_traps_at_its_third_call())).unwrap();
    let (registry, world) = guests::one_crash();
    let change = registry.reader().changes_since(provost_state::Generation(0), 1).changes.remove(0);
    let three_parts = Batch { changes: vec![change; 2 * 1024 + 1], missed: 0 };
    // The guest traps at its third call, so there were three.
    let fault = bench.consumers()[0].on_change(&three_parts, &world).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Trap, "{fault}");
}

#[test]
fn a_plugin_reads_its_settings() {
    let bench = Bench::new();
    let module = components::policy_module(
        r#"(import "provost:plugin/settings@0.1.0" "json" (func $json (param i32)))"#,
        // The text is written to the place of the decision's reason.
        "(call $json (i32.const 88)) (call $drop (local.get $world)) (i32.const 64)",
    );
    let mut spec =
        bench.spec("mirror", &components::component(&components::contract(), "restart-judge", &module));
    spec.settings_json = r#"{"first":"100ms"}"#.to_owned();
    bench.load(spec).unwrap();
    let decision = guests::ask(&bench.host.policy("mirror").unwrap()).unwrap();
    assert_eq!(&*decision.reason, r#"{"first":"100ms"}"#);
}

#[test]
fn a_plugin_sees_the_snapshot_of_its_call() {
    let bench = Bench::new();
    let module = components::policy_module(
        r#"(import "provost:plugin/snapshots@0.1.0" "[method]snapshot.generation"
            (func $generation (param i32) (result i64)))"#,
        "(i64.store (i32.const 72) (call $generation (local.get $world)))
         (call $drop (local.get $world)) (i32.const 64)",
    );
    let component = components::component(&components::contract(), "restart-judge", &module);
    let policy = bench.policy("seer", &component);
    let (_registry, world) = guests::one_crash();
    let decision = policy.on_exit(&guests::ended(), &world).unwrap();
    assert_eq!(decision.action, guests::restart(world.generation().0));
}

#[test]
fn a_line_of_a_plugin_is_in_the_hosts_log_under_its_name() {
    #[derive(Clone, Default)]
    struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::new();
    bench.load(bench.spec("counter", &components::consumer_that_traps_at_its_third_call())).unwrap();
    let (_registry, world) = guests::one_crash();
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    // Not that of one thread alone: if another test is the first to log such a line meanwhile, it counts as wanted by nobody.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    bench.consumers()[0].on_change(&Batch::default(), &world).unwrap();
    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("INFO provost::plugin: call number 1 plugin=\"counter\""), "{log}");
}
