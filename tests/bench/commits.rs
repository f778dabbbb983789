//! What a commit costs a runner: that of the state core alone, and with what surrounds it in production (the clocks, and waking
//! those that wait for a change: consumers, each of which has a thread, and streams, which are tasks of the API).

use std::sync::Arc;
use std::time::Duration;

use provost_state::{At, Cause, Event, Identity, Moment, ProcessState, Rejected};
use provost_supervisor::Commits;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::figures::{Latencies, now_ns, quick};

const PROCESSES: usize = 1_000;

/// A pause after which everybody who was woken waits again.
const PAUSE: Duration = Duration::from_millis(2);

/// Those who wait for a change.
#[derive(Clone, Copy, Debug)]
struct Watchers {
    name: &'static str,
    consumers: usize,
    streams: usize,
}

const WATCHERS: [Watchers; 4] = [
    Watchers { name: "commit, as a runner", consumers: 0, streams: 0 },
    Watchers { name: "commit, one consumer", consumers: 1, streams: 0 },
    Watchers { name: "commit, three consumers", consumers: 3, streams: 0 },
    Watchers { name: "commit, one stream", consumers: 0, streams: 1 },
];

type Commit<'a> = &'a (dyn Fn(&ProcessState, &Event) -> Result<Arc<ProcessState>, Rejected> + Sync);

/// Measures all rows, back to back and after pauses.
pub(crate) fn measure() -> Vec<Value> {
    let settings =
        [("commits back to back", None, 200_000), ("commits after a pause of 2 ms", Some(PAUSE), 1_000)];
    settings
        .map(|(setting, pause, times)| {
            let times = if quick() { times / 20 } else { times };
            println!("{setting}");
            let mut designs = vec![alone(times, pause)];
            designs.extend(WATCHERS.map(|watchers| produced(watchers, times, pause)));
            json!({ "setting": setting, "designs": designs })
        })
        .into()
}

fn identity(number: usize) -> Identity {
    Identity::new(format!("web.{number}"), "web")
}

/// The commit of the state core, with constant clocks.
fn alone(times: usize, pause: Option<Duration>) -> Value {
    let (registry, _reader) = provost_state::registry(|| 0);
    let add = |number| registry.add(identity(number), Moment::default()).unwrap();
    let states = (0..PROCESSES).map(add).collect();
    let commit = |from: &ProcessState, event: &Event| {
        let at = At { incarnation: from.incarnation, version: from.version };
        registry.commit(from.id, at, event, Moment::default())
    };
    let runtime = Runtime::new().unwrap();
    runtime.block_on(timed("commit, state core", states, times, pause, &commit))
}

/// The commit of a runner, while others wait for changes.
fn produced(watchers: Watchers, times: usize, pause: Option<Duration>) -> Value {
    let runtime = Runtime::new().unwrap();
    let within = runtime.enter();
    let commits = Commits::start();
    drop(within);
    let states = (0..PROCESSES).map(|number| commits.add(identity(number)).unwrap()).collect();
    let api = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let consumers: Vec<_> = (0..watchers.consumers)
        .map(|_| {
            let (mut changed, runtime) = (commits.changed(), runtime.handle().clone());
            std::thread::spawn(move || while runtime.block_on(changed.changed()).is_ok() {})
        })
        .collect();
    for _ in 0..watchers.streams {
        let mut changed = commits.changed();
        api.spawn(async move { while changed.changed().await.is_ok() {} });
    }
    // A task of the runtime commits, as a runner does.
    let value = runtime.block_on(async {
        let name = watchers.name;
        tokio::spawn(async move {
            timed(name, states, times, pause, &|from, event| commits.commit(from, event)).await
        })
        .await
        .unwrap()
    });
    // The registry has gone with the task.
    consumers.into_iter().for_each(|consumer| consumer.join().unwrap());
    value
}

/// Times commits to all processes in turn. Between two of them, other tasks get their turn.
async fn timed(
    name: &str,
    mut states: Vec<Arc<ProcessState>>,
    times: usize,
    pause: Option<Duration>,
    commit: Commit<'_>,
) -> Value {
    let start = Event::Start { cause: Cause::User, reason: "asked for".into() };
    let stop = Event::Stop { cause: Cause::User, reason: "asked for".into(), kill_at: Moment::default() };
    let mut took = Latencies::default();
    for round in 0..times + times / 10 {
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => tokio::task::yield_now().await,
        }
        let event = if (round / PROCESSES).is_multiple_of(2) { &start } else { &stop };
        let state = &mut states[round % PROCESSES];
        let begun = now_ns();
        let next = commit(state, event).unwrap();
        let ns = now_ns() - begun;
        *state = next;
        // The first rounds do not count.
        if round >= times / 10 {
            took.record(ns);
        }
    }
    println!("  {name:24} {}", took.words_in(1, "ns"));
    let mut design = took.json();
    design["design"] = name.into();
    design
}
