//! Write plugins for the Provost supervisor: policies, views and consumers.
//!
//! A plugin is a type that serde reads from the operator's settings, an implementation of the trait of its
//! role, and a macro that exports it:
//!
//! | role | trait | macro |
//! |---|---|---|
//! | judge what to do when a process has ended | [`RestartPolicy`] | [`export_restart_policy!`] |
//! | render status on request | [`StatusView`] | [`export_status_view!`] |
//! | be told of every change | [`StatusConsumer`] | [`export_status_consumer!`] |
//!
//! A component exports only what its macros name; one crate may use several.
//!
//! # A complete policy
//! ```
//! use provost_guest::{Decision, Ended, RestartPolicy, Span, World, export_restart_policy};
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
//! export_restart_policy!(Patience);
//!
//! // Its logic is tested natively, in a made-up world.
//! use provost_guest::{Action, Exit, testing};
//! let policy = Patience { tries: 3, pause: Span::from_ms(500) };
//! let ended = testing::ended("web", Exit::Signal(9), 10);
//! let decision = policy.on_exit(&ended, &testing::MadeUpWorld::default());
//! assert_eq!(decision.action, Action::Restart(500));
//! assert_eq!(decision.reason, "killed by SIGKILL: try 1");
//! ```
//! Its crate has `crate-type = ["cdylib", "rlib"]` and depends on `provost-guest` and `serde`; `provost
//! plugin build DIR` makes `DIR/NAME.wasm` of it, and the operator writes
//! ```toml
//! [plugins.patience]
//! component = "plugins/patience/patience.wasm"
//! settings  = { tries = 3, pause = "500ms" }
//! ```
//!
//! # What to know
//! - A policy is a function of its trigger, the world and its settings. It has no clock and no randomness:
//!   `now` and `seed` are in the trigger, so that every decision can be replayed.
//! - Policies and views get a fresh instance for every call; a consumer lives until it fails.
//! - Wrong settings and panics are logged with the field or the place, and then end the call: the next policy
//!   in the chain decides, at last the host's failsafe. No fault of a plugin costs a process.

pub mod bindings;
#[doc(hidden)]
pub mod consumer;
pub mod log;
#[doc(hidden)]
pub mod policy;
pub mod settings;
mod span;
pub mod testing;
#[doc(hidden)]
pub mod view;
mod words;
mod world;

pub use bindings::judge::exports::provost::plugin::restart_policy::{Action, Decision, Ended};
pub use bindings::judge::provost::plugin::snapshots::{Columns, Counts, Fields, Snapshot, TextColumn};
pub use bindings::judge::provost::plugin::types::{
    Cause, Death, Desired, Event, EventKind, Exit, Phase, ProcessState, Ruling,
};
pub use bindings::listener::exports::provost::plugin::status_consumer::Batch;
pub use bindings::renderer::exports::provost::plugin::status_view::{Request, Response};
pub use consumer::StatusConsumer;
pub use policy::RestartPolicy;
pub use span::Span;
pub use view::StatusView;
pub use world::{Row, World, each_row};
