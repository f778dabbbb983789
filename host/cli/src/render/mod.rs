//! What people see: pure functions from what is known, and the time, to text.

pub(crate) mod columns;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod humane;
pub(crate) mod inspection;
pub(crate) mod local;
pub(crate) mod outcome;
pub(crate) mod output;
pub(crate) mod page;
pub(crate) mod plugins;
pub(crate) mod state_core;
pub(crate) mod status;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod terminal;
