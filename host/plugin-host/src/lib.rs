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
//! | `host` | [`PluginHost`]: the plugins by name, and what they are in their roles |
//! | `pending` | a plugin that is in its place before it is ready: [`Pending`] |
//! | `changes` | the port `Plugins`: load, unload, swap, rollback, revive, blame |
//! | `making` | from a file to a version that is ready to be called, or the reason for which it is refused |
//! | `trust` | whose components are let in: signatures and keys |
//! | `trial` | what a version has to answer before it is put in force |
//! | `component` | where a component comes from, and whether the bytes are a component at all: [`Source`], [`LoadError`] |
//! | `admission` | what a component imports and exports, and whether it is let in for that |
//! | `inspect` | the same for people: [`inspect()`] |
//! | `plugin` | one plugin: the place that its versions take turns in |
//! | `version` | one version: a component with its settings, compiled and linked |
//! | `role`, `question` | what a plugin can be, and what it can be asked |
//! | `call` | what every call has in common |
//! | `policy`, `view`, `consumer` | plugins as the ports of the state core |
//! | `quarantine` | when a plugin that keeps failing is not asked any more |
//! | `memory` | what a plugin remembers from one call to the next, and its file |
//! | `lacks` | where it is entered what the plugin host lacks at the moment |
//! | `figures` | what a version did so far |
//! | `engine`, `room` | the engines, the clock that interrupts calls, and the part of a pool that views and consumers share |
//! | `compiler` | the port to whoever compiles: [`Compiler`] |
//! | `cache` | compiled code on disk and its bounds; the only file with `unsafe` |
//! | `grants`, `variables` | what an operator may grant, and which variables of an answer are |
//! | `outside` | what a plugin with grants reaches of the outside |
//! | `limits`, `meter` | what a plugin may use, and who counts it |
//! | `fault` | what went wrong in a call, in words for people |
//! | `snapshot`, `log` | the host's side of `snapshots`, `settings` and `log` |
//! | `convert` | between the words of the state core and those of the contract |
//! | `bindings` | what `bindgen!` makes of `wit/` |
//! | `bundled` | the components inside this binary |
//! | `clock` | the time that figures and quarantine go by |
//!
//! Invariants:
//! - A file that is not a component is a [`LoadError`]: a mistake in the config. A component that asks for what
//!   nobody granted it *is* loaded, as refused: its policy answers every trigger with a fault, so that the next in
//!   the chain judges, and status says why.
//! - A call never outlives its deadline by more than two ticks of the engine's clock, and never panics
//!   the host: whatever a plugin does is a [`Fault`](provost_state::Fault).
//! - A policy and a view run in a fresh instance per call; a consumer keeps its instance until it fails or is swapped.
//!   After any fault the whole store is thrown away.
//! - What is in force is one pointer a plugin. A call takes it once and ends on what it took; a change that fails any
//!   check has not touched it. Changes wait for each other for as long as it takes to exchange a pointer: nothing is read,
//!   compiled or called meanwhile.
//! - Views and consumers have their part of the memories, tables and stacks of an engine. A policy never finds its place taken by
//!   one.
//! - What a call writes into the plugin's memory is published when the call has succeeded, and not at all otherwise.
//! - No answer of a start policy leaves this crate with a variable that the operator has not granted.
//! - No policy sees a clock, randomness, files, the network or the environment: none of it is linked. A consumer or a
//!   view sees what the operator granted it, each interface linked for itself; a call of theirs that waits for the
//!   outside is dropped at its deadline.
//!
//! What is deliberately absent: processes, the control plane, the supervisor.

#![deny(unsafe_code)]

mod admission;
mod bindings;
mod bundled;
mod cache;
mod call;
mod changes;
mod clock;
mod compiler;
mod component;
mod consumer;
mod convert;
mod engine;
mod fault;
mod figures;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod grants;
mod host;
mod inspect;
mod lacks;
mod limits;
mod log;
mod making;
mod memory;
mod meter;
mod outside;
mod pending;
mod plugin;
mod policy;
mod quarantine;
mod question;
mod role;
mod roll;
mod room;
mod snapshot;
mod trial;
mod trust;
mod variables;
mod version;
mod view;

pub use bundled::bundled_names;
pub use cache::{CacheBounds, CacheCounts};
pub use compiler::{CompileError, Compiler, InProcess};
pub use component::{ComponentError, LoadError, Source, is_sha256};
pub use engine::{EngineError, Layout};
pub use grants::{Destination, Grant, GrantError, Grants, HttpHost, Scope, Settable};
pub use host::{HostOptions, PluginHost, PluginSpec, PolicyLookupError};
pub use inspect::{Inspection, inspect};
pub use lacks::Lacks;
pub use limits::{Limit, LimitError, Limits, Measure, NoSuchLimit, SettingsTooLarge};
pub use pending::Pending;
pub use role::Role;
pub use trial::trial_world;
pub use trust::{Trust, TrustError, keygen, sign, signature_of, verify};
