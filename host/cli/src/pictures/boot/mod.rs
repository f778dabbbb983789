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

pub(crate) use firsts::Boot;
pub(crate) use json::json;
pub(crate) use svg::svg;
pub(crate) use text::text;

use provost_api::{Event, Status};

/// Something that a boot is known from: the status, and the remembered changes, oldest first.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) status: &'a Status,
    pub(crate) events: &'a [Event],
}
