//! A first host that ends after each of its steps: whatever the step, the outcome is that of a host that does not end.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_end_is_decided_once_and_each_life_is_spawned_once() {
    at_each_step(
        &["web"],
        || one(|| spec("web")),
        |_| {},
        async |machine| {
            for life in 1..=4 {
                machine.until_life("web", life).await;
                machine.children.end("web", Exit::Code(i32::try_from(life).unwrap()));
            }
            machine.until_life("web", 5).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_given_up_stays_given_up() {
    at_each_step(
        &["web"],
        || {
            one(|| {
                let strict = judge("strict", |ended| {
                    let action = match ended.failures {
                        3.. => RulingAction::GiveUp(Escalation::Nothing),
                        _ => restart(50),
                    };
                    Ok(Decision::new(action, format!("failure {}", ended.failures)))
                });
                ProcessSpec { policies: vec![strict], ..spec("web") }
            })
        },
        |_| {},
        async |machine| {
            for life in 1..=3 {
                machine.until_life("web", life).await;
                machine.children.end("web", Exit::Code(1));
            }
            let fatal = machine.until_phase("web", PhaseKind::Fatal).await;
            assert_eq!(&*fatal.reason, "failure 3");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_and_a_start_hold_and_a_child_that_is_deaf_is_killed_at_its_time() {
    at_each_step(
        &["web"],
        || one(|| spec("web")),
        |_| {},
        async |machine| {
            machine.until_life("web", 1).await;
            machine.order("web", Order::Stop, |state| state.desired == Desired::Down).await;
            let stopping = machine.until_phase("web", PhaseKind::Stopping).await;
            let kill_at = stopping.next_action_at().unwrap();
            while !machine.children.signals("web").contains(&KILL) {
                machine.until("web", |_| true).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let killed = machine.children.clock().now();
            assert!(killed.mono_ns >= kill_at.mono_ns && killed.ms_since(kill_at) < 500);
            machine.children.end("web", Exit::Signal(KILL.number()));
            machine.until_phase("web", PhaseKind::Stopped).await;
            machine.order("web", Order::Start, |state| state.desired == Desired::Up).await;
            machine.until_life("web", 2).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_a_whole_group_ends_with_all_of_it_started_once() {
    fn members() -> Vec<ProcessSpec> {
        let together = |ended: &Ended| {
            let action = RulingAction::Restart { delay_ms: 100, scope: Scope::Group };
            Ok(Decision::new(action, format!("failure {}", ended.failures)))
        };
        let member = |spec: ProcessSpec| ProcessSpec {
            group: "all".into(),
            policies: vec![judge("together", together)],
            ..spec
        };
        let chain =
            [spec("db"), after("app", Condition::Ready, "db"), after("proxy", Condition::Ready, "app")];
        chain.map(member).into()
    }
    at_each_step(
        &["db", "app", "proxy"],
        || Box::new(|_| (members(), Vec::new())),
        |children| ["db", "app", "proxy"].iter().for_each(|name| children.cast(name, Manner::Obedient)),
        async |machine| {
            machine.until_life("proxy", 1).await;
            machine.children.end("app", Exit::Code(1));
            for name in ["db", "app", "proxy"] {
                machine.until_life(name, 2).await;
            }
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_follows_for_dependents_when_a_process_is_given_up_is_carried_out() {
    fn specs() -> Vec<ProcessSpec> {
        let strict = judge("strict", |_| {
            Ok(Decision::new(RulingAction::GiveUp(Escalation::StopDependents), "enough"))
        });
        vec![ProcessSpec { policies: vec![strict], ..spec("db") }, after("app", Condition::Ready, "db")]
    }
    at_each_step(
        &["db", "app"],
        || Box::new(|_| (specs(), Vec::new())),
        |children| children.cast("app", Manner::Obedient),
        async |machine| {
            machine.until_life("app", 1).await;
            machine.children.end("db", Exit::Code(1));
            machine.until_phase("db", PhaseKind::Fatal).await;
            machine.until_phase("app", PhaseKind::Stopped).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_a_policy_changes_with_its_decision_or_not_at_all() {
    /// A policy that counts its decisions in its memory.
    fn counting(adopted: &Adopted) -> ProcessSpec {
        let known = adopted.stash.memories().pop();
        let state = known.map_or((0, 0), |change| (change.writes[0].1.as_ref().unwrap()[0], change.version));
        let state = Mutex::new(state);
        let count = move |_: &Ended| {
            let mut state = state.lock().unwrap();
            (state.0, state.1) = (state.0 + 1, state.1 + 1);
            let writes = vec![(Arc::from("decisions"), Some(Arc::from([state.0])))];
            let settled = Settled::default();
            let written = MemoryChange { plugin: "counter".into(), version: state.1, writes, settled };
            let decision = Decision::new(restart(20), format!("decision {}", state.0));
            Ok(Decision { written: Some(Arc::new(written)), ..decision })
        };
        ProcessSpec { policies: vec![judge("counter", count)], ..spec("web") }
    }
    at_each_step(
        &["web"],
        || Box::new(|adopted| (vec![counting(adopted)], Vec::new())),
        |_| {},
        async |machine| {
            for life in 1..=4u64 {
                machine.until_life("web", life).await;
                machine.children.end("web", Exit::Code(1));
                let decided = machine.until("web", |state| state.restarts == life).await;
                assert_eq!(&*decided.decision.as_ref().unwrap().reason, format!("decision {life}"));
            }
            machine.until_life("web", 5).await;
            let memory = machine.adopted().stash.memories();
            let key = |change: &MemoryChange| (change.plugin.clone(), change.writes.clone());
            let last = (Arc::from("decisions"), Some(Arc::from([4_u8])));
            assert_eq!(memory.iter().map(key).collect::<Vec<_>>(), [(Arc::from("counter"), vec![last])]);
        },
    )
    .await;
}
