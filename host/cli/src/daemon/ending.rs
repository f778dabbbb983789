//! The end of the host, one bounded sequence: stop in order, grace time, SIGKILL, what is left. Whoever asks a second time has
//! everything killed at once, whatever hangs. What could not be ended is named, and the exit code says so.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use provost_api::Left;
use provost_state::{Cause, PhaseKind};
use provost_supervisor::{ProcessSpec, Supervisor};
use tokio::time::{Instant, sleep_until};

use super::asked::{Asked, Why};
use crate::render;

/// Signals within this time are one.
const ONE_SIGNAL: Duration = Duration::from_millis(300);

/// What the sequence may take beyond the grace times: SIGKILL, reaping, the rest of the output.
const MARGIN: Duration = Duration::from_secs(15);

/// What may pass after SIGKILL was sent to everything.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Every process has its grace time.
    InOrder,
    /// Everything has been sent SIGKILL.
    Killing,
}

/// How long an ordered stop of these may take: the grace times of those that wait for each other, and a margin.
pub(super) fn bound(specs: &[ProcessSpec]) -> Duration {
    let by_name: BTreeMap<&str, &ProcessSpec> = specs.iter().map(|spec| (&*spec.name, spec)).collect();
    let mut known = BTreeMap::new();
    let longest = specs.iter().map(|spec| longest(spec, &by_name, &mut known)).max().unwrap_or(0);
    Duration::from_millis(longest).saturating_add(MARGIN)
}

/// The grace times of a process and of the longest chain of those that it depends on, which stop after it.
fn longest<'a>(
    first: &'a ProcessSpec,
    by_name: &BTreeMap<&str, &'a ProcessSpec>,
    known: &mut BTreeMap<&'a str, u64>,
) -> u64 {
    // Without recursion: a chain may be as long as the config. Entered beforehand, so that no cycle is gone round.
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

/// Stops all processes; what could not be ended.
pub(super) async fn stop(supervisor: &Supervisor, asked: &mut Asked, why: Why, bound: Duration) -> Vec<Left> {
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
                // Whoever signals the process and then its group means one signal; and to ask twice by
                // `provost down` is patience, not haste.
                let haste = matches!(again, Why::Interrupted | Why::Terminated);
                if haste && stage == Stage::InOrder && asked_first.elapsed() >= ONE_SIGNAL {
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

/// Sends SIGKILL to everything. It is polled beside everything else: a process that does not answer holds nobody up.
fn kill_all(supervisor: &Supervisor) -> impl Future<Output = ()> {
    supervisor.kill_all()
}

/// What is still there.
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

/// Whether a test wants this fault of the end.
fn injected(fault: &str) -> bool {
    fail::fail_point!("ending", |wanted| wanted.is_some_and(|wanted| wanted == fault));
    let _ = fault;
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
    fn the_end_may_take_the_grace_times_of_those_that_wait_for_each_other_and_a_margin() {
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
}
