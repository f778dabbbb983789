//! Injected faults: missing resources, hanging calls, and a task that panics. Each fault is one line; the fail points
//! are compiled in for tests only.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fail::FailScenario;
use provost_state::{
    Cause, ChangeKind, Decision, Ended, EventKind, Exit, Fault, Generation, Judgement, PhaseKind, Policy,
    RulingAction, Scope, Signal, Snapshot,
};
use provost_supervisor::{Check, ProcessSpec, Readiness, Settings, Supervisor};
use shared::{shell, until, until_phase};

fn boot(specs: Vec<ProcessSpec>) -> (Supervisor, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path().join("logs"));
    (Supervisor::boot(settings, specs, Vec::new(), Vec::new()).unwrap(), dir)
}

/// Polls until `holds` returns true, for conditions that make no commit that would wake a waiter.
async fn eventually(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn lacks(supervisor: &Supervisor) -> Vec<String> {
    supervisor
        .degraded()
        .list()
        .into_iter()
        .map(|trouble| format!("{}: {}", trouble.what, trouble.reason))
        .collect()
}

/// Waits until a shortage is shown that begins like this.
async fn until_lacking(supervisor: &Supervisor, beginning: &str) {
    eventually(|| lacks(supervisor).iter().any(|lack| lack.starts_with(beginning))).await;
}

/// Waits until no shortage is shown.
async fn until_nothing_lacks(supervisor: &Supervisor) {
    eventually(|| lacks(supervisor).is_empty()).await;
}

#[tokio::test]
async fn a_process_that_the_kernel_lacks_resources_for_is_started_later_and_has_not_failed() {
    let faults = FailScenario::setup();
    for errno in [libc::EAGAIN, libc::EMFILE, libc::ENOMEM] {
        fail::cfg("spawn.fork", &format!("return({errno})")).unwrap();
        let (supervisor, _dir) = boot(vec![shell("web", "exec sleep 1000")]);
        until_lacking(&supervisor, "spawning: web: ").await;
        assert_eq!(supervisor.reader().snapshot().by_name("web").unwrap().phase.kind(), PhaseKind::Waiting);
        fail::remove("spawn.fork");
        let running = until_phase(&supervisor, "web", PhaseKind::Running).await;
        assert_eq!((running.failures, running.incarnation.0), (0, 1));
        until_nothing_lacks(&supervisor).await;
        supervisor.shutdown(Cause::Shutdown).await;
    }
    faults.teardown();
}

#[tokio::test]
async fn programs_that_hang_in_their_exec_hinder_nobody_else_and_can_be_stopped() {
    let faults = FailScenario::setup();
    fail::cfg("spawn.exec", "pause").unwrap();
    let mut specs: Vec<_> = (0..20).map(|n| shell(&format!("hang-{n}"), "exec sleep 1000")).collect();
    specs.push(shell("web", "exec sleep 1000"));
    let (supervisor, _dir) = boot(specs);
    let web = until_phase(&supervisor, "web", PhaseKind::Running).await;
    // A restart works as well.
    supervisor.signal(web.id, Signal::KILL).await.unwrap();
    until(&supervisor, "web", |state| state.incarnation.0 == 2).await;
    let hanging = supervisor.reader().snapshot().by_name("hang-0").unwrap().clone();
    assert_eq!(hanging.phase.kind(), PhaseKind::Waiting);
    supervisor.stop(hanging.id, Cause::User).await.unwrap();
    until_phase(&supervisor, "hang-0", PhaseKind::Stopped).await;
    // The host shuts down although they hang.
    supervisor.shutdown(Cause::Shutdown).await;
    assert!(supervisor.reader().snapshot().iter().all(|state| !state.phase.kind().is_live()));
    fail::remove("spawn.exec");
    faults.teardown();
}

#[tokio::test]
async fn a_late_spawn_is_ended_before_the_next_one_begins() {
    let faults = FailScenario::setup();
    fail::cfg("spawn.exec", "pause").unwrap();
    let (supervisor, _dir) = boot(vec![shell("hanger", "exec sleep 1000")]);
    let id = supervisor.reader().snapshot().id("hanger").unwrap();
    supervisor.stop(id, Cause::User).await.unwrap();
    supervisor.start(id, Cause::User).await.unwrap();
    assert_eq!(until_phase(&supervisor, "hanger", PhaseKind::Waiting).await.incarnation.0, 0);
    fail::remove("spawn.exec");
    let running = until_phase(&supervisor, "hanger", PhaseKind::Running).await;
    assert_eq!(running.incarnation.0, 1);
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_runner_that_panics_when_a_late_spawn_is_gone_is_replaced_once() {
    let faults = FailScenario::setup();
    fail::cfg("spawn.exec", "pause").unwrap();
    let (supervisor, _dir) = boot(vec![shell("hanger", "exec sleep 1000")]);
    let id = supervisor.reader().snapshot().id("hanger").unwrap();
    supervisor.stop(id, Cause::User).await.unwrap();
    supervisor.start(id, Cause::User).await.unwrap();
    // The next input of the runner reports that the late spawn is gone.
    fail::cfg("runner.panic", "1*return(hanger)->off").unwrap();
    fail::remove("spawn.exec");
    let running = until_phase(&supervisor, "hanger", PhaseKind::Running).await;
    assert_eq!(running.incarnation.0, 1);
    let changes = supervisor.reader().changes_since(Generation(0), 1_000).changes;
    let taken_over = |change: &&provost_state::Change| change.kind == ChangeKind::Event(EventKind::TakenOver);
    assert_eq!(changes.iter().filter(taken_over).count(), 1);
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn threads_that_cannot_be_started_are_tried_again_and_nothing_is_lost() {
    let faults = FailScenario::setup();
    fail::cfg("thread.start", "return").unwrap();
    let (supervisor, _dir) = boot(vec![shell("web", "exec sleep 1000")]);
    until_lacking(&supervisor, "threads for spawning").await;
    let id = supervisor.reader().snapshot().id("web").unwrap();
    supervisor.start(id, Cause::User).await.unwrap();
    fail::remove("thread.start");
    let running = until_phase(&supervisor, "web", PhaseKind::Running).await;
    supervisor.signal(running.id, Signal::KILL).await.unwrap();
    until(&supervisor, "web", |state| state.incarnation.0 == 2).await;
    eventually(|| !lacks(&supervisor).iter().any(|lack| lack.starts_with("threads for spawning"))).await;
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_lack_of_threads_ends_when_no_job_waits_for_one_although_none_was_started() {
    let faults = FailScenario::setup();
    let (supervisor, _dir) = boot(Vec::new());
    let (loads, degraded) = (supervisor.jobs().loads.clone(), supervisor.degraded().clone());
    fail::cfg("thread.start", "return").unwrap();
    // The only thread is busy until the second job lacks one, and carries it out.
    let first = loads.run(move || {
        while degraded.list().is_empty() {
            std::thread::yield_now();
        }
    });
    assert_eq!(tokio::join!(first, loads.run(|| 7)), (Ok(()), Ok(7)));
    until_nothing_lacks(&supervisor).await;
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_job_that_lacks_a_thread_is_carried_out_although_nobody_waits_for_it_any_more() {
    let faults = FailScenario::setup();
    let (supervisor, _dir) = boot(Vec::new());
    fail::cfg("thread.start", "return").unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let (fetches, count) = (supervisor.jobs().fetches.clone(), done.clone());
    let caller = tokio::spawn(async move { fetches.run(move || count.fetch_add(1, Ordering::SeqCst)).await });
    until_lacking(&supervisor, "threads for fetching").await;
    caller.abort();
    assert!(caller.await.is_err_and(|error| error.is_cancelled()));
    fail::remove("thread.start");
    eventually(|| done.load(Ordering::SeqCst) == 1 && lacks(&supervisor).is_empty()).await;
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_lack_of_resources_ends_with_the_last_start_that_has_it_even_if_that_is_given_up() {
    let faults = FailScenario::setup();
    fail::cfg("spawn.fork", &format!("return({})", libc::EAGAIN)).unwrap();
    let (supervisor, _dir) = boot(vec![shell("web", "exec sleep 1000"), shell("api", "exec sleep 1000")]);
    let ids = ["web", "api"].map(|name| supervisor.reader().snapshot().id(name).unwrap());
    for name in ["spawning: web: ", "spawning: api: "] {
        until_lacking(&supervisor, name).await;
    }
    supervisor.stop(ids[0], Cause::User).await.unwrap();
    until_lacking(&supervisor, "spawning: api: ").await;
    supervisor.stop(ids[1], Cause::User).await.unwrap();
    until_nothing_lacks(&supervisor).await;
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_runner_that_panics_while_it_ends_a_late_process_still_has_it_judged() {
    let faults = FailScenario::setup();
    let check = Check::LogLine("never".into());
    let ready = Readiness { check, every_ms: 10, timeout_ms: 10, within_ms: Some(2_000), own_port: false };
    let stubborn = "trap '' TERM; while :; do sleep 0.05; done";
    let spec = ProcessSpec { ready: Some(ready), stop_grace_ms: 500, ..shell("web", stubborn) };
    let (supervisor, _dir) = boot(vec![spec]);
    let late = until_phase(&supervisor, "web", PhaseKind::Stopping).await;
    fail::cfg("runner.panic", "1*return(web)").unwrap();
    let _ = supervisor.signal(late.id, Signal::CONT).await;
    until(&supervisor, "web", |state| state.reason.starts_with("taken over")).await;
    let judged = until_phase(&supervisor, "web", PhaseKind::Backoff).await;
    assert!(matches!(judged.exit, Some(Exit::NotReady(_))), "{judged:?}");
    assert_eq!(judged.failures, 1);
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_runner_that_panics_is_replaced_with_its_child_and_says_so() {
    let faults = FailScenario::setup();
    let (supervisor, _dir) = boot(vec![shell("web", "exec sleep 1000"), shell("other", "exec sleep 1000")]);
    let before = until_phase(&supervisor, "web", PhaseKind::Running).await;
    fail::cfg("runner.panic", "1*return(web)").unwrap();
    let lost = supervisor.signal(before.id, Signal::CONT).await;
    assert_eq!(lost, Err(provost_supervisor::Refusal::Lost));
    let taken = until(&supervisor, "web", |state| state.reason.starts_with("taken over")).await;
    assert_eq!(
        (taken.pid(), taken.incarnation, taken.phase.kind()),
        (before.pid(), before.incarnation, PhaseKind::Running)
    );
    let changes = supervisor.reader().changes_since(Generation(0), 1_000).changes;
    assert!(changes.iter().any(|change| change.kind == ChangeKind::Event(EventKind::TakenOver)));
    // The new runner sees the exit of the child that it has taken over, and obeys.
    supervisor.signal(before.id, Signal::KILL).await.unwrap();
    until(&supervisor, "web", |state| state.incarnation.0 == 2 && state.phase.kind() == PhaseKind::Running)
        .await;
    supervisor.stop(before.id, Cause::User).await.unwrap();
    until_phase(&supervisor, "web", PhaseKind::Stopped).await;
    supervisor.shutdown(Cause::Shutdown).await;
    faults.teardown();
}

#[tokio::test]
async fn a_runner_that_panics_at_any_step_of_an_incarnation_loses_and_doubles_no_child() {
    let faults = FailScenario::setup();
    // The nth input makes its runner panic, for each n that a start, a crash and a stop take.
    for nth in 1..=6 {
        fail::cfg("runner.panic", &format!("{nth}*off->1*return(web)->off")).unwrap();
        let (supervisor, dir) = boot(vec![shell("web", "exec sleep 1000")]);
        let id = supervisor.reader().snapshot().id("web").unwrap();
        let ordered =
            |result: Result<(), _>| matches!(result, Ok(()) | Err(provost_supervisor::Refusal::Lost));
        until(&supervisor, "web", |state| state.phase.kind() == PhaseKind::Running).await;
        // The order may be the input that was lost; then it is repeated.
        while supervisor.signal(id, Signal::KILL).await.is_err() {}
        until(&supervisor, "web", |state| {
            state.incarnation.0 == 2 && state.phase.kind() == PhaseKind::Running
        })
        .await;
        while !ordered(supervisor.stop(id, Cause::User).await) {}
        supervisor.shutdown(Cause::Shutdown).await;
        let state = supervisor.reader().snapshot().by_name("web").unwrap().clone();
        assert_eq!(
            (state.phase.kind(), state.incarnation.0),
            (PhaseKind::Stopped, 2),
            "panic at input {nth}"
        );
        assert_eq!(supervisor.left(), []);
        drop(dir);
    }
    faults.teardown();
}

#[tokio::test]
async fn a_runner_that_panics_at_any_step_of_a_removal_leaves_nothing_behind() {
    let faults = FailScenario::setup();
    for nth in 0..4 {
        let (supervisor, _dir) = boot(vec![shell("panics", "exec sleep 1000")]);
        let before = until_phase(&supervisor, "panics", PhaseKind::Running).await;
        fail::cfg("runner.panic", &format!("{nth}*off->1*return(panics)->off")).unwrap();
        fail::cfg("runner.leave", "1*panic->off").unwrap();
        supervisor.remove(before.id, "removed".into()).await.unwrap();
        fail::remove("runner.panic");
        fail::remove("runner.leave");
        let census = supervisor.census();
        assert_eq!((census.mailboxes, census.specs, census.logs), (0, 0, 0), "panic at input {nth}");
        assert!(supervisor.reader().snapshot().is_empty());
        assert_eq!(supervisor.reader().counters().illegal, 0);
        assert!(std::fs::metadata(format!("/proc/{}", before.pid().unwrap())).is_err());
        // The name can be used again at once.
        let id = supervisor.add(vec![shell("panics", "exec sleep 1000")]).unwrap()[0];
        supervisor.start(id, Cause::Reload).await.unwrap();
        until_phase(&supervisor, "panics", PhaseKind::Running).await;
        supervisor.shutdown(Cause::Shutdown).await;
    }
    faults.teardown();
}

/// Restarts the whole group.
#[derive(Debug)]
struct Together(Arc<str>);

impl Policy for Together {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, _: &Ended, _: &Arc<Snapshot>) -> Result<Decision, Fault> {
        Ok(Decision::new(RulingAction::Restart { delay_ms: 10, scope: Scope::Group }, "together"))
    }
}

#[tokio::test]
async fn a_group_whose_runners_panic_while_it_is_restarted_is_up_again() {
    let faults = FailScenario::setup();
    let member = |name: &str| ProcessSpec {
        group: "team".into(),
        policies: vec![Arc::new(Together("together".into()))],
        ..shell(name, "exec sleep 1000")
    };
    for victim in ["first", "last"] {
        for nth in 0..8 {
            let (supervisor, _dir) = boot(vec![member("first"), member("last")]);
            let first = until_phase(&supervisor, "first", PhaseKind::Running).await;
            until_phase(&supervisor, "last", PhaseKind::Running).await;
            fail::cfg("runner.panic", &format!("{nth}*off->3*return({victim})->off")).unwrap();
            while supervisor.signal(first.id, Signal::KILL).await.is_err() {}
            for name in ["first", "last"] {
                until(&supervisor, name, |state| state.incarnation.0 >= 2 && state.ready()).await;
            }
            fail::remove("runner.panic");
            supervisor.shutdown(Cause::Shutdown).await;
        }
    }
    faults.teardown();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_judged_in_the_middle_of_a_change_is_judged_again_after_it() {
    let faults = FailScenario::setup();
    for waits_for_all in [true, false] {
        let (supervisor, _dir) = boot(vec![shell("web", "exec sleep 1000")]);
        let id = until_phase(&supervisor, "web", PhaseKind::Running).await.id;
        let judgements = Arc::new(AtomicUsize::new(0));
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let (counted, gate) = (judgements.clone(), std::sync::Mutex::new(gate));
        // The first judgement is held back until the change is over.
        fail::cfg_callback("completion.judged", move || {
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                gate.lock().unwrap().recv().unwrap();
            }
        })
        .unwrap();
        let waiting = supervisor.clone();
        let mut over = Box::pin(async move {
            match waits_for_all {
                true => drop(waiting.until_all_completed().await),
                false => drop(waiting.until_completed(id).await),
            }
        });
        // It begins before the change.
        tokio::select! {
            biased;
            () = &mut over => unreachable!("the process runs"),
            () = std::future::ready(()) => {}
        }
        let over = tokio::spawn(over);
        let changing = supervisor.changing();
        supervisor.stop(id, Cause::Reload).await.unwrap();
        eventually(|| judgements.load(Ordering::SeqCst) == 1).await;
        supervisor.start(id, Cause::Reload).await.unwrap();
        until_phase(&supervisor, "web", PhaseKind::Running).await;
        drop(changing);
        release.send(()).unwrap();
        supervisor.stop(id, Cause::User).await.unwrap();
        over.await.unwrap();
        assert_eq!(judgements.load(Ordering::SeqCst), 2, "the process ran again after the first judgement");
        supervisor.shutdown(Cause::Shutdown).await;
    }
    faults.teardown();
}
