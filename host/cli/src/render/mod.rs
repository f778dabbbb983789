//! Renders text for people, with pure functions of the data and the time.
//!
//! | room | owns |
//! |---|---|
//! | `live` | the words of the live view |
//! | `status` | processes, and below them plugins and the host |
//! | `last_end` | how the host before the one that runs has ended |
//! | `held` | what a keeper holds while it has no host |
//! | `plugins` | plugins, and the result of a change |
//! | `explain` | why a process is in its state |
//! | `events` | changes of processes |
//! | `decision` | a decision in words |
//! | `difference` | what a reload would change |
//! | `reload` | the steps of a reload, and scaling |
//! | `outcome` | the outcome of an order |
//! | `output` | lines of logs |
//! | `state_core` | the backends of the state core |
//! | `inspection` | the properties and abilities of a component |
//! | `terminal` | output of processes, made safe for a terminal |
//! | `table` | tables |
//! | `page` | the colours, the width and the time zone of the output |
//! | `local` | times in the reader's time zone |
//! | `style` | colours |
//! | `humane` | time spans, sizes and counts |

pub(crate) mod decision;
pub(crate) mod difference;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod held;
pub(crate) mod humane;
pub(crate) mod inspection;
mod last_end;
#[cfg(feature = "top")]
pub(crate) mod live;
pub(crate) mod local;
pub(crate) mod outcome;
pub(crate) mod output;
pub(crate) mod page;
pub(crate) mod plugins;
pub(crate) mod reload;
pub(crate) mod state_core;
pub(crate) mod status;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod terminal;
