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
//! Whatever arrives names the incarnation that it belongs to and is committed under that name, so a late
//! message about a former life is refused by the registry and changes nothing.
//!
//! A runner that panics is replaced by a new one, which starts from the published state, the living child and the mailbox.
//!
//! | room | owns |
//! |---|---|
//! | `takeover` | running it, and a new runner in the place of one that ended unexpectedly |
//! | `listening` | all that can happen to it, in the order in which it is looked at |
//! | `together` | what its group and its replica set want of it |
//! | `orders` | what others want of it: up, down, a signal |
//! | `exits` | the end of its child, and what was decided about it |
//! | `launch` | from wanted to spawned: the gate, its start policies, the spawn |
//! | `readiness` | from spawned to ready: what its check finds, and the deadline |
//! | `health` | its checks while it is ready, and what they mean |
//! | `task` | what a runner holds, and how it commits |
//! | `attempt` | an attempt to start it, and a spawn in progress |
//! | `awaited` | the wait for the readiness of one life |
//! | `checkup` | the checks of one life |
//! | `standing` | what holds beside the phase: held, deferred, spawning, what follows a stop |
//! | `news` | when what a check finds is worth a commit |
//! | `kept` | futures that outlive a runner, with what they have come to |

mod attempt;
mod awaited;
mod checkup;
mod exits;
mod health;
mod kept;
mod launch;
mod listening;
mod news;
mod orders;
mod readiness;
mod standing;
mod takeover;
mod task;
mod together;

pub(crate) use task::Runner;
