//! The host: `provost up`. One to a runtime directory; in the foreground for people who watch, in the background
//! for everybody else. Here the crates are plugged together, and nothing is decided.
//!
//! | room | owns |
//! |---|---|
//! | `up` | `provost up`: the foreground and the background |
//! | `serving` | the host while it runs |
//! | `boot` | what is done before anything is started |
//! | `loading` | plugins as the host starts |
//! | `plugins` | the wiring of the plugins |
//! | `ending` | the end of the host, one bounded sequence |
//! | `asked` | all that can ask the host to stop |
//! | `done` | when a host ends without being asked |
//! | `keeping` | what is removed from the runtime directory is made again |
//! | `runtime_dir` | the runtime directory, its lock and its socket |
//! | `claim` | the second lock of a host |
//! | `peer_cred` | who is on the other side of a socket |
//! | `screen` | what `up` shows in the foreground |
//! | `host_log` | the host's own log |
//! | `detach` | going to the background |
//! | `output` | writers that never hold the host up |
//! | `errors` | words that several of these report errors with |
//! | `limits` | limits on open files and connections |
//! | `heap` | the heap of the host |
//! | `faults` | faults that tests inject |

mod asked;
mod boot;
mod claim;
mod detach;
mod done;
mod ending;
mod errors;
pub(crate) mod faults;
mod heap;
mod host_log;
mod keeping;
mod limits;
mod loading;
mod output;
mod peer_cred;
pub(crate) mod plugins;
mod runtime_dir;
mod screen;
mod serving;
mod up;

pub(crate) use claim::{holder, wait_for_socket};
pub(crate) use errors::not_listening;
pub(crate) use host_log::HOST_LOG_NAME;
pub(crate) use up::{say_at_last, up};
