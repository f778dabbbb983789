//! The ports: what policies, consumers, views and plugins are to the rest of the host. The supervisor drives these ports,
//! the plugin host fills them, the command line plugs them together; none of them knows another.
//!
//! | room | owns |
//! |---|---|
//! | `plugins` | what is known of plugins, and what can be done with them |
//! | [`failsafe`] | the native policy of last resort |
//! | `policy` | what a policy is: triggers and answers |
//! | `consumer` | what a consumer is |
//! | `view` | what a view is |
//! | `fault` | what can go wrong with a plugin |

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
pub use policy::{Decision, Demand, Ended, HealthAction, Judgement, Observation, Plan, Policy, StartAction};
pub use view::{View, ViewRequest, ViewResponse};
