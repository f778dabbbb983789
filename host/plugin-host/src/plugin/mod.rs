//! One plugin: its versions, how they are made and called, what happens to those that fail, and how it implements the
//! ports of the state core.
//!
//! | room | owns |
//! |---|---|
//! | `loader` | makes versions: from a file to a version that was admitted and tried |
//! | `objection` | what speaks against the settings of a plugin |
//! | `trial` | the questions that a version must answer before it is put in force |
//! | `catalog` | all loaded plugins, in the order of the config |
//! | `policy` | a plugin as a policy |
//! | `view` | a plugin as a view |
//! | `consumer` | a plugin as a consumer |
//! | `slot` | one plugin and the versions that succeed each other in it |
//! | `quarantine` | decides when a plugin that keeps failing is no longer called |
//! | `input` | a question that is stored |
//! | `version` | one version: a component with its settings, compiled and linked |
//! | `question` | the questions for a plugin, one type for each role |
//! | `variables` | removes the variables of an answer that are not granted |
//! | `call` | what all calls have in common |
//! | `fault` | describes what went wrong in a call |
//! | `purpose` | the purpose of a call |

mod call;
mod catalog;
mod consumer;
mod fault;
mod input;
mod loader;
mod objection;
mod policy;
mod purpose;
mod quarantine;
mod question;
mod slot;
mod trial;
mod variables;
mod version;
mod view;

pub(crate) use call::Ran;
pub(crate) use catalog::Catalog;
pub(crate) use consumer::PluginConsumer;
pub(crate) use input::Input;
pub(crate) use loader::{Candidate, Loader, Prepared, Recipe, Trial};
pub(crate) use policy::PluginPolicy;
pub(crate) use purpose::Purpose;
pub(crate) use question::{Question, Telling};
pub(crate) use slot::{Plugin, Versions};
pub(crate) use trial::Failed;
pub use trial::trial_world;
pub(crate) use version::{Absent, Refusal, Version};
pub(crate) use view::PluginView;
