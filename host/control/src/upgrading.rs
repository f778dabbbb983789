//! The port to the place of the host: giving it to another program. The server calls it, and the crate that starts the host
//! implements it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use provost_api as api;

use crate::reloading::Answer;

/// Why the host keeps its place. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpgradeRefusal {
    /// The program is not one that can take the place of the host.
    BadProgram {
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// The host has no keeper, which alone can start another host with the same processes.
    NoKeeper,
    /// The host is itself a new program that is not in service yet.
    OnTrial,
    /// The config is being changed.
    Changing,
    /// The host is stopping.
    ShuttingDown,
    /// The keeper goes on with its present program; why.
    KeeperStays(String),
    /// A defect of the host.
    Internal(String),
}

/// The place of the host.
pub trait Place: Send + Sync + fmt::Debug {
    /// Checks the program at this absolute path, and gives it the place of the host, which ends after it has answered. If the
    /// program is not in service within the deadline, the present one is started again.
    fn upgrade(
        &self,
        program: PathBuf,
        deadline: Duration,
    ) -> Answer<'_, Result<api::Upgrading, UpgradeRefusal>>;

    /// Replaces the program of the keeper by the one that this host carries, in the same process.
    fn upgrade_keeper(&self) -> Answer<'_, Result<api::KeeperUpgraded, UpgradeRefusal>>;

    /// Whether this program is not known to be in service yet, so that the former one may be started again.
    fn is_on_trial(&self) -> bool;
}
