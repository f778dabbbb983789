//! `provost plugin simulate`: plays scenarios with a component in virtual time, and shows what has happened.
//!
//! | room | owns |
//! |---|---|
//! | `text` | the result as people read it |
//! | `json` | the result for programs |
//! | `smallest` | the smallest scenario that still breaks what is expected, as text |
//! | `stage` | one run: the plugins of a scenario, loaded anew, and the simulation |
//! | `idle` | warnings about faults and orders without an effect |
//! | `outcome` | what one run has shown |
//! | `shipped` | the scenarios that come with this program |

mod idle;
mod json;
mod outcome;
mod shipped;
mod smallest;
mod stage;
mod text;

pub(crate) use json::{expected as expected_object, json, warnings as warning_objects};
pub(crate) use outcome::{Outcome, Standing};
pub(crate) use shipped::{SCENARIOS, scenario};
pub(crate) use smallest::{Smallest, TRIES, smallest};
pub(crate) use stage::{NotRun, Stage, Subject, as_simulated, objection, plugin_host};
pub(crate) use text::{against, shrunk, sum, text, unheld};
