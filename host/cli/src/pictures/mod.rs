//! Pictures of what a host does, as text, SVG, DOT and JSON: pure functions of what the API has answered.
//!
//! | room | owns |
//! |---|---|
//! | `course` | a simulated scenario |
//! | `lives` | the lives of one process over time |
//! | `boot` | what the start of a host took |
//! | `graph` | which process waits for which |
//! | `axis` | the marks of an axis of time |
//! | `svg` | SVG documents |

mod axis;
pub(crate) mod boot;
pub(crate) mod course;
pub(crate) mod graph;
pub(crate) mod lives;
mod svg;
