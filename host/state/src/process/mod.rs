//! The immutable record of one process at one instant, the types of its fields, and the only list of edges.
//!
//! Three things are kept apart (as in dinit): the requested state ([`Desired`]), the observed phase
//! ([`Phase`]) and why the process entered it ([`Cause`], and `reason` in words for people).
//!
//! | room | owns |
//! |---|---|
//! | `transition` | the only list of edges: `(phase, event) -> phase` |
//! | `event` | the events that can happen to a process |
//! | `status` | the status word, which handles read |
//! | `state` | [`ProcessState`], the record itself |
//! | `deaths` | the tally of the unasked ends of a process |
//! | `identity` | the attributes of a process that never change |
//! | `ruling` | decisions after the host has bounded them, and the possible decisions about a death |
//! | `health` | the results of the checks |
//! | `usage` | the resources that a process uses |
//! | `exit` | how incarnations end |
//! | `signal` | signals by name and by number |
//! | `phase` | the phases, and the boxes of the diagram |
//! | `cause` | the requested state, and the cause of a phase |
//! | `moment` | instants |
//! | `ids` | slots and counters |

mod cause;
mod deaths;
mod event;
mod exit;
mod health;
mod identity;
mod ids;
mod moment;
mod phase;
mod ruling;
mod signal;
mod state;
mod status;
mod transition;
mod usage;

pub use cause::{Cause, Desired};
pub use deaths::{DEATHS_KEPT, Deaths};
pub use event::{Event, EventKind};
pub use exit::{Death, Exit, STREAK_FORGOTTEN_AFTER_MS};
pub use health::{Failing, Health};
pub use identity::{Identity, ProcessType};
pub(crate) use ids::Epoch;
pub use ids::{Generation, Incarnation, ProcessId, Version};
pub use moment::Moment;
pub use phase::{Phase, PhaseKind};
pub(crate) use ruling::FAILSAFE;
pub use ruling::{Escalation, Ruling, RulingAction, Scope, Verdict};
pub use signal::{NoSuchSignal, Signal, signal_name};
pub use state::ProcessState;
pub use status::Status;
pub(crate) use status::StatusWord;
pub use transition::Illegal;
pub use usage::Usage;
