//! The roles of a plugin: their traits and decisions, and the macro that exports them.
//!
//! | room | owns |
//! |---|---|
//! | `export` | the macro that exports a type in its roles |
//! | `restart` | the trait and the decisions of a restart policy |
//! | `start` | the trait and the decisions of a start policy |
//! | `health` | the trait and the decisions of a health policy |
//! | `scale` | the trait and the decisions of a scale policy |
//! | `usage` | the trait and the decisions of a usage policy |
//! | `view` | the trait and the responses of a view |
//! | `consumer` | the trait of a consumer |

pub mod consumer;
mod export;
pub mod health;
pub mod restart;
pub mod scale;
pub mod start;
pub mod usage;
pub mod view;
