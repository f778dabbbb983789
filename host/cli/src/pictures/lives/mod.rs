//! The lives of one process over time: its phases, exits, decisions, readiness and health.
//!
//! | room | owns |
//! |---|---|
//! | `text` | the table for a terminal |
//! | `svg` | the picture |
//! | `json` | the JSON |
//! | `history` | what the events say |

mod history;
mod json;
mod svg;
mod text;

pub(crate) use history::History;
pub(crate) use json::json;
pub(crate) use svg::svg;
pub(crate) use text::text;
