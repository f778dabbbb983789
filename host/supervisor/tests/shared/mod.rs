//! What the tests with real children share: shell commands as specs, and waiting for a state.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use provost_state::{PhaseKind, ProcessState};
use provost_supervisor::{CommandLine, ProcessSpec, Supervisor};
use tokio::time::timeout;

/// Returns the spec of a process that runs a line of shell.
pub fn shell(name: &str, line: &str) -> ProcessSpec {
    ProcessSpec::new(name, CommandLine::Shell(line.to_owned()))
}

/// How long a state is waited for, so that a test which would wait for ever fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until the state of the process called `name` satisfies `holds`, and returns it.
pub async fn until(
    supervisor: &Supervisor,
    name: &str,
    holds: impl Fn(&ProcessState) -> bool,
) -> Arc<ProcessState> {
    let mut changed = supervisor.changed();
    loop {
        changed.mark_unchanged();
        let state = supervisor.reader().snapshot().by_name(name).unwrap().clone();
        if holds(&state) {
            return state;
        }
        let waited = timeout(PATIENCE, changed.changed()).await;
        assert!(waited.is_ok(), "nothing has changed for {PATIENCE:?}: {state:?}");
        waited.unwrap().unwrap();
    }
}

/// Waits until the process called `name` is in `phase`, and returns its state.
pub async fn until_phase(supervisor: &Supervisor, name: &str, phase: PhaseKind) -> Arc<ProcessState> {
    until(supervisor, name, |state| state.phase.kind() == phase).await
}
