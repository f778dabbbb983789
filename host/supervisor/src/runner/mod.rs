//! The task that owns one process: its child from spawn to decision, and the only writer of its state.
//!
//! ```text
//!  mailbox (orders) ----.
//!  child's end ---------+--> Input --> one arm each --> commit (fact) --> act
//!  readiness, health ---|                                 |
//!  what was decided ----|                                 '--> decider (asked, never waited for)
//!  timer, the world ----'
//! ```
//!
//! Every input names the incarnation that it belongs to and is committed for that incarnation, so the registry refuses
//! a late message about a former life, which then changes nothing.
//!
//! A runner that panics is replaced by a new one, which starts from the published state, the living child and the mailbox.
//!
//! | room | owns |
//! |---|---|
//! | `takeover` | running a runner, and replacing one that ended unexpectedly |
//! | `adoption` | going on where the runner of a former host was |
//! | `listening` | the inputs, and the order in which they are handled |
//! | `leaving` | the removal of the process |
//! | `reconfigured` | another spec for the process, in place |
//! | `together` | the orders of its group and its replica set |
//! | `orders` | the orders of users and other tasks: start, stop, restart, signal |
//! | `exits` | the end of the child, and the ruling about it |
//! | `launch` | from a start request to the spawn: dependencies, start policies, the spawn itself |
//! | `readiness` | from the spawn to readiness: what the check finds, and the deadline |
//! | `hearing` | what the process says about itself |
//! | `health` | the checks while the process is ready, and what they mean |
//! | `metering` | the samples of what the process uses, and what they mean |
//! | `task` | the fields of a runner, and how it commits |
//! | `adopted` | what a former host has left of one process |
//! | `attempt` | an attempt to start, and a spawn in progress |
//! | `heard` | what is heard of one life |
//! | `awaited` | the wait for the readiness of one life |
//! | `checkup` | the health checks of one life |
//! | `metered` | the samples of one life |
//! | `standing` | what holds beside the phase: held, deferred, spawning, what follows a stop |
//! | `departure` | a removal in progress |
//! | `news` | when the finding of a check is worth a commit |
//! | `kept` | futures that outlive a runner, with their results |

mod adopted;
mod adoption;
mod attempt;
mod awaited;
mod checkup;
mod departure;
mod exits;
mod health;
mod heard;
mod hearing;
mod kept;
mod launch;
mod leaving;
mod listening;
mod metered;
mod metering;
mod news;
mod orders;
mod readiness;
mod reconfigured;
mod standing;
mod takeover;
mod task;
mod together;

pub(crate) use adopted::Adoption;
pub(crate) use leaving::OUTPUT_GRACE;
pub(crate) use task::Runner;
