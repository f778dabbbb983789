//! The roles of a plugin: the trait and the decisions of each, and the export.
//!
//! | room | owns |
//! |---|---|
//! | `export` | the macro that exports a type in its roles |
//! | `restart` | the role of a restart policy |
//! | `start` | the role of a start policy |
//! | `health` | the role of a health policy |
//! | `scale` | the role of a scale policy |
//! | `view` | the role of a view |
//! | `consumer` | the role of a consumer |

pub mod consumer;
mod export;
pub mod health;
pub mod restart;
pub mod scale;
pub mod start;
pub mod view;
