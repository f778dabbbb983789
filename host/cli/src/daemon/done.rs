//! `--exit-when-done` and `--exit-code-from`: when the host ends without being asked, and with which exit code.

use std::future::pending;

use provost_state::{Exit, Phase, ProcessState};
use provost_supervisor::{Completion, ProcessSpec, Supervisor};

use crate::args::UpArgs;
use crate::failure::Failure;

/// The exit code for a failure that has no exit code.
const FAILED: u8 = 1;

/// The conditions under which the host ends without being asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct When {
    /// Whether the host ends when nothing runs and nothing will run again.
    everything: bool,
    /// The process with whose final end the host ends, with the same exit code.
    process: Option<String>,
}

impl When {
    pub(super) fn of(args: &UpArgs) -> Self {
        Self { everything: args.exit_when_done, process: args.exit_code_from.clone() }
    }

    /// Checks that the process of `--exit-code-from` exists.
    ///
    /// # Errors
    /// [`Failure`] if it does not, or if it has replicas.
    pub(super) fn check(&self, specs: &[ProcessSpec]) -> Result<(), Failure> {
        let Some(name) = self.process.as_deref() else { return Ok(()) };
        if specs.iter().any(|spec| *spec.name == *name) {
            return Ok(());
        }
        let what = format!(
            "`--exit-code-from {}`: there is no process of that name",
            crate::render::humane::one_line(name)
        );
        let replica = format!("{name}.1");
        let hint = match specs.iter().any(|spec| *spec.name == *replica) {
            true => {
                format!("`{name}` has replicas, each with its own exit code: name one, such as `{replica}`")
            }
            false => "it takes a name from [process.NAME] in the config".to_owned(),
        };
        Err(Failure::usage(what, hint))
    }

    /// Resolves with the exit code when the conditions are met; never if there are none.
    pub(super) async fn done(&self, supervisor: &Supervisor) -> u8 {
        tokio::select! {
            // The process is polled first, because it has also ended when everything has.
            biased;
            code = self.process_done(supervisor) => code,
            code = self.everything_done(supervisor) => code,
        }
    }

    async fn process_done(&self, supervisor: &Supervisor) -> u8 {
        let Some(name) = self.process.as_deref() else { return pending().await };
        let mut changed = supervisor.changed();
        let Completion { state, failed } = loop {
            changed.mark_unchanged();
            let id = supervisor.reader().look().id(name);
            if let Some(id) = id {
                // A process that a reload replaces by another one of the same name is followed by name.
                if let Some(completion) = supervisor.until_completed(id).await {
                    break completion;
                }
            } else if changed.changed().await.is_err() {
                return pending().await;
            }
        };
        let code = code_of(&state, failed);
        tracing::info!(
            "{} has ended for good, and the host ends with its exit code {code}",
            describe(&state)
        );
        code
    }

    async fn everything_done(&self, supervisor: &Supervisor) -> u8 {
        if !self.everything || self.process.is_some() {
            return pending().await;
        }
        let failed = supervisor.until_all_completed().await;
        for Completion { state, .. } in &failed {
            tracing::error!("{}", describe(state));
        }
        if failed.is_empty() { 0 } else { FAILED }
    }
}

/// Describes a process, as in `web (fatal: gave up after 3 restarts)`.
fn describe(state: &ProcessState) -> String {
    format!("{} ({}: {})", state.name(), state.phase.kind(), state.reason)
}

/// Returns the exit code of a process by the convention of shells. It is never 0 for a process that was given up or never ran.
fn code_of(state: &ProcessState, failed: bool) -> u8 {
    let code = match &state.exit {
        Some(Exit::Code(code)) => u8::try_from(code & 0xff).unwrap_or(FAILED),
        Some(Exit::Signal(number)) => u8::try_from(number.saturating_add(128)).unwrap_or(FAILED),
        Some(Exit::NotSpawned(_) | Exit::NotReady(_) | Exit::Unobserved) | None => FAILED,
    };
    let is_success = state.phase != Phase::Fatal && !failed;
    if code == 0 && !is_success { FAILED } else { code }
}

/// Returns the arguments for these conditions, for the process in the background.
pub(super) fn arguments(args: &UpArgs) -> Vec<String> {
    let everything = args.exit_when_done.then(|| vec!["--exit-when-done".to_owned()]);
    let process = args.exit_code_from.as_ref().map(|name| vec![format!("--exit-code-from={name}")]);
    [everything, process].into_iter().flatten().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use provost_state::{Identity, Moment, registry};

    use super::*;

    fn state(phase: Phase, exit: Option<Exit>) -> ProcessState {
        let (registry, _) = registry(|| 0);
        let added = registry.add(Identity::new("web", ""), Moment::default()).unwrap();
        ProcessState { phase, exit, ..Arc::unwrap_or_clone(added) }
    }

    #[test]
    fn a_process_has_the_exit_code_that_a_shell_would_give_it() {
        let ended = Phase::Exited { settled: true };
        for (phase, exit, failed, code) in [
            (ended.clone(), Some(Exit::Code(0)), false, 0),
            (ended.clone(), Some(Exit::Code(3)), false, 3),
            (ended.clone(), Some(Exit::Code(0)), true, 1),
            (ended.clone(), Some(Exit::Signal(9)), true, 137),
            (Phase::Stopped, Some(Exit::Signal(15)), false, 143),
            (Phase::Stopped, None, false, 1),
            (Phase::Fatal, Some(Exit::Code(0)), true, 1),
            (Phase::Fatal, Some(Exit::NotSpawned("no such file".into())), true, 1),
            (Phase::Fatal, Some(Exit::NotReady("no answer".into())), true, 1),
        ] {
            assert_eq!(code_of(&state(phase.clone(), exit.clone()), failed), code, "{phase:?} {exit:?}");
        }
    }
}
