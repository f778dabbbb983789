//! The wait for the readiness of one life, and its results.

use provost_state::{Incarnation, Moment};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::news::News;
use crate::children::Boxed;
use crate::children::probe::Failed;

/// The wait for the readiness of one life.
pub(super) struct Awaited {
    pub(super) incarnation: Incarnation,
    pub(super) ready: Boxed<String>,
    /// What the last try found, if it failed.
    pub(super) failed: watch::Receiver<Option<Failed>>,
    pub(super) news: News,
    /// The postponed deadline, if the host was suspended at the one before.
    pub(super) postponed: Option<Moment>,
    /// Where the runner itself puts why the process is not ready, if no task does.
    pub(super) report: Option<watch::Sender<Option<Failed>>>,
}

/// The result of a readiness check.
pub(super) enum Trial {
    /// The process is ready, for this reason.
    Ready(String),
    /// The process is not ready, for another reason than was reported last.
    NotYet(Failed),
}

impl Awaited {
    /// Waits for the next result that is worth reporting.
    async fn next(&mut self) -> Trial {
        let Self { ready, failed, news, .. } = self;
        tokio::select! {
            biased;
            ready = ready => Trial::Ready(ready),
            failure = next_failure(failed, news) => Trial::NotYet(failure),
        }
    }
}

/// Waits for the next failure that is worth reporting.
async fn next_failure(failed: &mut watch::Receiver<Option<Failed>>, news: &News) -> Failed {
    loop {
        let is_new = |failed: &Option<Failed>| failed.as_ref().is_some_and(|failed| news.is_new(&failed.why));
        if is_new(&failed.borrow_and_update()) {
            sleep_until(news.not_before()).await;
            // The failure may be another one by now.
            let latest = failed.borrow_and_update().clone();
            if let Some(latest) = latest.filter(|latest| news.is_new(&latest.why)) {
                return latest;
            }
        } else if failed.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Waits for the next result of the wait for readiness, if there is one, and for ever otherwise.
pub(super) async fn trial_of(awaited: &mut Option<Awaited>) -> (Incarnation, Trial) {
    match awaited {
        Some(one) => {
            let (incarnation, trial) = (one.incarnation, one.next().await);
            if matches!(trial, Trial::Ready(_)) {
                *awaited = None;
            }
            (incarnation, trial)
        }
        None => std::future::pending().await,
    }
}
