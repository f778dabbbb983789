//! The ports: the traits of policies, consumers, views and plugins. The supervisor and the control server call these
//! traits, the plugin host implements them, and the command line connects them; the plugin host and its callers do not
//! depend on each other.
//!
//! | room | owns |
//! |---|---|
//! | `plugins` | reports about plugins, and the operations on them |
//! | [`failsafe`] | the native policy of last resort |
//! | `policy` | the port of policies: triggers and answers |
//! | `consumer` | the port of consumers |
//! | `view` | the port of views |
//! | `fault` | the faults of plugins |

mod consumer;
pub mod failsafe;
mod fault;
mod plugins;
mod policy;
mod view;

pub use consumer::{Batch, Consumer};
pub use fault::{Fault, FaultKind};
pub use plugins::{
    Blame, Intensity, LimitsWanted, PluginChange, PluginFigures, PluginRefusal, PluginRefusalKind,
    PluginReport, PluginStatus, PluginVersion, PluginWanted, Plugins, Replacement,
};
pub use policy::{
    Decision, Demand, Ended, HealthAction, Judgement, MemoryChange, MemoryWrite, Observation, Plan, Policy,
    Sample, StartAction, UsageAction,
};
pub use view::{View, ViewRequest, ViewResponse, ViewUsage};
