//! Properties of policies. Each function tests one with hundreds of made-up cases and panics with the smallest case that breaks it.
//!
//! The cases differ from run to run, so a property that holds in nine cases of ten is found to be wrong sooner or later; what is
//! printed is a case to keep as an ordinary test. `PROPTEST_CASES` sets the number of cases. Each call begins with an empty
//! [`memory`](crate::memory).
//!
//! ```
//! use provost_guest::testing::invariants::{self, Judge};
//! use provost_guest::{Decision, Ended, RestartPolicy, Span, World};
//!
//! /// Restarts what fails, ever later, and gives up after the fifth failure in a row.
//! #[derive(serde::Deserialize)]
//! struct Patience {}
//!
//! impl RestartPolicy for Patience {
//!     fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
//!         match ended.failures {
//!             0 => Decision::stay_down("it has done its work"),
//!             5.. => Decision::give_up(format!("{} failures in a row", ended.failures)),
//!             n => Decision::restart(u64::from(n) * 500, format!("failure {n}")),
//!         }
//!     }
//! }
//!
//! let policy = Patience {};
//! invariants::never_panics::<Ended>(&policy);
//! invariants::same_input_same_decision::<Ended>(&policy);
//! invariants::gives_up_within(&policy, 5);
//! invariants::delay_never_shrinks_in_a_streak(&policy);
//! invariants::delay_at_most(&policy, Span::from_ms(2_000));
//! ```

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::Strategy;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::strategies::{self, proptest};
use super::{MadeUpWorld, ended, forget, process};
use crate::{
    Action, Death, Decision, Demand, Ended, Exit, HealthDecision, HealthPolicy, Observation, Phase, Plan,
    RestartPolicy, Sample, ScaleDecision, ScalePolicy, Span, StartDecision, StartPolicy, UsageDecision,
    UsagePolicy, World,
};

/// A trigger of a role, of which any case can be made up: [`Ended`], [`Plan`], [`Observation`], [`Demand`] or [`Sample`].
///
/// ```
/// use provost_guest::testing::invariants::Trigger;
/// use provost_guest::testing::strategies::proptest::test_runner::TestRunner;
/// use provost_guest::{Plan, World};
///
/// TestRunner::default()
///     .run(&Plan::any(), |(plan, world)| {
///         assert!(world.get(&plan.name).is_some());
///         Ok(())
///     })
///     .unwrap();
/// ```
pub trait Trigger: Clone + Debug + Sized + 'static {
    /// Returns any trigger, with the world in which it occurs.
    fn any() -> BoxedStrategy<(Self, MadeUpWorld)>;
}

/// A policy of any role, by the trigger of the role. Every type that implements a role implements it.
///
/// ```
/// use provost_guest::testing::invariants::Judge;
/// use provost_guest::testing::{self, MadeUpWorld};
/// use provost_guest::{Plan, StartDecision, StartPolicy, World};
///
/// #[derive(serde::Deserialize)]
/// struct Always {}
///
/// impl StartPolicy for Always {
///     fn before_start(&self, _plan: &Plan, _world: &dyn World) -> StartDecision {
///         StartDecision::allow("why not")
///     }
/// }
///
/// let decision = Always {}.judge(&testing::plan("web"), &MadeUpWorld::default());
/// assert_eq!(decision.reason, "why not");
/// ```
pub trait Judge<T> {
    /// The decision of the role.
    type Decision: PartialEq + Debug;

    /// Asks the policy.
    fn judge(&self, trigger: &T, world: &dyn World) -> Self::Decision;
}

macro_rules! roles {
    ($($role:ident $method:ident $trigger:ident $decision:ident $strategy:ident;)+) => {$(
        impl Trigger for $trigger {
            fn any() -> BoxedStrategy<(Self, MadeUpWorld)> {
                strategies::$strategy().boxed()
            }
        }

        impl<P: $role> Judge<$trigger> for P {
            type Decision = $decision;

            fn judge(&self, trigger: &$trigger, world: &dyn World) -> $decision {
                self.$method(trigger, world)
            }
        }
    )+};
}

roles! {
    RestartPolicy on_exit Ended Decision ended;
    StartPolicy before_start Plan StartDecision plan;
    HealthPolicy on_probe Observation HealthDecision observation;
    ScalePolicy replicas Demand ScaleDecision demand;
    UsagePolicy on_sample Sample UsageDecision sample;
}

/// The shortest life, in milliseconds, that is not a quick failure.
const QUICK_MS: u64 = 1_000;
/// The number of failures in a row of which [`delay_never_shrinks_in_a_streak`] tries up to all.
const STREAK: usize = 30;

/// Tests that no trigger in any world makes the policy panic, which would end the call without a decision.
///
/// ```should_panic
/// use provost_guest::testing::invariants;
/// use provost_guest::{Demand, ScaleDecision, ScalePolicy, World};
///
/// #[derive(serde::Deserialize)]
/// struct Share {}
///
/// impl ScalePolicy for Share {
///     fn replicas(&self, demand: &Demand, _world: &dyn World) -> ScaleDecision {
///         ScaleDecision::to(100 / demand.running, "shares the load")
///     }
/// }
///
/// // Panics with the case that breaks it: no replica is running.
/// invariants::never_panics::<Demand>(&Share {});
/// ```
#[track_caller]
pub fn never_panics<T: Trigger>(policy: &impl Judge<T>) {
    holds(T::any(), |(trigger, world)| {
        policy.judge(&trigger, &world);
        Ok(())
    });
}

/// Tests that the policy decides the same when it is asked the same again, in the same world and with the same memory, which the
/// host relies on when it replays a decision.
///
/// ```
/// use provost_guest::testing::invariants;
/// use provost_guest::{HealthDecision, HealthPolicy, Observation, World};
///
/// #[derive(serde::Deserialize)]
/// struct Strict {}
///
/// impl HealthPolicy for Strict {
///     fn on_probe(&self, observation: &Observation, _world: &dyn World) -> HealthDecision {
///         if observation.passed { HealthDecision::healthy("passed") } else { HealthDecision::restart("failed") }
///     }
/// }
///
/// invariants::same_input_same_decision::<Observation>(&Strict {});
/// ```
#[track_caller]
pub fn same_input_same_decision<T: Trigger>(policy: &impl Judge<T>) {
    holds(T::any(), |(trigger, world)| {
        let first = policy.judge(&trigger, &world);
        forget();
        let second = policy.judge(&trigger, &world);
        check(first == second, || format!("first {first:?}, and then {second:?}"))
    });
}

/// Tests that a process that fails quickly, in whatever way, is restarted fewer than `failures` times: at the latest after that many
/// failures in a row the decision is something else. It may give up or stay down before.
///
/// The [example](self) of the module uses it.
#[track_caller]
pub fn gives_up_within(policy: &impl RestartPolicy, failures: usize) {
    holds(vec(failure(), failures..=failures), |ends| {
        let streak = streak(policy, &ends);
        let restarts = streak.iter().filter(|decision| delay(decision).is_some()).count();
        check(restarts < failures, || {
            format!("{restarts} restarts, the last one because {:?}", reason(&streak))
        })
    });
}

/// Tests that in a row of quick failures no restart comes sooner after its failure than the one before.
///
/// The [example](self) of the module uses it.
#[track_caller]
pub fn delay_never_shrinks_in_a_streak(policy: &impl RestartPolicy) {
    holds(vec(failure(), 2..=STREAK), |ends| {
        let streak = streak(policy, &ends);
        let delays: Vec<u64> = streak.iter().filter_map(delay).collect();
        check(delays.is_sorted(), || {
            format!("delays of {delays:?} ms, the last one because {:?}", reason(&streak))
        })
    });
}

/// Tests that no restart comes later than `longest` after the end of the process.
///
/// The [example](self) of the module uses it.
#[track_caller]
pub fn delay_at_most(policy: &impl RestartPolicy, longest: Span) {
    holds(Ended::any(), |(ended, world)| {
        let decision = policy.on_exit(&ended, &world);
        check(delay(&decision).is_none_or(|delay_ms| delay_ms <= longest.ms()), || format!("{decision:?}"))
    });
}

/// Asks the policy about one failure after another, until it does not restart the process, and returns its decisions.
///
/// ```
/// use provost_guest::testing::invariants::streak;
/// use provost_guest::{Decision, Ended, Exit, RestartPolicy, World};
///
/// #[derive(serde::Deserialize)]
/// struct Thrice {}
///
/// impl RestartPolicy for Thrice {
///     fn on_exit(&self, ended: &Ended, world: &dyn World) -> Decision {
///         match world.deaths(&ended.name, 10).len() as u64 {
///             3.. => Decision::give_up("three deaths"),
///             n => Decision::restart(n * 100, "again"),
///         }
///     }
/// }
///
/// let decisions = streak(&Thrice {}, &vec![(Exit::Code(1), 5); 10]);
/// let delays: Vec<_> = decisions.iter().map(|decision| decision.action.delay_ms()).collect();
/// assert_eq!(delays, [Some(100), Some(200), None]);
/// ```
pub fn streak(policy: &impl RestartPolicy, ends: &[(Exit, u64)]) -> Vec<Decision> {
    let mut world = MadeUpWorld::of([process("web", Phase::Exited)]);
    let (mut now, mut decisions) = (0, Vec::new());
    for (failures, (exit, uptime)) in (1_u32..).zip(ends) {
        now += uptime;
        let incarnation = u64::from(failures);
        let death = Death { incarnation, exit: exit.clone(), at: now, uptime: *uptime };
        world.deaths.entry("web".to_owned()).or_default().insert(0, death);
        let ended = Ended {
            incarnation,
            failures,
            restarts: incarnation - 1,
            now,
            was_ready: false,
            ..ended("web", exit.clone(), *uptime)
        };
        let decision = policy.on_exit(&ended, &world);
        let delay = delay(&decision);
        decisions.push(decision);
        match delay {
            Some(delay_ms) => now += delay_ms,
            None => break,
        }
    }
    decisions
}

/// Returns any quick failure with the uptime in milliseconds.
fn failure() -> impl Strategy<Value = (Exit, u64)> {
    (strategies::failure(), 0..QUICK_MS)
}

fn delay(decision: &Decision) -> Option<u64> {
    match &decision.action {
        Action::Restart(restarting) => Some(restarting.delay),
        Action::StayDown | Action::GiveUp(_) | Action::Pass => None,
    }
}

fn reason(decisions: &[Decision]) -> &str {
    decisions.last().map_or("", |decision| &decision.reason)
}

fn check(holds: bool, why: impl FnOnce() -> String) -> Result<(), TestCaseError> {
    if holds { Ok(()) } else { Err(TestCaseError::fail(why())) }
}

/// Tries many cases, and panics with the smallest one for which `test` fails.
#[expect(clippy::panic, reason = "this is how a native test fails")]
#[track_caller]
fn holds<T: Debug>(cases: impl Strategy<Value = T>, test: impl Fn(T) -> Result<(), TestCaseError>) {
    // A file with cases that have failed would be written beside the sources of this crate.
    let config = Config { failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&cases, |case| {
        forget();
        test(case)
    });
    forget();
    if let Err(error) = result {
        panic!("{error}");
    }
}
