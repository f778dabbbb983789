//! What operators have changed while the former host ran, and what it has counted: the next host goes on with it.

use std::cell::Cell;
use std::rc::Rc;

use provost_state::{Batch, Consumer, Health, ProcessType};
use provost_supervisor::HealthCheck;

use super::*;

/// A config with one process, whose command has this version.
fn versions(name: &'static str, version: Rc<Cell<u32>>) -> Specs {
    Box::new(move |_| (vec![versioned(name, version.get())], Vec::new()))
}

fn versioned(name: &str, version: u32) -> ProcessSpec {
    ProcessSpec { command: CommandLine::Argv(vec![format!("version {version}")]), ..spec(name) }
}

#[tokio::test(start_paused = true)]
async fn a_change_without_a_restart_is_none_for_the_next_host_and_the_child_keeps_its_old_values() {
    let version = Rc::new(Cell::new(1));
    let obedient = |children: &Scripted| children.cast("web", Manner::Obedient);
    let specs = versions("web", version.clone());
    let mut machine = Machine::start_with(specs, Gate::default(), obedient).await;
    machine.until_life("web", 1).await;
    version.set(2);
    machine.host.reconfigure(machine.state("web").id, versioned("web", 2)).await.unwrap();
    for _ in 0..2 {
        machine.next_host().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let web = machine.state("web");
        assert_eq!((web.incarnation, machine.children.signals("web")), (Incarnation(1), vec![]));
        let then = machine.host.spawned_with(web.id).unwrap();
        assert_eq!(then.spec.command, versioned("web", 1).command);
        assert_eq!(machine.host.spec(web.id).unwrap().command, versioned("web", 2).command);
    }
    // What changes without a host is still put in force, and the next life has it.
    version.set(3);
    machine.next_host().await;
    machine.until_life("web", 2).await;
    let then = machine.host.spawned_with(machine.state("web").id).unwrap();
    assert_eq!(then.spec.command, versioned("web", 3).command);
    // The config that was in force before is another one now.
    version.set(2);
    machine.next_host().await;
    machine.until_life("web", 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_watchdog_is_that_of_the_spawn_also_in_the_next_host() {
    let watchdog_ms = Rc::new(Cell::new(None));
    let with = |watchdog_ms| {
        let check = Check::Notified;
        let ready = Readiness { check, every_ms: 100, timeout_ms: 50, within_ms: None, own_port: false };
        ProcessSpec { ready: Some(ready), watchdog_ms, ..spec("web") }
    };
    let now = watchdog_ms.clone();
    let specs: Specs = Box::new(move |_| (vec![with(now.get())], Vec::new()));
    let obedient = |children: &Scripted| children.cast("web", Manner::Obedient);
    let mut machine = Machine::start_with(specs, Gate::default(), obedient).await;
    let starting = |life| {
        move |state: &ProcessState| {
            state.incarnation == Incarnation(life) && state.phase.kind() == PhaseKind::Starting
        }
    };
    machine.until("web", starting(1)).await;
    machine.children.says("web", "READY=1").await;
    machine.until("web", ProcessState::ready).await;
    // Its child knows of no watchdog, whatever the config says since.
    watchdog_ms.set(Some(1_000));
    machine.host.reconfigure(machine.state("web").id, with(Some(1_000))).await.unwrap();
    machine.next_host().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let web = machine.state("web");
    assert_eq!((web.incarnation, web.health), (Incarnation(1), Health::Unknown));
    assert_eq!(machine.host.spawned_with(web.id).unwrap().spec.watchdog_ms, None);
    // The next life does, and is watched by another host that no longer has it in the config.
    machine.host.restart(web.id, Cause::User).await.unwrap();
    machine.until("web", starting(2)).await;
    machine.children.says("web", "READY=1").await;
    machine.until("web", ProcessState::ready).await;
    watchdog_ms.set(None);
    machine.host.reconfigure(web.id, with(None)).await.unwrap();
    machine.next_host().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let web = machine.state("web");
    assert_eq!(machine.host.spawned_with(web.id).unwrap().spec.watchdog_ms, Some(1_000));
    let third = machine.until("web", starting(3)).await;
    assert_eq!((third.cause, machine.children.spawns("web")), (Cause::Health, 3));
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_group_and_type_change_without_a_restart_keeps_them_in_the_next_host() {
    let is_moved = Rc::new(Cell::new(false));
    let moved = || ProcessSpec {
        group: "new".into(),
        process_type: ProcessType::Job { success_codes: Arc::from([0]) },
        ..spec("web")
    };
    let old = || ProcessSpec { group: "old".into(), ..spec("web") };
    let now = is_moved.clone();
    let specs: Specs = Box::new(move |_| (vec![if now.get() { moved() } else { old() }], Vec::new()));
    let mut machine = Machine::start(specs, Gate::default()).await;
    machine.until_life("web", 1).await;
    is_moved.set(true);
    let id = machine.state("web").id;
    machine.host.reconfigure(id, old()).await.unwrap();
    machine.host.postpone(id, &moved());
    machine.next_host().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let web = machine.state("web");
    assert_eq!((&**web.group(), &web.identity.process_type), ("old", &ProcessType::Service));
    assert_eq!((web.incarnation, machine.children.signals("web")), (Incarnation(1), vec![]));
}

#[tokio::test(start_paused = true)]
async fn replicas_above_the_config_that_were_asked_for_by_hand_go_on() {
    let replica = |number: u32| ProcessSpec { replica: Some(number), ..spec(&format!("web.{number}")) };
    let specs: Specs = Box::new(move |_| {
        let set = ReplicaSet {
            name: "web".into(),
            group: "".into(),
            least: 1,
            most: 2,
            wanted_at_start: 2,
            every_ms: 1_000,
            policies: Vec::new(),
        };
        (vec![replica(1), replica(2), spec("last")], vec![set])
    });
    let mut machine = Machine::start(specs, Gate::default()).await;
    machine.until_life("web.2", 1).await;
    let added = machine.host.add(vec![replica(3), replica(4)]).unwrap();
    machine.host.scale("web", 4, Cause::User).await.unwrap();
    for id in added {
        machine.host.start(id, Cause::User).await.unwrap();
    }
    machine.until_life("web.4", 1).await;
    machine.next_host().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let count = machine.host.replica_sets().remove(0);
    assert_eq!((count.wanted, count.most, count.by_hand), (4, 2, true));
    let names: Vec<_> = machine.host.listing().names.iter().map(|name| name.to_string()).collect();
    assert_eq!(names, ["web.1", "web.2", "web.3", "web.4", "last"]);
    for name in ["web.3", "web.4"] {
        let state = machine.state(name);
        assert_eq!((state.phase.kind(), state.incarnation), (PhaseKind::Running, Incarnation(1)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_backend_in_force_is_kept_without_any_process() {
    let mut machine = Machine::start(Box::new(|_| (Vec::new(), Vec::new())), Gate::default()).await;
    let locked = Routing { backend: Backend::Locked, ..Routing::default() };
    machine.host.reroute(|_| locked);
    machine.next_host().await;
    assert_eq!(machine.host.reader().routing(), locked);
}

#[tokio::test(start_paused = true)]
async fn failed_health_checks_in_a_row_and_restarts_for_them_count_on() {
    type Seen = Arc<Mutex<Vec<(u64, u32)>>>;
    let seen = Seen::default();
    let heard = seen.clone();
    let specs: Specs = Box::new(move |_| {
        let heard = heard.clone();
        let probe = move |it: &Observation| {
            heard.lock().unwrap().push((it.incarnation.0, it.in_a_row));
            let action = match it.in_a_row {
                6.. => HealthAction::Restart,
                _ => HealthAction::Hold(Health::Degraded),
            };
            Ok(Decision::new(action, format!("failure {}", it.in_a_row)))
        };
        let patient = Judge { name: "patient".into(), probe: Some(Box::new(probe)), ..Judge::default() };
        // It always fails.
        let check = Check::LogLine("x".into());
        let health = Some(HealthCheck { check, every_ms: 100, timeout_ms: 50, failures: 3 });
        (vec![ProcessSpec { health, policies: vec![Arc::new(patient)], ..spec("web") }], Vec::new())
    });
    let obedient = |children: &Scripted| children.cast("web", Manner::Obedient);
    let mut machine = Machine::start_with(specs, Gate::default(), obedient).await;
    let known = |seen: &Seen| seen.lock().unwrap().len();
    machine.until("web", |_| known(&seen) >= 2).await;
    let failing = machine.until("web", |state| state.failing.is_some()).await.failing.clone().unwrap();
    machine.next_host().await;
    let restarted = machine.until("web", |state| state.incarnation.0 == 2).await;
    assert_eq!(restarted.failures, 0, "it has not crashed");
    let counted: Vec<(u64, u32)> =
        seen.lock().unwrap().iter().copied().filter(|(life, _)| *life == 1).collect();
    assert_eq!(counted, (1..=6).map(|in_a_row| (1, in_a_row)).collect::<Vec<_>>());
    machine.next_host().await;
    let again = machine.until("web", |state| state.failing.is_some()).await;
    assert!(again.failing.as_ref().unwrap().since.mono_ns > failing.since.mono_ns, "that was another life");
}

/// A consumer that keeps how many changes each call missed.
#[derive(Debug)]
struct Ears(Arc<str>, Arc<Mutex<Vec<u64>>>);

impl Consumer for Ears {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn is_gone(&self) -> bool {
        false
    }

    fn on_change(&mut self, batch: &Batch, _: &Arc<Snapshot>) -> Result<(), Fault> {
        self.1.lock().unwrap().push(batch.missed);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_is_told_how_many_changes_it_has_missed_between_two_hosts_and_no_more() {
    let mut machine = Machine::start(one(|| spec("web")), Gate::default()).await;
    machine.until_life("web", 1).await;
    let missed = Arc::<Mutex<Vec<u64>>>::default();
    machine.next_host_telling(vec![Box::new(Ears("ears".into(), missed.clone()))]).await;
    machine.children.end("web", Exit::Code(1));
    machine.until_life("web", 2).await;
    // The consumer has its own thread.
    while missed.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let missed = missed.lock().unwrap().clone();
    // The former host may have committed as much as it has reserved.
    assert!((1..=1_536).contains(&missed[0]), "{missed:?}");
    assert!(missed[1..].iter().all(|more| *more == 0), "{missed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_start_is_committed_after_a_panic_is_known_to_the_next_host_with_its_spec() {
    let version = Rc::new(Cell::new(1));
    fail::cfg("runner.spawned", "return(panics)").unwrap();
    let obedient = |children: &Scripted| children.cast("panics", Manner::Obedient);
    let specs = versions("panics", version.clone());
    let mut machine = Machine::start_with(specs, Gate::default(), obedient).await;
    let taken = machine.until("panics", |state| state.incarnation.0 == 1).await;
    fail::remove("runner.spawned");
    assert_eq!(&*taken.reason, "taken over while it was being started");
    // Only with the spec of the child can the next host tell that the config has changed.
    version.set(2);
    machine.next_host().await;
    machine.until_life("panics", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_over_the_order_to_go_on_goes_on_all_the_same() {
    let mut machine = Machine::start(one(|| spec("resumes")), Gate::default()).await;
    machine.until_life("resumes", 1).await;
    fail::cfg("runner.panic", "return(resumes)").unwrap();
    machine.next_host().await;
    machine.until("resumes", |state| state.reason.starts_with("taken over")).await;
    fail::remove("runner.panic");
    machine.children.end("resumes", Exit::Code(7));
    machine.until_life("resumes", 2).await;
    assert_eq!(machine.state("resumes").deaths.first().unwrap().exit, Exit::Code(7));
}
