//! What tools, resources and prompts read of the host, within bounds.
//!
//! | room | owns |
//! |---|---|
//! | `events` | changes of processes, newest first and by pages |
//! | `logs` | lines of output, newest first and by pages |
//! | `processes` | processes at one generation |

pub(crate) mod events;
pub(crate) mod logs;
pub(crate) mod processes;
