//! Lets components speak: loads WebAssembly plugins, decides whether they are let in, bounds what they may use
//! and calls them. Fills the ports [`Policy`](provost_state::Policy), [`View`](provost_state::View),
//! [`Consumer`](provost_state::Consumer) and [`Plugins`](provost_state::Plugins) of the state core.
//!
//! ```text
//!  Source --bytes--> component --digest--> cache --Component--> admission --roles--> Plugin --> Policy, View, Consumer
//!  (path,            (is it one            (compiled            (imports, exports,   (limits, counters,
//!   bundled)          at all?)              once)                types)               status)
//! ```
//!
//! | file | owns |
//! |---|---|
//! | `host` | [`PluginHost`]: the plugins by name, and the port `Plugins` |
//! | `component` | where a component comes from, and whether the bytes are a component at all: [`Source`], [`LoadError`] |
//! | `admission` | what a component imports and exports, and whether it is let in for that |
//! | `inspect` | the same for people: [`inspect()`] |
//! | `plugin` | one loaded plugin, and what every call of it has in common |
//! | `policy`, `view`, `consumer` | the three roles |
//! | `engine` | the one engine, and the clock that interrupts calls |
//! | `cache` | compiled code on disk; the only file with `unsafe` |
//! | `limits` | what a plugin may use, and the meter that counts it |
//! | `fault` | what went wrong in a call, in words for people |
//! | `snapshot`, `log` | the host's side of `snapshots`, `settings` and `log` |
//! | `convert` | between the words of the state core and those of the contract |
//! | `bindings` | what `bindgen!` makes of `wit/` |
//! | `bundled` | the components inside this binary |
//!
//! Invariants:
//! - A file that is not a component is a [`LoadError`]: a mistake in the config. A component that asks for what
//!   nobody granted it *is* loaded, as refused: its policy answers every trigger with a fault, so that the next in
//!   the chain judges, and status says why.
//! - A call never outlives its deadline by more than two ticks of the engine's clock, and never panics
//!   the host: whatever a plugin does is a [`Fault`](provost_state::Fault).
//! - A policy and a view run in a fresh instance per call; a consumer keeps its instance until it fails. After
//!   any fault the whole store is thrown away.
//! - No plugin sees a clock, randomness, files, the network or the environment: none of it is linked.
//!
//! What is deliberately absent: processes, HTTP, tokio, the supervisor.

#![deny(unsafe_code)]

mod admission;
mod bindings;
mod bundled;
mod cache;
mod component;
mod consumer;
mod convert;
mod engine;
mod fault;
mod host;
mod inspect;
mod limits;
mod log;
mod plugin;
mod policy;
mod snapshot;
mod view;

pub use admission::Role;
pub use bundled::bundled_names;
pub use cache::CacheCounts;
pub use component::{ComponentError, LoadError, Source};
pub use engine::EngineError;
pub use host::{PluginHost, PluginSpec, PolicyLookupError};
pub use inspect::{Inspection, inspect};
pub use limits::Limits;
