//! Telling the keeper that this host is in service, so that no other program takes its place any more.

use std::path::PathBuf;
use std::time::Duration;

use provost_api::client::Client;
use provost_supervisor::Keeper;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::daemon::faults;

/// The pause before the host asks itself again.
const AGAIN: Duration = Duration::from_millis(50);

/// Asks this host over its own socket, which proves that it serves, and then tells the keeper; `settled` becomes true when the
/// keeper knows it. A new program that does not get that far gives way to the former one when its time is over.
pub(crate) fn settle(keeper: Keeper, socket: PathBuf, settled: watch::Sender<bool>) {
    tokio::spawn(async move {
        let client = Client::new(socket);
        while !client.ping().await.is_ok_and(|answer| answer.pid == std::process::id()) {
            sleep(AGAIN).await;
        }
        if hangs() {
            return;
        }
        if let Err(error) = keeper.settle().await {
            // There is nobody left who would start the former program.
            tracing::debug!("the keeper does not know that this host is in service: {error}");
        }
        settled.send_replace(true);
    });
}

/// Whether a test keeps this program from being in service.
fn hangs() -> bool {
    let is_broken = faults::is_in_this_program();
    fail::fail_point!("settling.hangs", is_broken, |_| true);
    let _ = is_broken;
    false
}
