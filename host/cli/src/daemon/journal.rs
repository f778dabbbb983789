//! The journal of the host: what it follows, what wakes it, and how it is shown when the disk does not take it. Nothing waits for
//! it; at the end of the host it has a moment to write the rest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use provost_control::PastEvents;
use provost_journal::{Bounds, Follow, Journal, Life};
use provost_plugin_host::PluginHost;
use provost_state::{
    Generation, Moment, Note, Noted, PluginNote, PluginReport, PluginStatus, Plugins, Recorder,
};
use provost_supervisor::{Clock, Degraded, Supervisor, boot_id};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::config::Config;
use crate::past::Recorded;

/// What is shown as degraded when records are not written.
const WHAT: &str = "the journal";

/// What is shown as degraded while the disk of the journal does not answer.
const WHAT_HANGS: &str = "the disk of the journal";

/// How long one call may wait for the disk before that is shown.
const HANGS_AFTER: Duration = Duration::from_secs(2);

/// The time from a commit to the look at the disk: what is written is synced within one second by default.
const LOOK: Duration = Duration::from_secs(2);

/// The journal of a host, if the config has one. It takes notes from the first moment on.
#[derive(Debug)]
pub(super) struct Recording {
    journal: Option<(Journal, Bounds)>,
    dir: PathBuf,
}

impl Recording {
    /// Begins to take notes: first of the start, and of the plugins that are in force.
    pub(super) fn begin(config: &Config, plugins: &PluginHost) -> Self {
        let journal = config.journal.map(|bounds| (Journal::new(), bounds));
        let recording = Self { journal, dir: config.journal_dir.clone() };
        let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION").into());
        let now = Clock::new().now();
        recording.note(now, Generation(0), Noted::HostStarted { pid, version });
        for report in plugins.reports().iter().filter(|report| report.status == PluginStatus::Active) {
            recording.note(now, Generation(0), loaded(report));
        }
        recording
    }

    /// Returns the recorder for the supervisor.
    pub(super) fn recorder(&self) -> Option<Arc<dyn Recorder>> {
        self.journal.as_ref().map(|(journal, _)| Arc::new(journal.clone()) as Arc<dyn Recorder>)
    }

    /// Returns what the API reads of the past.
    pub(super) fn past(&self) -> Option<Arc<dyn PastEvents>> {
        self.journal.as_ref().map(|_| Arc::new(Recorded::new(self.dir.clone())) as Arc<dyn PastEvents>)
    }

    fn note(&self, at: Moment, after: Generation, what: Noted) {
        if let Some((journal, _)) = &self.journal {
            journal.record(Note { at, after, what });
        }
    }

    /// Begins to write, what has happened so far included.
    pub(super) fn follow(&self, supervisor: &Supervisor) {
        let Some((journal, bounds)) = &self.journal else { return };
        let degraded = supervisor.degraded().clone();
        let (reporter, clock) = (degraded.clone(), supervisor.clone());
        let started = journal.follow(Follow {
            dir: self.dir.clone(),
            bounds: *bounds,
            life: life(),
            reader: supervisor.reader().clone(),
            clock: Arc::new(move || clock.now()),
            on_trouble: Box::new(move |trouble| match trouble {
                Some(trouble) => reporter.set(WHAT, trouble.to_string()),
                None => reporter.clear(WHAT),
            }),
        });
        match started {
            Ok(()) => {
                tokio::spawn(wake(journal.clone(), supervisor.changed()));
                tokio::spawn(watch_disk(journal.clone(), supervisor.changed(), degraded));
            }
            Err(error) => {
                degraded.set(WHAT, format!("nothing is written: its thread cannot be started: {error}"))
            }
        }
    }

    /// Records the end of the host, and waits at most this long until everything is written.
    pub(super) fn end(&self, supervisor: &Supervisor, code: u8, most: Duration) {
        self.note(supervisor.now(), supervisor.reader().latest(), Noted::HostEnded { code });
        self.write_all(most);
    }

    /// Writes what is left, and waits at most this long for that. The next host goes on with another part of the journal.
    pub(super) fn write_all(&self, most: Duration) {
        let Some((journal, _)) = &self.journal else { return };
        let is_written = tokio::task::block_in_place(|| journal.end(most));
        if !is_written {
            tracing::warn!("the end of the journal is not written: its disk does not answer in time");
        }
    }
}

/// Returns the note that a plugin of the config is in force.
pub(super) fn loaded(report: &PluginReport) -> Noted {
    Noted::Plugin(PluginNote::new(&report.name, "load", Some(report)))
}

/// Wakes the journal after commits, until the supervisor is gone.
async fn wake(journal: Journal, mut changed: watch::Receiver<Generation>) {
    while changed.changed().await.is_ok() {
        journal.nudge();
    }
}

/// Shows that the disk does not answer, for as long as that is so.
async fn watch_disk(journal: Journal, mut changed: watch::Receiver<Generation>, degraded: Degraded) {
    // The thread waits for the disk only after something has happened: to write it, and later to sync it.
    while changed.changed().await.is_ok() {
        sleep(LOOK).await;
        while let Some(since) = journal.figures().busy_since_ns {
            sleep(HANGS_AFTER).await;
            if journal.figures().busy_since_ns == Some(since) {
                let reason = "it does not answer; nothing waits for it, and what it misses is counted";
                degraded.set(WHAT_HANGS, reason);
            }
        }
        degraded.clear(WHAT_HANGS);
    }
}

/// Returns the numbers of this boot and of this host.
fn life() -> Life {
    let boot = boot_id();
    let host = format!("{boot} {} {}", std::process::id(), Clock::new().now().wall_ms);
    Life::of(&boot, &host)
}
