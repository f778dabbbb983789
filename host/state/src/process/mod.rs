//! The immutable record of one process at one instant, the words it is made of, and the only list of edges.
//!
//! Three questions are kept apart (as dinit does): what was asked for ([`Desired`]), the current phase
//! ([`Phase`]) and why it came to be so ([`Cause`], and `reason` in words for people).
//!
//! | room | owns |
//! |---|---|
//! | `transition` | the only list of edges: `(phase, event) -> phase` |
//! | `event` | what can happen to a process |
//! | `state` | [`ProcessState`], the record itself |
//! | `identity` | what never changes about a process |
//! | `status` | the status word, which handles read |
//! | `ruling` | what was decided after the host has bounded it, and what can be decided about a death |
//! | `health` | what its checks say |
//! | `exit` | how lives end |
//! | `signal` | signals by name and by number |
//! | `phase` | the phases, and the boxes of the diagram |
//! | `cause` | what was asked for, and why |
//! | `moment` | instants |
//! | `ids` | slots and counters |

mod cause;
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

pub use cause::{Cause, Desired};
pub use event::{Event, EventKind};
pub use exit::{Death, Exit, STREAK_FORGOTTEN_AFTER_MS};
pub use health::{Failing, Health};
pub use identity::{Identity, ProcessType};
pub use ids::{Generation, Incarnation, ProcessId, Version};
pub use moment::Moment;
pub use phase::{Phase, PhaseKind};
pub(crate) use ruling::FAILSAFE;
pub use ruling::{Escalation, Ruling, RulingAction, Scope, Verdict};
pub use signal::{NoSuchSignal, Signal, signal_name};
pub use state::{DEATHS_KEPT, ProcessState};
pub use status::Status;
pub use transition::Illegal;
