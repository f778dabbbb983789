//! The calls of each policy: the limit on how many are in progress, and which of them are stuck.
//!
//! Calls are counted by the name and the version of a policy, so that a swap gives the new version a fresh start. A
//! call keeps its turn until it returns, even when nobody waits for it any more, so a policy that is stuck in spite of
//! its limits holds at most [`AT_ONCE`] threads and takes no turn from another policy. It is not asked while all of its
//! calls are stuck.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_state::Policy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The maximum number of calls of one policy in progress at the same time. Further calls wait their turn, within their
/// deadline.
pub(super) const AT_ONCE: usize = 4;

/// The name and the version of a policy.
type Key = (Arc<str>, u64);

/// The calls of all policies.
#[derive(Debug, Default)]
pub(super) struct Strays(Mutex<HashMap<Key, Calls>>);

/// The calls of one policy.
#[derive(Debug)]
struct Calls {
    turns: Arc<Semaphore>,
    /// The number of calls that wait for a turn or have one.
    entered: usize,
    /// The number of calls that have a turn.
    in_progress: usize,
    /// The number of running calls that nobody waits for any more.
    stuck: usize,
}

impl Default for Calls {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), entered: 0, in_progress: 0, stuck: 0 }
    }
}

/// Why a policy is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// All of its calls are stuck.
    Stuck,
    /// No turn became free in time.
    TimedOut,
}

/// The progress of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits for a thread.
    Queued,
    /// The policy is running.
    Running,
    /// The policy is running, and nobody waits for the call any more.
    Stuck,
    /// Nobody waits for the call any more, and it never began.
    Withdrawn,
    /// The policy has returned.
    Returned,
}

impl Strays {
    fn calls<R>(&self, look: impl FnOnce(&mut HashMap<Key, Calls>) -> R) -> R {
        look(&mut self.0.lock())
    }

    /// Waits until `ends` for a turn for a call of `policy`.
    pub(super) async fn turn(self: &Arc<Self>, policy: &dyn Policy, ends: Instant) -> Result<Turn, NoTurn> {
        let key = (policy.name().clone(), policy.version());
        let turns = self.calls(|calls| {
            let calls = calls.entry(key.clone()).or_default();
            if calls.stuck > 0 && calls.stuck == calls.in_progress {
                return Err(NoTurn::Stuck);
            }
            calls.entered += 1;
            Ok(calls.turns.clone())
        })?;
        let mut entry = Entry { strays: self.clone(), key, in_progress: false };
        let permit = match turns.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => match timeout_at(ends, turns.acquire_owned()).await {
                Ok(Ok(permit)) => permit,
                Ok(Err(_)) | Err(_) => return Err(NoTurn::TimedOut),
            },
        };
        entry.begin();
        let stage = Mutex::new(Stage::Queued);
        Ok(Turn(Arc::new(Call { stage, entry, _permit: permit })))
    }
}

/// A call that is counted; dropping it undoes the count.
struct Entry {
    strays: Arc<Strays>,
    key: Key,
    in_progress: bool,
}

impl Entry {
    fn update(&self, change: impl FnOnce(&mut Calls)) {
        self.strays.calls(|calls| {
            if let Some(calls) = calls.get_mut(&self.key) {
                change(calls);
            }
        });
    }

    fn begin(&mut self) {
        self.in_progress = true;
        self.update(|calls| calls.in_progress += 1);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.strays.calls(|all| {
            let Some(calls) = all.get_mut(&self.key) else { return };
            calls.entered -= 1;
            calls.in_progress -= usize::from(self.in_progress);
            if calls.entered == 0 {
                all.remove(&self.key);
            }
        });
    }
}

/// One call. It ends when neither the asking task nor the answering thread holds it any more.
struct Call {
    stage: Mutex<Stage>,
    entry: Entry,
    _permit: OwnedSemaphorePermit,
}

/// The right to one call of a policy. Clones are the same call: the asking task holds one, and so does the answering
/// thread.
#[derive(Clone)]
pub(super) struct Turn(Arc<Call>);

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turn").field(&self.0.entry.key).finish()
    }
}

impl Turn {
    fn stage<R>(&self, change: impl FnOnce(&mut Stage) -> R) -> R {
        change(&mut self.0.stage.lock())
    }

    /// Marks the call as begun. Returns false if nobody waits for it any more: then it must not be carried out.
    pub(super) fn begin(&self) -> bool {
        self.stage(|stage| match stage {
            Stage::Queued => {
                *stage = Stage::Running;
                true
            }
            Stage::Running | Stage::Stuck | Stage::Withdrawn | Stage::Returned => false,
        })
    }

    /// Marks the call as returned.
    pub(super) fn end(&self) {
        self.stage(|stage| {
            if *stage == Stage::Stuck {
                self.0.entry.update(|calls| calls.stuck -= 1);
            }
            *stage = Stage::Returned;
        });
    }

    /// Marks that nobody waits for the call any more. Returns true if the policy has begun to run.
    pub(super) fn abandon(self) -> bool {
        self.stage(|stage| match stage {
            Stage::Queued => {
                *stage = Stage::Withdrawn;
                false
            }
            Stage::Running => {
                *stage = Stage::Stuck;
                self.0.entry.update(|calls| calls.stuck += 1);
                true
            }
            Stage::Stuck | Stage::Returned => true,
            Stage::Withdrawn => false,
        })
    }
}

/// Returns how much of the time that is `left` until the host stops waiting a policy is given, in milliseconds. A part
/// is kept back, so that a policy that takes too long is ended by its own deadline, and the fault says so.
pub(super) fn own_share_ms(left: Duration) -> u64 {
    let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let kept = (left / 8).clamp(3, 25);
    left.saturating_sub(kept).max(1)
}

#[cfg(test)]
mod tests {
    use provost_state::Judgement;

    use super::*;

    #[derive(Debug)]
    struct Named(Arc<str>, u64);

    impl Policy for Named {
        fn name(&self) -> &Arc<str> {
            &self.0
        }

        fn version(&self) -> u64 {
            self.1
        }

        fn judges(&self, _: Judgement) -> bool {
            true
        }
    }

    fn named(name: &str, version: u64) -> Named {
        Named(name.into(), version)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[tokio::test(start_paused = true)]
    async fn the_calls_of_a_policy_are_limited_and_another_policy_or_version_has_its_own_turns() {
        let strays = Arc::new(Strays::default());
        let mut turns = Vec::new();
        for _ in 0..AT_ONCE {
            turns.push(strays.turn(&named("slow", 1), soon()).await.unwrap());
        }
        assert_eq!(strays.turn(&named("slow", 1), soon()).await.unwrap_err(), NoTurn::TimedOut);
        assert!(strays.turn(&named("quick", 1), soon()).await.is_ok());
        assert!(strays.turn(&named("slow", 2), soon()).await.is_ok(), "a swap gives it a fresh start");
        drop(turns.pop());
        assert!(strays.turn(&named("slow", 1), soon()).await.is_ok());
        drop(turns);
        assert!(strays.calls(|calls| calls.is_empty()), "nothing is kept of calls that have ended");
    }

    #[tokio::test(start_paused = true)]
    async fn while_all_calls_are_stuck_a_policy_is_not_asked_and_one_that_returns_ends_that() {
        let strays = Arc::new(Strays::default());
        let policy = named("stuck", 1);
        let (first, second) =
            (strays.turn(&policy, soon()).await.unwrap(), strays.turn(&policy, soon()).await.unwrap());
        assert!(first.begin() && second.begin());
        assert!(first.clone().abandon());
        assert!(strays.turn(&policy, soon()).await.is_ok(), "the second is still waited for");
        assert!(second.clone().abandon());
        assert_eq!(strays.turn(&policy, soon()).await.unwrap_err(), NoTurn::Stuck);
        second.end();
        drop(second);
        assert_eq!(
            strays.turn(&policy, soon()).await.unwrap_err(),
            NoTurn::Stuck,
            "the first is in progress"
        );
        first.end();
        drop(first);
        assert!(strays.turn(&policy, soon()).await.is_ok());
        assert!(strays.calls(|calls| calls.is_empty()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_got_a_thread_is_no_fault_of_the_policy_and_is_not_carried_out() {
        let strays = Arc::new(Strays::default());
        let turn = strays.turn(&named("patient", 1), soon()).await.unwrap();
        assert!(!turn.clone().abandon());
        assert!(!turn.begin());
        assert!(strays.turn(&named("patient", 1), soon()).await.is_ok());
    }

    #[test]
    fn a_policy_is_ended_before_the_host_stops_waiting_for_it() {
        for (left, own) in [(1_000, 975), (200, 175), (80, 70), (10, 7), (4, 1), (0, 1)] {
            assert_eq!(own_share_ms(Duration::from_millis(left)), own, "of {left} ms");
        }
    }
}
