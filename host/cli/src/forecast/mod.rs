//! `provost explain --what-if`: plays the next ends of a process from its present state, once by another policy and once by those
//! that judge it now.
//!
//! | room | owns |
//! |---|---|
//! | `text` | the forecast as people read it |
//! | `json` | the forecast for programs |
//! | `stage` | one run: a chain of plugins, loaded anew, and the simulation from the beginning |
//! | `branch` | what one run has shown |
//! | `beginning` | the state from which the simulation goes on, made of what the host tells |
//! | `shifting` | states whose times count from the oldest of them |
//! | `error` | why there is no forecast |

mod beginning;
mod branch;
mod error;
mod json;
mod shifting;
mod stage;
mod text;

pub(crate) use beginning::{Beginning, Live, Wish};
pub(crate) use error::ForecastError;
pub(crate) use json::json;
pub(crate) use stage::{Chain, Stage};
pub(crate) use text::text;
