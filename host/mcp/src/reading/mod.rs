//! What tools, resources and prompts read of the host, within bounds.
//!
//! | room | owns |
//! |---|---|
//! | `events` | changes of processes, newest first and by pages |
//! | `search` | searches of the output of processes, by pages |
//! | `place` | where a search goes on |
//! | `ranking` | the order of found lines by relevance |
//! | `lines` | lines of output |
//! | `processes` | processes at one generation |

pub(crate) mod events;
pub(crate) mod lines;
mod place;
pub(crate) mod processes;
pub(crate) mod ranking;
pub(crate) mod search;

#[cfg(test)]
mod tests;
