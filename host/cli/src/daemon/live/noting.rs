//! Writes down for another host what commands have changed about plugins. One task does so, so that what is written last is the
//! latest; a command is answered when it is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_plugin_host::PluginHost;
use provost_supervisor::{Stash, Supervisor};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::daemon::noted::NotedPlugins;

/// The capacity of the mailbox of the task.
const MAILBOX: usize = 16;

/// What has happened.
#[derive(Debug)]
enum Happened {
    /// A command has changed this plugin.
    Changed(String),
    /// A reload has made all plugins those of the config.
    Reloaded,
    /// Something else that may concern chains.
    Other,
}

/// What the task needs.
pub(in crate::daemon) struct Noted {
    pub(in crate::daemon) stash: Stash,
    /// What a former host has written down.
    pub(in crate::daemon) former: NotedPlugins,
    /// Notified when a plugin is quarantined.
    pub(in crate::daemon) quarantined: Arc<Notify>,
}

/// The sender to the task; without a stash there is none.
#[derive(Clone, Debug)]
pub(super) struct Noting(Option<mpsc::Sender<(Happened, oneshot::Sender<()>)>>);

impl Noting {
    /// Starts the task, which ends with the last sender. Must be called within the runtime.
    pub(super) fn start(noted: Option<Noted>, supervisor: Supervisor, plugins: PluginHost) -> Self {
        Self(noted.map(|noted| {
            let (sender, requests) = mpsc::channel(MAILBOX);
            tokio::spawn(run(noted, (supervisor, plugins), requests));
            sender
        }))
    }

    /// Writes down that a command has changed this plugin.
    pub(super) async fn changed(&self, name: String) {
        self.tell(Happened::Changed(name)).await;
    }

    /// Writes down that the plugins are those of the config.
    pub(super) async fn reloaded(&self) {
        self.tell(Happened::Reloaded).await;
    }

    /// Writes down what there is now.
    pub(super) async fn again(&self) {
        self.tell(Happened::Other).await;
    }

    async fn tell(&self, happened: Happened) {
        let Some(sender) = &self.0 else { return };
        let (done, written) = oneshot::channel();
        if sender.send((happened, done)).await.is_ok() {
            // The task may have ended with the host.
            let _ = written.await;
        }
    }
}

async fn run(
    Noted { stash, former, quarantined }: Noted,
    (supervisor, plugins): (Supervisor, PluginHost),
    mut requests: mpsc::Receiver<(Happened, oneshot::Sender<()>)>,
) {
    let key = NotedPlugins::KEY.into();
    let (mut touched, mut last): (BTreeSet<String>, _) = (former.touched(), former);
    loop {
        let done = tokio::select! {
            request = requests.recv() => match request {
                None => return,
                Some((happened, done)) => {
                    match happened {
                        Happened::Changed(name) => {
                            touched.insert(name);
                        }
                        Happened::Reloaded => touched.clear(),
                        Happened::Other => {}
                    }
                    Some(done)
                }
            },
            () = quarantined.notified() => None,
        };
        let now = NotedPlugins::now(&supervisor, &plugins, &touched, &last);
        if now != last {
            stash.note(&key, &now.bytes());
            last = now;
        }
        if let Some(done) = done {
            // The command may not wait for it any more.
            let _ = done.send(());
        }
    }
}
