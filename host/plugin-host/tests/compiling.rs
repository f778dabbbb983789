//! A plugin that is being compiled answers with that fault, nothing else waits for it, and then it is admitted like any
//! other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use guests::{Bench, ask};
use provost_plugin_host::{CompileError, Compiler, HostOptions, InProcess, Layout, LoadError, PluginHost};
use provost_state::{FaultKind, Judgement, PluginStatus, PluginWanted, Plugins, Replacement};
use provost_tests::components;

/// A compiler that reports each request and waits for a verdict.
#[derive(Debug)]
struct Held {
    begun: Mutex<Sender<()>>,
    let_go: Mutex<Receiver<Result<(), CompileError>>>,
}

impl Compiler for Held {
    fn compile(&self, component: &[u8], layout: Layout) -> Result<Vec<u8>, CompileError> {
        // Not every test receives this.
        let _ = self.begun.lock().unwrap().send(());
        let verdict = self.let_go.lock().unwrap().recv().unwrap();
        verdict.and_then(|()| InProcess.compile(component, layout))
    }
}

struct Slow {
    bench: Bench,
    begun: Receiver<()>,
    let_go: Sender<Result<(), CompileError>>,
}

fn slow() -> Slow {
    let dir = tempfile::tempdir().unwrap();
    let ((began, begun), (let_go, held)) = (channel(), channel());
    let compiler = Arc::new(Held { begun: Mutex::new(began), let_go: Mutex::new(held) });
    let host = PluginHost::new(HostOptions { compiler, ..guests::options(dir.path()) });
    Slow { bench: Bench { dir, host }, begun, let_go }
}

fn status(host: &PluginHost, name: &str) -> PluginStatus {
    host.reports().into_iter().find(|report| &*report.name == name).unwrap().status
}

#[test]
fn a_plugin_answers_that_it_is_being_compiled_until_it_is_ready() {
    let Slow { bench, let_go, .. } = slow();
    let pending = bench.host.begin(bench.spec("judge", &components::good_policy())).unwrap();
    let policy = bench.host.policy("judge").unwrap();
    assert!(policy.judges(Judgement::Restart) && !policy.judges(Judgement::Start), "its roles are known");
    let fault = ask(&policy).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Compiling);
    assert!(fault.message.starts_with("it is not ready: its component ("), "{fault}");
    assert!(matches!(status(&bench.host, "judge"), PluginStatus::Compiling(_)));
    assert!(bench.host.view("judge").is_none() && bench.host.consumer("judge").is_none());
    let refusal = bench.host.swap("judge", &Replacement::default(), &Arc::default()).unwrap_err();
    assert!(refusal.message.contains("is not ready yet"), "{refusal:?}");
    let_go.send(Ok(())).unwrap();
    assert!(pending.finish(&Arc::default()).unwrap().is_none());
    assert_eq!(ask(&policy).unwrap().action, guests::restart(250));
    assert_eq!((status(&bench.host, "judge"), policy.version()), (PluginStatus::Active, 1));
    assert_eq!(bench.host.reports()[0].active.figures.calls, 1, "neither the trial nor the wait is counted");
}

#[test]
fn a_plugin_that_is_not_a_policy_is_recognised_before_it_is_compiled() {
    let Slow { bench, .. } = slow();
    let _pending = bench.host.begin(bench.spec("page", &components::view("(i32.const 64)"))).unwrap();
    let error = bench.host.policy("page").unwrap_err().to_string();
    assert_eq!(error, "plugin `page` is not a policy: it exports status-view and judges nothing");
}

#[test]
fn a_limit_of_the_compilation_is_the_reason_for_the_refusal() {
    let Slow { bench, let_go, .. } = slow();
    let why = CompileError::Failed("was not compiled: that takes too long".into());
    let_go.send(Err(why.clone())).unwrap();
    bench.host.load(bench.spec("bomb", &components::good_policy())).unwrap();
    let refused = PluginStatus::Refused("it was not compiled: that takes too long".into());
    assert_eq!(status(&bench.host, "bomb"), refused);
    let_go.send(Err(why)).unwrap();
    let component = bench.file("live", &components::good_policy()).display().to_string();
    let wanted = PluginWanted {
        name: "live".into(),
        component,
        settings_json: "{}".into(),
        ..PluginWanted::default()
    };
    let refusal = bench.host.load_wanted(&wanted).unwrap_err();
    assert!(refusal.contains("it was not compiled: that takes too long"), "{refusal}");
    assert_eq!(bench.host.reports().len(), 1);
}

/// The `load` of the port, which is shadowed by that of the host.
trait LoadWanted {
    fn load_wanted(&self, wanted: &PluginWanted) -> Result<(), String>;
}

impl LoadWanted for PluginHost {
    fn load_wanted(&self, wanted: &PluginWanted) -> Result<(), String> {
        Plugins::load(self, wanted, &Arc::default()).map(drop).map_err(|refusal| refusal.message)
    }
}

#[test]
fn a_component_that_turns_out_to_be_invalid_is_an_error_and_is_not_added() {
    let Slow { bench, let_go, .. } = slow();
    let_go.send(Err(CompileError::Invalid("no".into()))).unwrap();
    let error = bench.host.load(bench.spec("p", &components::good_policy())).unwrap_err();
    assert!(matches!(error, LoadError::Component { .. }), "{error}");
    assert!(bench.host.reports().is_empty());
}

#[test]
fn other_plugins_are_loaded_changed_and_unloaded_while_one_is_compiled() {
    let Slow { bench, begun, let_go } = slow();
    let_go.send(Ok(())).unwrap();
    bench.policy("other", &components::good_policy());
    begun.recv().unwrap();
    let late = bench.spec("late", &components::policy_with_delay(9));
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| bench.host.load(late));
        begun.recv().unwrap();
        // The code for these is in the cache, so nothing is compiled.
        bench.host.swap("other", &Replacement::default(), &Arc::default()).unwrap();
        bench.host.rollback("other").unwrap();
        bench.policy("third", &components::good_policy());
        bench.host.unload("third").unwrap();
        let_go.send(Ok(())).unwrap();
        loading.join().unwrap().unwrap();
    });
    assert_eq!(ask(&bench.host.policy("late").unwrap()).unwrap().action, guests::restart(9));
}

#[test]
fn a_plugin_that_is_unloaded_while_it_is_compiled_stays_away() {
    let Slow { bench, let_go, .. } = slow();
    let pending = bench.host.begin(bench.spec("judge", &components::good_policy())).unwrap();
    let policy = bench.host.policy("judge").unwrap();
    bench.host.unload("judge").unwrap();
    let_go.send(Ok(())).unwrap();
    pending.finish(&Arc::default()).unwrap();
    assert_eq!(ask(&policy).unwrap_err().kind, FaultKind::Unloaded);
    assert!(bench.host.reports().is_empty());
}

#[test]
fn a_plugin_whose_preparation_is_given_up_is_refused() {
    let Slow { bench, .. } = slow();
    drop(bench.host.begin(bench.spec("judge", &components::good_policy())).unwrap());
    assert!(matches!(status(&bench.host, "judge"), PluginStatus::Refused(_)));
}

#[test]
fn two_swaps_at_the_same_time_are_both_carried_out() {
    let bench = Bench::new();
    let policy = bench.policy("judge", &components::good_policy());
    let swapped = |delay: u64| {
        let component = bench.file(&format!("swap-{delay}"), &components::policy_with_delay(delay));
        let component = Some(component.display().to_string());
        bench
            .host
            .swap("judge", &Replacement { component, ..Replacement::default() }, &Arc::default())
            .unwrap();
    };
    std::thread::scope(|scope| {
        for delay in [1, 2] {
            let swapped = &swapped;
            scope.spawn(move || swapped(delay));
        }
    });
    assert_eq!(policy.version(), 3);
}

#[test]
fn a_policy_that_traps_at_every_call_is_quarantined_from_the_start_and_asked_when_it_is_revived() {
    let bench = Bench::new();
    bench.host.load(bench.spec("bad", &components::policy("unreachable"))).unwrap();
    let PluginStatus::Quarantined(why) = status(&bench.host, "bad") else { panic!("it is in force") };
    assert!(why.starts_with("its trial as restart-policy failed ("), "{why}");
    assert_eq!(ask(&bench.host.policy("bad").unwrap()).unwrap_err().kind, FaultKind::Quarantined);
    bench.host.revive("bad").unwrap();
    assert_eq!(ask(&bench.host.policy("bad").unwrap()).unwrap_err().kind, FaultKind::Trap);
}
