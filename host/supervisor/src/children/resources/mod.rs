//! What operating-system processes use: CPU, memory, threads, descriptors; of the main process of each child and of all
//! of its descendants, also of those that have left its group.
//!
//! | room | owns |
//! |---|---|
//! | `forest` | the trees of all children, and who belongs to which |
//! | `tree` | the processes of one child, and what they use together |
//! | `detail` | what is slow to read: the proportional set size, and the number of descriptors |
//! | `stat` | `/proc/PID/stat` |

mod detail;
mod forest;
mod stat;
mod tree;

use std::fmt;
use std::sync::Arc;

use provost_state::{Incarnation, ProcessId, Usage};

pub(crate) use detail::{Detail, detail};
pub(crate) use forest::{Forest, owner_of};

/// A child that lives, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Alive {
    pub(crate) id: ProcessId,
    pub(crate) name: Arc<str>,
    pub(crate) incarnation: Incarnation,
    pub(crate) pid: u32,
}

/// A process and a life of it.
pub(crate) type Owner = (String, u64);

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The children to read.
    pub(crate) alive: Vec<Alive>,
    /// Whether these are all children, and descendants are to be looked for.
    pub(crate) all: bool,
    /// The owners of orphans that an earlier look has found.
    pub(crate) owners: Vec<(u32, Owner)>,
}

/// What one child uses with its descendants.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) id: ProcessId,
    /// Without the figures that are slow to read.
    pub(crate) usage: Usage,
    /// The processes, for the figures that are slow to read.
    pub(crate) pids: Vec<u32>,
}

/// The result of a look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readings {
    /// What the host itself uses.
    pub(crate) host: Option<Usage>,
    /// The wanted children that are still there, in the requested order.
    pub(crate) children: Vec<Reading>,
    /// Orphans whose owner is not known yet: it has to be asked of their environment, which may take time.
    pub(crate) orphans: Vec<u32>,
}

/// Reads what children use. It is called on a thread for blocking work.
pub(crate) trait Source: Send + fmt::Debug {
    /// Reads what the wanted children use.
    fn read(&mut self, wanted: &Wanted) -> Readings;
}
