//! What tools, resources and prompts read of the host, within bounds.
//!
//! | room | owns |
//! |---|---|
//! | `logs` | lines of output, newest first and by pages |
//! | `events` | changes of processes, newest first and by pages |

pub(crate) mod events;
pub(crate) mod logs;
