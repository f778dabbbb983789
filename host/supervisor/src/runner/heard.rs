//! What is heard of one life of a process: where it comes from, its status, its watchdog.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Incarnation, Moment};

use super::kept::Tagged;
use super::news::News;
use crate::children::{Notice, Notices};

/// What is heard of one life.
pub(super) struct Heard {
    /// Where it comes from, and the life that it is about.
    pub(super) notices: Option<(Incarnation, Notices)>,
    /// Its status, in its own words.
    pub(super) status: Option<Arc<str>>,
    /// The last status that was committed, and when the next may be.
    pub(super) news: News,
    /// Resolves when the status may be committed.
    pub(super) later: Tagged<()>,
    pub(super) watchdog: Option<Watchdog>,
    /// Until when it has asked to be waited for while it starts, if it has (`EXTEND_TIMEOUT_USEC`).
    pub(super) extended: Option<Moment>,
}

/// The watchdog of one life that is ready.
pub(super) struct Watchdog {
    /// For how long it may be silent.
    pub(super) every_ms: u64,
    /// When it was heard last.
    pub(super) last: Moment,
    /// Whether it was found silent since then.
    pub(super) was_silent: bool,
}

impl Heard {
    /// Begins to hear a life, if there is anything to be heard of it.
    pub(super) fn of(incarnation: Incarnation, notices: Option<Notices>) -> Self {
        Self { notices: notices.map(|notices| (incarnation, notices)), ..Self::default() }
    }
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            notices: None,
            status: None,
            news: News::after(Duration::ZERO),
            later: None,
            watchdog: None,
            extended: None,
        }
    }
}

/// Waits for the next notice; for ever if there is none.
pub(super) async fn notice_of(notices: &mut Option<(Incarnation, Notices)>) -> (Incarnation, Notice) {
    if let Some((incarnation, heard)) = notices {
        let incarnation = *incarnation;
        if let Some(notice) = heard.recv().await {
            return (incarnation, notice);
        }
        *notices = None;
    }
    pending().await
}
