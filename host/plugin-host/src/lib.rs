//! Loads WebAssembly plugins, decides whether they are admitted, bounds what they may use, and calls them. Implements
//! the ports [`Policy`](provost_state::Policy), [`View`](provost_state::View), [`Consumer`](provost_state::Consumer)
//! and [`Plugins`](provost_state::Plugins) of the state core.
//!
//! ```text
//!  Source --bytes--> component --digest--> cache --Component--> admission --roles--> Plugin --> Policy, View, Consumer
//!  (path,            (is it a              (compiled            (imports, exports,   (limits, counters,
//!   bundled)          component?)          once)                types)               status)
//! ```
//!
//! | room | owns |
//! |---|---|
//! | `fuzzing` | entry points for the fuzzers |
//! | `port` | the port `Plugins`: load, unload, swap, rollback, revive, blame |
//! | `workbench` | one component apart from any host, for its author: everything that a call did is returned |
//! | `rehearsal` | plugins made and tried first, and put in force later |
//! | `pending` | plugins at boot: in place before they are ready ([`Pending`]) |
//! | `host` | [`PluginHost`]: the plugins by name, and the lock for changing them |
//! | `plugin` | one plugin: its versions, how they are made and called, and what happens to those that fail |
//! | `component` | from bytes to a component that may run: its source, its signer, its compiled code, whether it is admitted |
//! | `guest` | one instance as the host sees it: what it may call, the host's side of each interface, and its granted access to the outside |
//! | `engine` | the engines, the clock that interrupts calls, and the part of a pool that views and consumers share |
//! | `memory` | what a plugin remembers from one call to the next, and its file |
//! | `limits` | what a plugin may use, and what an operator may grant it |
//! | `role` | the roles that a plugin can play |
//! | `schema` | the JSON Schema of a plugin's settings, which a component carries |
//! | `lacks` | reports what the plugin host lacks at the moment |
//! | `notice` | notifies the application of a quarantine |
//! | `clock` | the clock for figures and quarantine |
//! | `text` | text for people: sanitized plugin text, sizes, errors |
//!
//! Invariants:
//! - A file that is not a component is a [`LoadError`]: a mistake in the config. A component that asks for something
//!   that it was not granted *is* loaded, as refused: its policy answers every trigger with a fault, so that the next
//!   policy in the chain judges, and status says why.
//! - A call never outlives its deadline by more than two ticks of the engine's clock, and never panics the host: every
//!   failure of a plugin is a [`Fault`](provost_state::Fault).
//! - A policy and a view run in a fresh instance per call; a consumer keeps its instance until it fails or is swapped.
//!   After any fault the whole store is thrown away.
//! - Each plugin has one pointer to the versions in force. A call loads it once and ends on what it loaded; a change
//!   that fails a check has not touched it. Changes wait for each other only while a pointer is exchanged: nothing is
//!   read, compiled or called meanwhile.
//! - Views and consumers are kept to a part of the memories, tables and stacks of an engine, so they never take the
//!   place of a policy.
//! - What a call writes into the plugin's memory is published only if the call succeeds.
//! - A start policy's answer never leaves this crate with a variable that the operator has not granted.
//! - No policy sees a clock, randomness, files, the network or the environment: none of it is linked. For a consumer or
//!   a view, each interface is linked only if the operator granted it; a call that waits for the outside is dropped at
//!   its deadline.
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
mod notice;
mod pending;
mod plugin;
mod port;
mod rehearsal;
mod role;
mod schema;
mod text;
mod workbench;

pub use component::cache::{CacheBounds, CacheCounts};
pub use component::{
    CompileError, Compiler, ComponentError, FetchLease, Fetched, FetchedTogether, Fetching, InProcess,
    Inspection, LoadError, Nowhere, Remote, RemoteError, Source, Trust, TrustError, bundled_names, hex,
    inspect, is_sha256, keygen, recognise, sign, signature_of, survey, verify,
};
pub use engine::{EngineError, Layout};
pub use guest::PluginLine;
pub use host::{HostOptions, PluginHost, PluginSpec, PolicyLookupError};
pub use lacks::Lacks;
pub use limits::grants::{Destination, Grant, GrantError, Grants, HttpHost, Scope, Settable};
pub use limits::{Limit, LimitError, Limits, Measure, NoSuchLimit, SettingsTooLarge};
pub use notice::Notice;
pub use pending::{Before, Pending};
pub use plugin::trial_world;
pub use rehearsal::{InForce, Kept, Ready, Unfit};
pub use role::Role;
pub use schema::{SECTION as SETTINGS_SCHEMA_SECTION, SchemaError, Setting, SettingsSchema};
pub use workbench::{Bench, Impure, Outcome, Reply, Setup, SetupError, Workbench};
