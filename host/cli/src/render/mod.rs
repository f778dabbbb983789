//! What people see: pure functions from what is known, and the time, to text.
//!
//! | room | owns |
//! |---|---|
//! | `status` | processes, and beneath them plugins and the host |
//! | `plugins` | plugins, and what became of a change |
//! | `explain` | why a process is in its state |
//! | `events` | changes of processes |
//! | `decision` | a decision in words |
//! | `outcome` | what became of an order |
//! | `output` | lines of logs |
//! | `state_core` | the backends of the state core |
//! | `inspection` | what a component is and asks for |
//! | `terminal` | output of processes as it may be shown |
//! | `table` | tables |
//! | `page` | how wide the page is, and what is known of its reader |
//! | `local` | times as the clocks of the reader show them |
//! | `style` | colours |
//! | `columns` | how many columns a text takes |
//! | `humane` | spans, sizes and numbers of things |

pub(crate) mod columns;
pub(crate) mod decision;
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
