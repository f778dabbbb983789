//! The subscriptions of a client of the older era, which last as long as its session.

use std::sync::{Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::service::Peer;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::listening::URIS_MAX;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::resources::Uri;
use crate::watch::{self as watching, Wanted};

/// The watch of a session. It begins when the client first reads the list of resources or subscribes to one, because a client
/// that never did cannot use its notifications.
#[derive(Debug, Default)]
pub(super) struct Session(Mutex<Option<Watch>>);

#[derive(Debug)]
struct Watch {
    wanted: watch::Sender<Wanted>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    /// Changes the list of resources of which the client is notified, and begins the watch if there is none.
    fn change<T>(
        &self,
        caller: &Caller,
        peer: &Peer<RoleServer>,
        change: impl FnOnce(&mut Wanted) -> T,
    ) -> T {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The watch of a client that was gone for a moment has ended.
        if watch.as_ref().is_some_and(|watch| watch.task.is_finished()) {
            *watch = None;
        }
        let watch = watch.get_or_insert_with(|| {
            let (wanted, seen) = watch::channel(Wanted { list: true, ..Wanted::default() });
            Watch { wanted, task: tokio::spawn(watching::run(caller.clone(), seen, peer.clone())) }
        });
        let mut wanted = watch.wanted.borrow().clone();
        let result = change(&mut wanted);
        watch.wanted.send_replace(wanted);
        result
    }

    /// Begins to notify the client when processes are added or removed.
    pub(super) fn listed(&self, caller: &Caller, peer: &Peer<RoleServer>) {
        self.change(caller, peer, |wanted| wanted.list = true);
    }

    /// Begins to notify the client when a resource changes.
    ///
    /// # Errors
    /// [`Fault`] if the client has too many subscriptions.
    pub(super) fn subscribe(&self, caller: &Caller, peer: &Peer<RoleServer>, uri: Uri) -> Result<(), Fault> {
        self.change(caller, peer, |wanted| {
            if wanted.uris.len() >= URIS_MAX && !wanted.uris.contains(&uri) {
                let message = format!("this client has {URIS_MAX} subscriptions, and no more are allowed");
                return Err(Fault::bad_request(
                    message,
                    "unsubscribe from some, or subscribe to provost://processes",
                ));
            }
            wanted.uris.insert(uri);
            Ok(())
        })
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&self, caller: &Caller, peer: &Peer<RoleServer>, uri: &Uri) {
        self.change(caller, peer, |wanted| wanted.uris.remove(uri));
    }
}
