//! The end of the host, one bounded sequence: stop in order, grace time, SIGKILL, report of what is left. A second signal kills
//! everything at once, whatever hangs. What could not be ended is named, and the exit code is 1 then.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use provost_api::Left;
use provost_state::{Cause, PhaseKind};
use provost_supervisor::{ProcessSpec, Supervisor};
use tokio::time::{Instant, sleep_until};

use super::asked::{Asked, Why};
use crate::render;

/// Signals within this time count as one.
const ONE_SIGNAL: Duration = Duration::from_millis(300);

/// The time that the sequence may take in addition to the grace times: for SIGKILL, reaping and the rest of the output.
const MARGIN: Duration = Duration::from_secs(15);

/// The longest wait after SIGKILL was sent to everything.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// The stage of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Every process has its grace time.
    InOrder,
    /// Everything has been sent SIGKILL.
    Killing,
}

/// Returns how long an ordered stop of these may take: the longest sum of grace times along a chain of dependencies, and a
/// margin.
fn bound<'s>(specs: impl IntoIterator<Item = &'s ProcessSpec>) -> Duration {
    let by_name: BTreeMap<&str, &ProcessSpec> = specs.into_iter().map(|spec| (&*spec.name, spec)).collect();
    let mut known = BTreeMap::new();
    let longest = by_name.values().map(|spec| longest(spec, &by_name, &mut known)).max().unwrap_or(0);
    Duration::from_millis(longest).saturating_add(MARGIN)
}

/// Returns the sum of the grace times of a process and of the longest chain of its dependencies, which stop after it.
fn longest<'a>(
    first: &'a ProcessSpec,
    by_name: &BTreeMap<&str, &'a ProcessSpec>,
    known: &mut BTreeMap<&'a str, u64>,
) -> u64 {
    // Without recursion, because a chain may be as long as the config. A process is entered before its dependencies, so that a
    // cycle ends the search.
    let mut path = vec![first];
    known.entry(&first.name).or_insert(0);
    while let Some(spec) = path.last().copied() {
        let dependencies = || spec.depends_on.iter().filter_map(|it| by_name.get(&*it.name).copied());
        match dependencies().find(|it| !known.contains_key(&*it.name)) {
            Some(next) => {
                known.insert(&next.name, 0);
                path.push(next);
            }
            None => {
                let below = dependencies().filter_map(|it| known.get(&*it.name)).max().copied().unwrap_or(0);
                known.insert(&spec.name, spec.stop_grace_ms.saturating_add(below));
                path.pop();
            }
        }
    }
    known.get(&*first.name).copied().unwrap_or(first.stop_grace_ms)
}

/// Stops all processes, and returns what could not be ended.
pub(super) async fn stop(supervisor: &Supervisor, asked: &mut Asked, why: Why) -> Vec<Left> {
    let world = supervisor.reader().snapshot();
    let specs: Vec<Arc<ProcessSpec>> = world.iter().filter_map(|state| supervisor.spec(state.id)).collect();
    drop(world);
    let bound = bound(specs.iter().map(|spec| &**spec));
    tracing::info!("{why}: stopping all processes in reverse order; ask again to kill them");
    let asked_first = Instant::now();
    let mut stage = Stage::InOrder;
    let mut deadline = std::pin::pin!(sleep_until(after(asked_first, bound)));
    let mut stopped = std::pin::pin!(stopped(supervisor));
    let mut killed = std::pin::pin!(kill_all(supervisor));
    let mut kill_sent = false;
    loop {
        tokio::select! {
            () = &mut stopped => break,
            () = &mut killed, if stage == Stage::Killing && !kill_sent => kill_sent = true,
            () = &mut deadline => match stage {
                Stage::Killing => break,
                Stage::InOrder => {
                    tracing::warn!("the grace times are over: killing all processes");
                    stage = Stage::Killing;
                    deadline.as_mut().reset(after(Instant::now(), AFTER_KILL));
                }
            },
            again = asked.next() => {
                // A signal to the process and then to its group counts as one, and a second `provost down` does not
                // mean that everything should be killed.
                let kill = matches!(again, Why::Interrupted | Why::Terminated);
                if kill && stage == Stage::InOrder && asked_first.elapsed() >= ONE_SIGNAL {
                    tracing::warn!("{again}: killing all processes");
                    stage = Stage::Killing;
                    deadline.as_mut().reset(after(Instant::now(), AFTER_KILL));
                }
            }
        }
    }
    let left = left(supervisor);
    match left.len() {
        0 => tracing::info!("all processes have ended"),
        _ => left.iter().for_each(|one| tracing::error!("left: {}", render::status::left(one))),
    }
    left
}

/// Returns the exit code of the host: 1 if anything is left or the host could not be set up; else the code of a policy; else that
/// of `--exit-code-from` or `--exit-when-done`; else 0.
pub(super) fn exit_code(is_left: bool, why: Why, judged: Option<u8>) -> u8 {
    match (is_left, why) {
        (true, _) | (false, Why::Failed) => 1,
        (false, Why::Judged(code)) => code,
        // A policy may give up on the host with the last process that ends.
        (false, Why::Done(code)) => judged.unwrap_or(code),
        (
            false,
            Why::Interrupted
            | Why::Terminated
            | Why::HungUp
            | Why::TerminalGone
            | Why::Requested
            | Why::Replaced
            | Why::Handed,
        ) => 0,
    }
}

fn after(from: Instant, time: Duration) -> Instant {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    from + time.min(30 * DAY)
}

async fn stopped(supervisor: &Supervisor) {
    supervisor.shutdown(Cause::Shutdown).await;
    if injected("hang") {
        std::future::pending::<()>().await;
    }
}

/// Sends SIGKILL to everything. It is polled concurrently with the rest, so that a process that does not react delays nothing.
fn kill_all(supervisor: &Supervisor) -> impl Future<Output = ()> {
    supervisor.kill_all()
}

/// Returns the processes that are still there.
fn left(supervisor: &Supervisor) -> Vec<Left> {
    let world = supervisor.reader().snapshot();
    let down = |phase| matches!(phase, PhaseKind::Stopped | PhaseKind::Exited | PhaseKind::Fatal);
    let mut left: Vec<Left> = world
        .iter()
        .filter(|state| !down(state.phase.kind()))
        .map(|state| Left {
            process: Some(state.name().to_string()),
            pid: state.pid(),
            reason: format!("it is still {}: {}", state.phase.kind(), state.reason),
        })
        .collect();
    let known: BTreeSet<u32> = left.iter().filter_map(|one| one.pid).collect();
    left.extend(supervisor.left().into_iter().filter(|one| !known.contains(&one.pid)).map(|one| Left {
        process: one.process.map(|name| name.to_string()),
        pid: Some(one.pid),
        reason: one.reason.to_string(),
    }));
    if injected("left") {
        let reason = "a test says so".to_owned();
        left.push(Left { process: Some("web".to_owned()), pid: Some(4_711), reason });
    }
    left
}

/// Whether a test injects this fault into the end.
fn injected(fault: &str) -> bool {
    fail::fail_point!("ending", |wanted| wanted.is_some_and(|wanted| wanted == fault));
    let _ = fault;
    false
}

#[cfg(test)]
mod tests {
    use provost_supervisor::{CommandLine, Condition, Dependency};

    use super::*;

    fn process(name: &str, grace_s: u64, depends_on: &[&str]) -> ProcessSpec {
        let on = |name: &&str| Dependency { name: Arc::from(*name), condition: Condition::Started };
        ProcessSpec {
            stop_grace_ms: grace_s * 1_000,
            depends_on: depends_on.iter().map(on).collect(),
            ..ProcessSpec::new(name, CommandLine::Shell(String::new()))
        }
    }

    #[test]
    fn the_end_may_take_the_grace_times_of_the_longest_chain_and_a_margin() {
        let seconds = |specs: &[ProcessSpec]| (bound(specs) - MARGIN).as_secs();
        assert_eq!(seconds(&[]), 0);
        assert_eq!(seconds(&[process("a", 10, &[]), process("b", 7, &[])]), 10);
        let diamond = [
            process("top", 1, &["left", "right"]),
            process("left", 10, &["base"]),
            process("right", 20, &["base"]),
            process("base", 100, &[]),
            process("other", 119, &[]),
        ];
        assert_eq!(seconds(&diamond), 121);
        let long: Vec<_> = (0..5_000).map(|n| process(&n.to_string(), 1, &[&*(n + 1).to_string()])).collect();
        assert_eq!(seconds(&long), 5_000);
    }

    #[test]
    fn leftovers_take_precedence_over_a_policys_code_and_that_over_the_code_of_an_exit_option() {
        assert_eq!(exit_code(true, Why::Judged(7), Some(7)), 1);
        assert_eq!(exit_code(true, Why::Done(3), None), 1);
        assert_eq!(exit_code(false, Why::Judged(7), Some(7)), 7);
        assert_eq!(
            exit_code(false, Why::Done(3), Some(7)),
            7,
            "the policy has given up with the last of them"
        );
        assert_eq!(exit_code(false, Why::Done(3), None), 3);
        assert_eq!(exit_code(false, Why::Terminated, Some(7)), 0, "the signal came first");
        assert_eq!(exit_code(false, Why::Failed, None), 1);
    }
}
