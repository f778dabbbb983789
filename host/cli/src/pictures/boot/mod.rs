//! What the start of a host took: for each process when it was asked to start, spawned and ready, and what it waited for.
//!
//! | room | owns |
//! |---|---|
//! | `text` | the chains for a terminal |
//! | `svg` | the picture |
//! | `json` | the JSON |
//! | `chain` | who waited for whom |
//! | `firsts` | the first times of each process |

mod chain;
mod firsts;
mod json;
mod svg;
mod text;

pub(crate) use firsts::{Boot, Known};
pub(crate) use json::json;
pub(crate) use svg::svg;
pub(crate) use text::text;
