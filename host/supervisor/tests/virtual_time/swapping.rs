//! A chain that is replaced continually, during many decisions.

use std::collections::HashSet;
use std::sync::Mutex;

use provost_supervisor::RestartBudget;

use super::*;

const SWAPS: usize = 1_000;
const PROCESSES: usize = 20;
const LIVES: u64 = 500;

/// The name of the process that ended, its incarnation, and the side that judged it.
type Judged = Arc<Mutex<Vec<(Arc<str>, u64, &'static str)>>>;

/// A policy that records which incarnations of a process it has judged.
fn counting(side: &'static str, process: &str, judged: &Judged) -> Arc<dyn Policy> {
    let judged = judged.clone();
    judge(&format!("{side}.{process}"), move |ended| {
        judged.lock().unwrap().push((ended.name.clone(), ended.incarnation.0, side));
        let action = if ended.incarnation.0 < LIVES { restart(0) } else { RulingAction::StayDown };
        Ok(Decision::new(action, side))
    })
}

#[tokio::test(start_paused = true)]
async fn a_thousand_swaps_under_ten_thousand_decisions_and_each_is_made_exactly_once() {
    let judged = Judged::default();
    let name = |number: usize| format!("job.{number}");
    let sides = |number| ["old", "new"].map(|side| counting(side, &name(number), &judged));
    let sides: Vec<_> = (0..PROCESSES).map(sides).collect();
    let unbounded = RestartBudget { restarts: 0, per_ms: 0 };
    let specs = (0..PROCESSES).map(|number| ProcessSpec {
        policies: vec![sides[number][0].clone()],
        autostart: false,
        ..spec(&name(number))
    });
    let world = World::with(specs.collect(), Vec::new(), |settings| Settings {
        restart_budget: unbounded,
        ..settings
    });
    for number in 0..PROCESSES {
        world.children.cast(&name(number), Manner::Brief(Exit::Code(1)));
        world.supervisor.start(world.id(&name(number)), Cause::User).await.unwrap();
    }
    let mut changed = world.supervisor.changed();
    for swap in 0..SWAPS {
        let id = world.id(&name(swap % PROCESSES));
        let [old, new] = &sides[swap % PROCESSES];
        let (comes, goes) = if (swap / PROCESSES).is_multiple_of(2) { (new, old) } else { (old, new) };
        world.supervisor.prepend_policy(&[id], comes);
        assert_eq!(world.supervisor.remove_policy(goes.name()), [id]);
        // An incarnation is four commits: the swaps are spread over most of the forty thousand.
        let enough = (swap * 35) as u64;
        while world.supervisor.reader().look().generation().0 < enough {
            changed.changed().await.unwrap();
        }
    }
    for number in 0..PROCESSES {
        let done = |state: &ProcessState| {
            state.decision.as_ref().is_some_and(|ruling| ruling.action == RulingAction::StayDown)
        };
        let state = world.until(&name(number), done).await;
        assert_eq!((state.incarnation.0, state.restarts), (LIVES, LIVES - 1));
    }
    let judged = judged.lock().unwrap();
    let different: HashSet<_> = judged.iter().map(|(name, life, _)| (name, life)).collect();
    assert_eq!((judged.len(), different.len()), (PROCESSES * LIVES as usize, PROCESSES * LIVES as usize));
    for side in ["old", "new"] {
        assert!(judged.iter().any(|(.., by)| *by == side), "{side} was never asked");
    }
}
