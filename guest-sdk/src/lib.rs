//! The SDK for plugins of the Provost supervisor: policies, views and consumers.
//!
//! A plugin is a type that serde reads from the operator's settings, an implementation of the trait of each of
//! its roles, and one line that exports it:
//!
//! | role | trait |
//! |---|---|
//! | judge what to do when a process has ended | [`RestartPolicy`] |
//! | judge whether a process may be spawned | [`StartPolicy`] |
//! | judge what the health checks of a process mean | [`HealthPolicy`] |
//! | judge how many replicas of a process there should be | [`ScalePolicy`] |
//! | judge the resources that a process uses | [`UsagePolicy`] |
//! | render status on request | [`StatusView`] |
//! | receive every change | [`StatusConsumer`] |
//!
//! A component exports the roles that its one [`export!`] names, and a check of its settings. There is one macro for any set of
//! roles, and not one for each role, because the check of the settings exists once and covers all of them.
//!
//! # A complete policy
//! ```
//! use provost_guest::{Decision, Ended, RestartPolicy, Span, World};
//!
//! /// Restarts what fails, up to `tries` times in a row, each time `pause` later.
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Patience {
//!     tries: u32,
//!     pause: Span, // "100ms", "30s", "5m"
//! }
//!
//! impl RestartPolicy for Patience {
//!     fn on_exit(&self, ended: &Ended, _world: &dyn World) -> Decision {
//!         match ended.failures {
//!             0 => Decision::stay_down("it has done its work"),
//!             n if n > self.tries => Decision::give_up(format!("{}, {n} times in a row", ended.exit)),
//!             n => Decision::restart(self.pause.ms() * u64::from(n), format!("{}: try {n}", ended.exit)),
//!         }
//!     }
//! }
//!
//! provost_guest::export!(Patience: RestartPolicy);
//!
//! // The logic is tested natively, in a made-up world.
//! use provost_guest::{Exit, testing};
//! let policy = Patience { tries: 3, pause: Span::from_ms(500) };
//! let ended = testing::ended("web", Exit::Signal(9), 10);
//! let decision = policy.on_exit(&ended, &testing::MadeUpWorld::default());
//! assert_eq!(decision.action.delay_ms(), Some(500));
//! assert_eq!(decision.reason, "killed by SIGKILL: try 1");
//! ```
//! Properties that should hold for all triggers and worlds are in `testing::invariants`, with the feature `proptest` of this crate.
//!
//! The crate has `crate-type = ["cdylib", "rlib"]` and depends on `provost-guest` and `serde`; `provost
//! plugin build DIR` compiles it to `DIR/NAME.wasm`, and the operator writes
//! ```toml
//! [plugins.patience]
//! component = "plugins/patience/patience.wasm"
//! settings  = { tries = 3, pause = "500ms" }
//! ```
//!
//! A view or a consumer may be granted more: with the feature `wasi` of this crate it sends [`http`] requests and reads
//! [`mod@env`] variables; for files, clocks and randomness use the crate `wasip2`. None of these is available to a policy.
//!
//! # What to know
//! - A policy is a function of its trigger, the world, its settings and its [`memory`]. It has no clock and no
//!   randomness: `now` and `seed` are in the trigger, so that every decision can be replayed.
//! - A start policy sets only those variables that the operator has granted by name (`allow = ["set-env:NAME"]`); the
//!   host drops the others and says so.
//! - Policies and views get a fresh instance for every call; a consumer lives until it fails.
//! - Wrong settings and panics are logged with the field or the place, and then end the call: the next policy
//!   in the chain decides, and the host's failsafe after the last. No fault of a plugin costs a process.
//!
//! # Rooms
//! A room imports only from rooms that stand below it.
//!
//! | room | owns |
//! |---|---|
//! | `testing` | the made-up world of native tests, and properties of policies |
//! | `roles` | the traits of the roles, their triggers and decisions, and the export |
//! | `settings` | reading and checking the operator's settings |
//! | `schema` | the JSON Schema of a settings type, in native tests |
//! | `rules` | functions that restart policies share |
//! | `host` | the services of the host, and their stand-ins in native tests |
//! | `json` | reading JSON into types, with errors that name the field |
//! | `rows` | the rows of a world one by one |
//! | `world` | the world as a plugin sees it |
//! | `words` | the names of the contract's types, for people |
//! | `span` | durations |
//! | `signal` | signals |
//! | `heap` | the heap of a component |
//! | `contract` | the types that all roles share, each with an example |
//! | `bindings` | the code that wit-bindgen generates from the contract |

#[doc(hidden)]
pub mod bindings;
mod contract;
#[cfg(target_arch = "wasm32")]
mod heap;
mod host;
mod json;
#[doc(hidden)]
pub mod roles;
mod rows;
pub mod rules;
#[cfg(feature = "schema")]
pub mod schema;
pub mod settings;
mod signal;
mod span;
pub mod testing;
mod words;
mod world;

pub use contract::{
    Cause, Columns, Counts, Death, Desired, Event, EventKind, Exit, Fields, Health, Phase, ProcessState,
    Removal, Ruling, Snapshot, TextColumn, Usage,
};
#[cfg(feature = "wasi")]
pub use host::{env, http};
pub use host::{log, memory, plugins, usages};
pub use roles::consumer::{Batch, StatusConsumer};
pub use roles::health::{HealthAction, HealthDecision, HealthPolicy, Observation};
pub use roles::restart::{Action, Decision, Ended, Escalation, RestartPolicy, Restarting, Scope};
pub use roles::scale::{Demand, ScaleAction, ScaleDecision, ScalePolicy};
pub use roles::start::{Plan, StartAction, StartDecision, StartPolicy, Variable};
pub use roles::usage::{Sample, UsageAction, UsageDecision, UsagePolicy};
pub use roles::view::{Request, Response, StatusView};
pub use rows::{Row, Rows};
pub use signal::Signal;
pub use span::Span;
pub use world::World;
