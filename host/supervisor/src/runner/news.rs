//! Decides when the finding of a check is worth a commit: when it differs from the last one that was reported, and not
//! too often. The number of commits depends on how often the finding changes, is bounded however often that is, and
//! never depends on the number of tries.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// How long a readiness check may fail before that is reported: a start that takes a moment is not news.
pub(super) const FIRST: Duration = Duration::from_millis(500);

/// The first pause between two commits; it doubles while findings keep changing.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause between two commits.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// The last reported finding of one check, and when the next may be reported.
#[derive(Debug)]
pub(super) struct News {
    told: Option<Arc<str>>,
    not_before: Instant,
    pause: Duration,
}

impl News {
    /// Returns a value with nothing reported yet; the first report may come after `delay`.
    pub(super) fn after(delay: Duration) -> Self {
        Self { told: None, not_before: Instant::now() + delay, pause: PAUSE_MIN }
    }

    /// Whether this differs from what was reported last.
    pub(super) fn is_new(&self, found: &str) -> bool {
        self.told.as_deref() != Some(found)
    }

    /// Returns when a new finding may be reported.
    pub(super) fn not_before(&self) -> Instant {
        self.not_before
    }

    /// Records that `found` is reported now.
    pub(super) fn tell(&mut self, found: Arc<str>) {
        let now = Instant::now();
        let was_quiet = now >= self.not_before + self.pause;
        self.pause = if was_quiet { PAUSE_MIN } else { (self.pause * 2).min(PAUSE_MAX) };
        self.not_before = now + self.pause;
        self.told = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pair_of_findings_that_flaps_for_ever_is_told_at_a_bounded_rate() {
        let mut news = News::after(FIRST);
        let mut told = 0;
        for turn in 0..36_000 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let found = if turn % 2 == 0 { "no answer" } else { "answers 503" };
            if news.is_new(found) && Instant::now() >= news.not_before() {
                news.tell(found.into());
                told += 1;
            }
        }
        assert!((200..=230).contains(&told), "{told} in an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_quiet_time_a_change_is_told_at_once_again() {
        let mut news = News::after(Duration::ZERO);
        for found in ["a", "b", "a", "b"] {
            tokio::time::sleep_until(news.not_before()).await;
            news.tell(found.into());
        }
        assert_eq!(news.pause, Duration::from_secs(16));
        tokio::time::sleep(Duration::from_secs(32)).await;
        news.tell("a".into());
        assert_eq!(news.pause, PAUSE_MIN);
    }
}
