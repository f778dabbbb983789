//! The wait for the readiness of one life, and what comes of it.

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
    /// When it has to be ready, if the host was suspended at the time that the config says.
    pub(super) postponed: Option<Moment>,
}

/// What a readiness check has come to.
pub(super) enum Trial {
    /// The process is ready; why.
    Ready(String),
    /// It is not, for another reason than was told last.
    NotYet(Failed),
}

impl Awaited {
    /// The next that is to be told.
    async fn next(&mut self) -> Trial {
        let Self { ready, failed, news, .. } = self;
        tokio::select! {
            biased;
            ready = ready => Trial::Ready(ready),
            failure = next_failure(failed, news) => Trial::NotYet(failure),
        }
    }
}

/// The next failure that is worth telling.
async fn next_failure(failed: &mut watch::Receiver<Option<Failed>>, news: &News) -> Failed {
    loop {
        let is_new = |failed: &Option<Failed>| failed.as_ref().is_some_and(|failed| news.is_new(&failed.why));
        if is_new(&failed.borrow_and_update()) {
            sleep_until(news.not_before()).await;
            // It may be another one by now.
            let latest = failed.borrow_and_update().clone();
            if let Some(latest) = latest.filter(|latest| news.is_new(&latest.why)) {
                return latest;
            }
        } else if failed.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// What is next of a readiness that may not be awaited.
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
