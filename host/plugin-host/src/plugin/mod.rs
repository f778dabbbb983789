//! One plugin: its versions, how they are made and put to the question, what becomes of those that fail, and what it is as the ports of
//! the state core.
//!
//! | room | owns |
//! |---|---|
//! | `loader` | the one door: from a file to a version that was let in and tried |
//! | `trial` | what a version has to answer before it is put in force |
//! | `catalog` | all plugins that are loaded, in the order of the config |
//! | `policy` | a plugin as a policy |
//! | `view` | a plugin as a view |
//! | `consumer` | a plugin as a consumer |
//! | `slot` | one plugin: the place that its versions take turns in |
//! | `quarantine` | when a plugin that keeps failing is not asked any more |
//! | `input` | any question, kept |
//! | `version` | one version: a component with its settings, compiled and linked |
//! | `question` | what a plugin can be asked, one type a role |
//! | `variables` | which variables of an answer are granted |
//! | `call` | what every call has in common |
//! | `fault` | what went wrong in a call, in words for people |
//! | `purpose` | what a call is for |

mod call;
mod catalog;
mod consumer;
mod fault;
mod input;
mod loader;
mod policy;
mod purpose;
mod quarantine;
mod question;
mod slot;
mod trial;
mod variables;
mod version;
mod view;

pub(crate) use catalog::Catalog;
pub(crate) use consumer::PluginConsumer;
pub(crate) use loader::{Candidate, Loader, Prepared, Recipe, Trial};
pub(crate) use policy::PluginPolicy;
pub(crate) use slot::{Plugin, Versions};
pub(crate) use trial::Failed;
pub use trial::trial_world;
pub(crate) use version::{Absent, Version};
pub(crate) use view::PluginView;
