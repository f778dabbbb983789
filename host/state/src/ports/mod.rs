//! The ports: the traits of policies, consumers, views, plugins and the recorder. The supervisor and the control server call
//! these traits, the plugin host and the journal implement them, and the command line connects them; neither side depends on
//! the other.
//!
//! | room | owns |
//! |---|---|
//! | `recorder` | the port of the recorder: notes of what happens beside commits |
//! | `plugins` | reports about plugins, and the operations on them |
//! | `reproduction` | all that one call of a plugin was given |
//! | [`failsafe`] | the native policy of last resort |
//! | `trigger` | the triggers of all kinds of decisions as one type |
//! | `policy` | the port of policies: triggers and answers |
//! | `consumer` | the port of consumers |
//! | `view` | the port of views |
//! | `fault` | the faults of plugins |

mod consumer;
pub mod failsafe;
mod fault;
mod plugins;
mod policy;
mod recorder;
mod reproduction;
mod trigger;
mod view;

pub use consumer::{Batch, Consumer};
pub use fault::{Fault, FaultKind};
pub use plugins::{
    Blame, Intensity, LimitsWanted, PluginChange, PluginFetch, PluginFigures, PluginRefusal,
    PluginRefusalKind, PluginReport, PluginStatus, PluginVersion, PluginWanted, Plugins, Replacement,
};
pub use policy::{
    Basis, Decision, Demand, Ended, HealthAction, Judgement, MemoryChange, MemoryWrite, Observation, Plan,
    Policy, PolicySource, Sample, Settled, StartAction, UsageAction,
};
pub use recorder::{Answer, Asked, Judged, JudgedAction, Note, Noted, Ordered, PluginNote, Recorder};
pub use reproduction::{PluginInput, Reproduction};
pub use trigger::Trigger;
pub use view::{View, ViewRequest, ViewResponse, ViewUsage};
