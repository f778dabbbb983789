//! Trying a plugin without a host, for its author: one call by hand, the vectors and the scenarios of a project, and measurements. Calls
//! are made through the workbench of the plugin host, so that admission, limits and instances are those of production.
//!
//! | room | owns |
//! |---|---|
//! | `report_text` | how the vectors and the scenarios of a project are shown to people |
//! | `text` | how outcomes and measurements are shown to people |
//! | `object` | outcomes, vectors, scenarios and measurements as JSON |
//! | `measuring` | how long calls take, and what is left of each limit |
//! | `suite` | running the vectors of a project |
//! | `checking` | the role that is asked, and whether vectors have only what belongs to it |
//! | `scenarios` | playing the scenarios of a project |
//! | `advice` | what to do about a call that failed |
//! | `vector_file` | reading a file of vectors |
//! | `vector` | one vector, and whether an outcome is the expected one |
//! | `belonging` | which fields, expectations and actions belong to which role |
//! | `facts` | an outcome as facts with names, which vectors expect |
//! | `reading` | reading the fields of a case from TOML |
//! | `document` | reading a snapshot or an input from JSON |
//! | `case` | a question with its snapshot, made of fields |
//! | `posing` | the question to a role about a process |
//! | `restoring` | converts what the API says about processes into their states |
//! | `world` | snapshots: made up, or of given states |
//! | `memory` | what the memory of a plugin has before a call |
//! | `fields` | what a case may say; everything else has a default |
//! | `words` | exits and other words as people write them |
//! | `error` | why something cannot be tried |

mod advice;
mod belonging;
mod case;
mod checking;
mod document;
mod error;
mod facts;
mod fields;
mod measuring;
mod memory;
mod object;
mod posing;
mod reading;
mod report_text;
mod restoring;
mod scenarios;
mod suite;
mod text;
mod vector;
mod vector_file;
mod words;
mod world;

pub(crate) use advice::advice;
pub(crate) use belonging::check_fields;
pub(crate) use case::Case;
pub(crate) use checking::{check_vectors, chosen};
pub(crate) use document::{Document, case as input_case, read_document, setup as input_setup};
pub(crate) use error::TryError;
pub(crate) use fields::Fields;
pub(crate) use measuring::measure;
pub(crate) use memory::{Stored, parse as memory};
pub(crate) use object::{measured_object, outcome_object, report_object};
pub(crate) use reading::read_sets;
pub(crate) use report_text::{failed_text, failures, passes, report_text};
pub(crate) use restoring::states as restored;
pub(crate) use scenarios::{Called, play_all};
pub(crate) use suite::{Report, run_all};
pub(crate) use text::{measured_text, outcome_text, shown_line};
pub(crate) use vector_file::{VectorFile, read_vectors};
pub(crate) use words::{exit, role};
pub(crate) use world::moment;
