//! What the process says about itself: its readiness, its status in its own words, and that it is alive.

use std::io;
use std::sync::Arc;

use provost_state::{Event, Incarnation, Moment, Phase, PhaseKind, span};
use tokio::time::{Instant, sleep_until};

use super::heard::Watchdog;
use super::task::Runner;
use crate::children::probe::Failed;
use crate::children::{Notice, Said};
use crate::groups::Tried;
use crate::spec::Check;

/// How late a runner has to be for a deadline, in milliseconds, to conclude that the host was suspended.
const ASLEEP_MS: u64 = 1_000;

impl Runner {
    /// Acts on a notice. It is dropped afterwards, which says that it was acted on.
    pub(super) fn on_notice(&mut self, incarnation: Incarnation, notice: &Notice) {
        if incarnation != self.state.incarnation {
            return;
        }
        for said in &notice.said {
            match said {
                Said::Ready => self.on_said_ready(&Check::Notified),
                Said::Wrote(number) => self.on_said_ready(&Check::Descriptor(*number)),
                Said::Status(text) => self.on_status(text.clone()),
                Said::Reloading => self.on_status("it reloads its configuration".into()),
                Said::Stopping => self.on_status("it is stopping".into()),
                Said::MainPid(pid) => self.on_status(format!("its main process is {pid}").into()),
                Said::Errno(number) => {
                    let error = io::Error::from_raw_os_error(*number);
                    self.on_status(format!("it has failed: {error}").into());
                }
                Said::Alive => self.on_alive(),
                Said::Failing => self.on_silent("it has sent WATCHDOG=trigger".into()),
                Said::SilentFor(every_ms) => {
                    if let Some(watchdog) = &mut self.heard.watchdog {
                        watchdog.every_ms = *every_ms;
                    }
                    self.on_alive();
                }
                Said::MoreTime(more_ms) => self.on_more_time(*more_ms),
            }
        }
    }

    fn on_said_ready(&mut self, check: &Check) {
        let is_awaited = self.spec.ready.as_ref().is_some_and(|ready| ready.check == *check);
        if !is_awaited || self.state.phase.kind() != PhaseKind::Starting {
            return;
        }
        self.readiness = None;
        let found: Arc<str> = match check {
            Check::Descriptor(number) => format!("it wrote a line to descriptor {number}").into(),
            _ => "it sent READY=1".into(),
        };
        let at = self.shared.publisher.now();
        self.record.tried.readiness.keep(Tried { passed: true, found: found.clone(), at });
        self.on_ready(self.state.incarnation, &format!("ready: {found}"));
        self.tell_status();
    }

    /// Takes note of what it says that it does. While it starts, this is what it is waited for; later, it is committed if it is
    /// news.
    fn on_status(&mut self, text: Arc<str>) {
        self.heard.status = Some(text);
        if self.state.phase.kind() == PhaseKind::Starting {
            let failed = self.not_said();
            if let Some(report) = self.readiness.as_ref().and_then(|awaited| awaited.report.as_ref()) {
                report.send_replace(failed);
            }
        } else {
            self.tell_status();
        }
    }

    /// Returns why a process that has to say that it is ready is not ready yet.
    pub(super) fn not_said(&self) -> Option<Failed> {
        let awaited = match self.spec.ready.as_ref()?.check {
            Check::Notified => "it has not sent READY=1".to_owned(),
            Check::Descriptor(number) => format!("it has not written a line to descriptor {number}"),
            _ => return None,
        };
        if self.heard.notices.is_none() {
            let why = format!("{awaited}, and was started without what it takes to do so: restart it");
            return Some(Failed::lasting(why));
        }
        Some(Failed::yet(match &self.heard.status {
            Some(status) => format!("{awaited}; it says: {status}"),
            None => awaited,
        }))
    }

    /// Commits the status of a process that is ready, if it is news, or as soon as it may be.
    pub(super) fn tell_status(&mut self) {
        let Some(status) = self.heard.status.clone() else { return };
        if self.state.phase.kind() != PhaseKind::Running || !self.heard.news.is_new(&status) {
            return;
        }
        let not_before = self.heard.news.not_before();
        if Instant::now() < not_before {
            let later = Box::pin(sleep_until(not_before));
            self.heard.later.get_or_insert((self.state.incarnation, later));
            return;
        }
        let (health, failing) = (self.state.health, self.state.failing.clone());
        let reason = Arc::from(format!("it says: {status}"));
        self.commit_now(&Event::Health { health, reason, failing });
        self.heard.news.tell(status);
    }

    /// Gives a process that says itself when it is ready the whole time once more, when it is taken over: how much time it had
    /// asked for is not known.
    pub(super) fn allow_time_anew(&mut self) {
        let Some(ready) = self.spec.ready.as_ref().filter(|ready| ready.check == Check::Notified) else {
            return;
        };
        if let Some(within_ms) = ready.within_ms {
            self.on_more_time(within_ms);
        }
    }

    /// Gives it more time to become ready. As with systemd, it never gets less than it has by then.
    fn on_more_time(&mut self, more_ms: u64) {
        let Some(due) = self.ready_by() else { return };
        let by = self.shared.publisher.now().plus_ms(more_ms);
        if by.ms_since(due) > 0 {
            self.heard.extended = Some(by);
            // It is another deadline, at which the host may be suspended again.
            if let Some(awaited) = &mut self.readiness {
                awaited.postponed = None;
            }
        }
    }

    /// Begins to expect that the process says that it is alive, if its spec asks for that.
    pub(super) fn begin_watchdog(&mut self) {
        let now = self.shared.publisher.now();
        let spawned = self.record.spawned.load_full();
        let every_ms = spawned.and_then(|spawned| spawned.spec.watchdog_ms);
        self.heard.watchdog = every_ms.map(|every_ms| Watchdog { every_ms, last: now, was_silent: false });
    }

    /// Returns when the process has to have been heard, if it is ready and has a watchdog.
    pub(super) fn heard_by(&self) -> Option<Moment> {
        let Watchdog { every_ms, last, .. } = self.heard.watchdog.as_ref()?;
        matches!(self.state.phase, Phase::Running { .. }).then(|| last.plus_ms(*every_ms))
    }

    fn on_alive(&mut self) {
        let now = self.shared.publisher.now();
        let Some(watchdog) = &mut self.heard.watchdog else { return };
        watchdog.last = now;
        if std::mem::take(&mut watchdog.was_silent) && self.state.phase.kind() == PhaseKind::Running {
            self.ask_what_it_means(Ok("it has sent WATCHDOG=1 again".into()), 0);
        }
    }

    /// Handles the deadline of the watchdog.
    pub(super) fn on_unheard(&mut self) {
        let now = self.shared.publisher.now();
        let Some(watchdog) = &mut self.heard.watchdog else { return };
        let (within, due) = (span::exact(watchdog.every_ms), watchdog.last.plus_ms(watchdog.every_ms));
        if now.ms_since(due) > ASLEEP_MS {
            // The host was suspended, and may not have read yet what was sent.
            watchdog.last = now;
            return;
        }
        self.on_silent(format!("it has not sent WATCHDOG=1 within {within}").into());
    }

    /// Has it judged that the process does not work: one failure is enough.
    fn on_silent(&mut self, why: Arc<str>) {
        let now = self.shared.publisher.now();
        let Some(watchdog) = &mut self.heard.watchdog else { return };
        (watchdog.last, watchdog.was_silent) = (now, true);
        if self.state.phase.kind() == PhaseKind::Running {
            self.ask_what_a_failure_means(why);
        }
    }
}
