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
//! | room | owns |
//! |---|---|
//! | `fuzzing` | entrances for the fuzzers |
//! | `port` | the port `Plugins`: load, unload, swap, rollback, revive, blame |
//! | `pending` | plugins as the host starts: in their places before they are ready ([`Pending`]) |
//! | `host` | [`PluginHost`]: the plugins by name, and the right to change them |
//! | `plugin` | one plugin: its versions, how they are made and asked, and what becomes of those that fail |
//! | `component` | from bytes to a component that may run: where it comes from, whose it is, its compiled code, whether it is let in |
//! | `guest` | one instance as the host sees it: what it may call, the host's side of each interface, and what was granted of the outside |
//! | `engine` | the engines, the clock that interrupts calls, and the part of a pool that views and consumers share |
//! | `memory` | what a plugin remembers from one call to the next, and its file |
//! | `limits` | what a plugin may use, and what an operator may grant it |
//! | `role` | what a plugin can be to the host |
//! | `lacks` | where it is entered what the plugin host lacks at the moment |
//! | `clock` | the time that figures and quarantine go by |
//! | `text` | text as people read it |
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

mod clock;
mod component;
mod engine;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod guest;
mod host;
mod lacks;
mod limits;
mod memory;
mod pending;
mod plugin;
mod port;
mod role;
mod text;

pub use component::cache::{CacheBounds, CacheCounts};
pub use component::{
    CompileError, Compiler, ComponentError, InProcess, Inspection, LoadError, Source, Trust, TrustError,
    bundled_names, inspect, is_sha256, keygen, sign, signature_of, verify,
};
pub use engine::{EngineError, Layout};
pub use host::{HostOptions, PluginHost, PluginSpec, PolicyLookupError};
pub use lacks::Lacks;
pub use limits::grants::{Destination, Grant, GrantError, Grants, HttpHost, Scope, Settable};
pub use limits::{Limit, LimitError, Limits, Measure, NoSuchLimit, SettingsTooLarge};
pub use pending::Pending;
pub use plugin::trial_world;
pub use role::Role;
