//! What the keeper does for the output of processes: it moves it into files while there is no host, and keeps what the next host
//! has to know of what is being written.

use std::path::Path;

use crate::children::keeper::Keeper;
use crate::logs::{Ledger, Logs};

/// The directory of gap files, below that of the logs.
pub(super) const GAPS: &str = "gaps";

/// Has the keeper move output into files below this directory while there is no host, and keep what the next host has to know of
/// the output that is being written. Without that, output waits in its pipe, and a line may be in the log twice.
pub(super) fn share(keeper: &Keeper, gaps: &Path, logs: &mut Logs) {
    if let Err(error) = keeper.keep_gaps_below(gaps) {
        let dir = gaps.display();
        tracing::warn!(%dir, %error, "without a host, processes will wait when their pipes are full");
    }
    let ledger = Ledger::new(keeper.former_ledger(), keeper.lives().into_iter());
    match ledger.and_then(|ledger| Ok((ledger.file()?, ledger))) {
        Ok((file, ledger)) => {
            keeper.keep_ledger(file);
            logs.keep(ledger);
        }
        Err(error) => {
            tracing::warn!(%error, "the next host may write lines again that are in the log");
        }
    }
}

/// Finds what a keeper has left in this directory that has ended without a host.
pub(super) fn find_leftovers(keeper: Option<&Keeper>, gaps: &Path, logs: &Logs) {
    let held = keeper.map(Keeper::held_gaps).unwrap_or_default();
    if let Err(error) = logs.find_leftovers(gaps, |path| held.contains(path)) {
        let dir = gaps.display();
        tracing::warn!(%dir, %error, "output that was written while there was no host may be missing in the logs");
    }
}
