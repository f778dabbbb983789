//! What the next host goes on with: ends, delays, deadlines, replicas, and a config that has changed meanwhile.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_dependent_that_was_started_after_the_decision_is_left_alone() {
    let specs: Specs = Box::new(|_| {
        let strict = judge("strict", |_| {
            Ok(Decision::new(RulingAction::GiveUp(Escalation::StopDependents), "enough"))
        });
        let app = after("app", Condition::Started, "db");
        (vec![ProcessSpec { policies: vec![strict], ..spec("db") }, app], Vec::new())
    });
    let mut machine =
        Machine::start_with(specs, Gate::default(), |children| children.cast("app", Manner::Obedient)).await;
    machine.until_life("app", 1).await;
    machine.children.end("db", Exit::Code(1));
    machine.until_phase("app", PhaseKind::Stopped).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    machine.host.reconfigure(machine.state("app").id, spec("app")).await.unwrap();
    machine.order("app", Order::Start, |_| false).await;
    machine.until_life("app", 2).await;
    machine.next_host().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let app = machine.state("app");
    assert_eq!((app.phase.kind(), app.incarnation), (PhaseKind::Running, Incarnation(2)));
    assert_eq!(machine.state("db").phase, Phase::Fatal);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_host_is_a_fact_with_its_true_time_and_is_decided_from_there() {
    let mut machine = Machine::start(one(|| spec("web")), Gate::default()).await;
    machine.until_life("web", 1).await;
    let before = machine.state("web");
    machine.without_host(2_000).await;
    let ended = machine.children.clock().now();
    machine.children.end("web", Exit::Code(7));
    machine.without_host(10_000).await;
    machine.next_host().await;
    let booted = machine.children.clock().now();
    machine.until_life("web", 2).await;
    let state = machine.state("web");
    let death = state.deaths.first().unwrap().clone();
    assert_eq!((death.exit, death.incarnation, death.at), (Exit::Code(7), Incarnation(1), ended));
    assert_eq!(death.uptime_ms, ended.ms_since(before.started_at.unwrap()));
    assert_eq!((state.restarts, state.failures), (1, 1));
    assert!(state.started_at.unwrap().ms_since(booted) < 50, "the delay was over when the host started");
}

#[tokio::test(start_paused = true)]
async fn a_delay_ends_at_its_time_whatever_happens_to_the_host() {
    let specs = one(|| ProcessSpec {
        policies: vec![judge("slow", decides(restart(60_000), "a minute"))],
        ..spec("web")
    });
    let mut machine = Machine::start(specs, Gate::default()).await;
    machine.until_life("web", 1).await;
    machine.children.end("web", Exit::Code(1));
    let until = machine.until_phase("web", PhaseKind::Backoff).await.next_action_at().unwrap();
    machine.without_host(20_000).await;
    machine.next_host().await;
    let resumed = machine.state("web");
    assert_eq!((resumed.phase.clone(), &*resumed.reason), (Phase::Backoff { until }, "a minute"));
    machine.until_life("web", 2).await;
    let started = machine.state("web").started_at.unwrap();
    assert!(started.mono_ns >= until.mono_ns && started.ms_since(until) < 50, "{started:?} {until:?}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_ready_keeps_its_deadline() {
    let specs = one(|| {
        let ready = Readiness {
            check: Check::LogLine("up".to_owned()),
            every_ms: 100,
            timeout_ms: 100,
            within_ms: Some(30_000),
            own_port: false,
        };
        ProcessSpec { ready: Some(ready), ..spec("web") }
    });
    let mut machine = Machine::start(specs, Gate::default()).await;
    let started = machine.until_phase("web", PhaseKind::Starting).await.started_at.unwrap();
    machine.without_host(12_000).await;
    machine.next_host().await;
    let taken = machine.until("web", |state| state.reason.starts_with("taken over")).await;
    assert_eq!((taken.phase.kind(), taken.started_at), (PhaseKind::Starting, Some(started)));
    assert_eq!(&*taken.reason, "taken over: the former host ended (killed by SIGKILL)");
    let stopping = machine.until_phase("web", PhaseKind::Stopping).await;
    let took = stopping.changed_at.ms_since(started);
    assert!((30_000..30_100).contains(&took), "{took} ms");
    machine.next_host().await;
    machine.children.end("web", Exit::Signal(TERM.number()));
    let ended = machine.until("web", |state| !state.deaths.is_empty()).await;
    assert!(matches!(ended.deaths.first().unwrap().exit, Exit::NotReady(_)), "{ended:?}");
    assert_eq!(machine.children.spawns("web"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_command_has_changed_meanwhile_is_restarted_and_no_other_one_is() {
    let calls = std::cell::Cell::new(0);
    let specs: Specs = Box::new(move |_| {
        calls.set(calls.get() + 1);
        let command = CommandLine::Argv(vec![format!("version {}", calls.get())]);
        let changed = ProcessSpec { command, ..spec("web") };
        (vec![changed, spec("db")], Vec::new())
    });
    let obedient = |children: &Scripted| children.cast("web", Manner::Obedient);
    let mut machine = Machine::start_with(specs, Gate::default(), obedient).await;
    machine.until_life("web", 1).await;
    machine.until_life("db", 1).await;
    machine.next_host().await;
    machine.until_life("web", 2).await;
    let (web, db) = (machine.state("web"), machine.state("db"));
    assert_eq!((web.restarts, web.failures, web.cause), (0, 0, Cause::Reload));
    assert_eq!((db.incarnation, machine.children.signals("db")), (Incarnation(1), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_the_config_does_not_have_any_more_is_stopped_and_removed() {
    let calls = std::cell::Cell::new(0);
    let specs: Specs = Box::new(move |_| {
        calls.set(calls.get() + 1);
        let old = ProcessSpec { stop_signal: Signal::HUP, ..spec("old") };
        (if calls.get() == 1 { vec![old, spec("web")] } else { vec![spec("web"), spec("new")] }, Vec::new())
    });
    let mut machine = Machine::start(specs, Gate::default()).await;
    machine.until_life("old", 1).await;
    machine.next_host().await;
    machine.until_life("new", 1).await;
    machine.until_phase("old", PhaseKind::Stopping).await;
    assert_eq!(machine.children.signals("old")[0], Signal::HUP, "it is ended as its config said");
    machine.children.end("old", Exit::Signal(1));
    let removed = async {
        while machine.host.reader().snapshot().by_name("old").is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), removed).await.unwrap();
    let names: Vec<_> = machine.host.listing().names.iter().map(|name| name.to_string()).collect();
    assert_eq!(names, ["web", "new"]);
    machine.next_host().await;
    assert!(machine.host.reader().snapshot().by_name("old").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_child_of_which_nothing_was_written_down_is_taken_over_as_it_is() {
    let mut machine = Machine::start(one(|| spec("web")), Gate::default()).await;
    machine.until_life("web", 1).await;
    machine.children.end("web", Exit::Code(1));
    machine.until_life("web", 2).await;
    let started = machine.state("web").started_at.unwrap().mono_ns;
    machine.without_host(1_000).await;
    machine.files.0.lock().unwrap().clear();
    machine.next_host().await;
    machine.until_life("web", 2).await;
    assert_eq!(machine.state("web").started_at.unwrap().mono_ns, started);
    assert_eq!(machine.children.spawns("web"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_gone_with_everybody_who_could_tell_has_ended_unobserved() {
    let mut machine = Machine::start(one(|| spec("web")), Gate::default()).await;
    machine.until_life("web", 1).await;
    machine.without_host(1_000).await;
    machine.children = Scripted::default();
    machine.next_host().await;
    let ended = machine.until("web", |state| !state.deaths.is_empty()).await;
    assert_eq!(ended.deaths.first().unwrap().exit, Exit::Unobserved);
    machine.until_life("web", 2).await;
    assert_eq!(machine.children.spawns("web"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_end_was_decided_is_ended_and_the_next_one_waits_for_the_delay() {
    let mut machine = Machine::start(one(|| spec("web")), Gate::default()).await;
    for life in 1..=6 {
        machine.until_life("web", life).await;
        machine.children.end("web", Exit::Code(1));
    }
    machine.until_phase("web", PhaseKind::Backoff).await;
    let waits = machine.state("web");
    let Phase::Backoff { until } = waits.phase else { panic!("{waits:?}") };
    // It was told that the child had ended, and it lives.
    machine.children.lives_on(waits.name(), waits.incarnation, waits.changed_at);
    machine.next_host().await;
    machine.until_life("web", 7).await;
    assert!(machine.state("web").started_at.unwrap().mono_ns >= until.mono_ns);
    assert_eq!(machine.children.held().len(), 1, "the other one was killed");
}

#[tokio::test(start_paused = true)]
async fn generations_go_on_and_readers_of_the_former_host_learn_how_much_they_have_missed() {
    let mut machine = Machine::start(one(|| spec("web")), Gate::default()).await;
    machine.until_life("web", 1).await;
    let before = machine.host.reader().latest();
    machine.next_host().await;
    let reader = machine.host.reader().clone();
    machine.until("web", |state| state.reason.starts_with("taken over")).await;
    let page = reader.changes_since(before, 10_000);
    assert!(page.cursor > before && page.cursor == reader.latest());
    // The former host may have committed as much as it has reserved.
    assert!((1..=1_536).contains(&page.missed), "{}", page.missed);
    assert_eq!(page.missed + page.changes.len() as u64, reader.latest().0 - before.0);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_replicas_and_the_backend_in_force_are_kept() {
    let specs: Specs = Box::new(|_| {
        let replica = |number: u32| ProcessSpec { replica: Some(number), ..spec(&format!("web.{number}")) };
        let set = ReplicaSet {
            name: "web".into(),
            group: "".into(),
            least: 1,
            most: 3,
            wanted_at_start: 3,
            every_ms: 1_000,
            policies: Vec::new(),
        };
        ((1..=3).map(replica).collect(), vec![set])
    });
    let mut machine = Machine::start_with(specs, Gate::default(), |children| {
        (1..=3).for_each(|number| children.cast(&format!("web.{number}"), Manner::Obedient));
    })
    .await;
    machine.until_life("web.3", 1).await;
    machine.host.scale("web", 1, Cause::User).await.unwrap();
    machine.until_phase("web.3", PhaseKind::Stopped).await;
    let locked = Routing { backend: Backend::Locked, ..Routing::default() };
    machine.host.reroute(|_| locked);
    machine.next_host().await;
    let count = machine.host.replica_sets().remove(0);
    assert_eq!((count.wanted, count.by_hand), (1, true));
    assert_eq!(machine.host.reader().routing(), locked);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(machine.state("web.3").phase, Phase::Stopped);
    machine.host.scale("web", 3, Cause::User).await.unwrap();
    machine.until_life("web.3", 2).await;
}
