//! What the task that watches a child says of it.

use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};

use provost_state::Moment;

use super::*;

#[test]
fn the_end_of_a_runtime_is_not_the_end_of_a_child() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut sleeps = Command::new("sleep").arg("1000").spawn().unwrap();
    let spec = Arc::new(ProcessSpec::new("web", CommandLine::Argv(vec!["sleep".into()])));
    let held = Held {
        name: "web".into(),
        incarnation: Incarnation(1),
        pid: sleeps.id(),
        pidfd: None,
        stdout: None,
        stderr: None,
        started_at: Moment::default(),
        ended: None,
    };
    let child = {
        let _within = runtime.enter();
        let jobs = Jobs::start(&Degraded::default());
        let spawner = OsSpawner::new(&jobs, Degraded::default(), Leftovers::default(), OsSettings::default());
        spawner.adopt(spec, held, false)
    };
    // Waits until the task that watches the child has been dropped.
    drop(runtime);
    let mut exit = pin!(child.exit);
    let polled = exit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending), "{polled:?}");
    sleeps.kill().unwrap();
    sleeps.wait().unwrap();
}
