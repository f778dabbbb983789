//! Reaps orphans, where no keeper does. The host is the subreaper of its children (and often pid 1 of a container): when a child of a child
//! outlives its parent, it becomes a child of the host, which must reap it. The host's own children are reaped by the
//! tasks that own them.

use std::io;
use std::sync::Arc;

use rustix::process::{getpid, set_child_subreaper};
use tokio::signal::unix::{SignalKind, signal};

use super::family::Family;
use crate::jobs::Lane;

/// Makes this process the one that orphans of its children come to, and reaps them for as long as the runtime lives. With a
/// keeper, nothing is to be done: they come to it.
pub(crate) fn adopt(family: Arc<Family>, reaping: Lane) -> io::Result<()> {
    if family.adopter().is_some() {
        return Ok(());
    }
    set_child_subreaper(Some(getpid()))?;
    let mut child_ended = signal(SignalKind::child())?;
    family.adopted_by(Some(std::process::id()));
    tokio::spawn(async move {
        while child_ended.recv().await.is_some() {
            let family = family.clone();
            if let Err(lost) = reaping.run(move || family.reap()).await {
                tracing::error!(%lost, "orphans were not reaped; the next exit of a child tries again");
            }
        }
    });
    Ok(())
}
