//! A look that takes long and serves everybody who has asked before it began. There is one at a time, also if those for whom it was
//! made have stopped waiting: looks would otherwise pile up, each slower than the one before it, and take all threads for reading.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::jobs::Lane;

/// The last look, and the number of those who have asked.
#[derive(Debug, Default)]
pub(super) struct Survey<T> {
    /// The ticket that was current when the last look began, and what it found. Held while one is made.
    last: Arc<Mutex<(u64, Arc<T>)>>,
    ticket: Arc<AtomicU64>,
}

impl<T: Send + Sync + 'static> Survey<T> {
    /// Returns what a look finds that began after this call; `None` if it could not be made.
    pub(super) async fn make(
        &self,
        reading: &Lane,
        look: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Option<Arc<T>> {
        let asked = self.ticket.fetch_add(1, Ordering::AcqRel);
        let mut last = self.last.clone().lock_owned().await;
        if last.0 > asked {
            return Some(last.1.clone());
        }
        let (ticket, reading) = (self.ticket.clone(), reading.clone());
        let pass = tokio::spawn(async move {
            let current = ticket.load(Ordering::Acquire);
            let found = Arc::new(reading.run(look).await.ok()?.ok()?);
            *last = (current, found.clone());
            Some(found)
        });
        pass.await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::degraded::Degraded;
    use crate::jobs::Jobs;

    #[tokio::test]
    async fn a_survey_that_nobody_waits_for_any_more_is_not_joined_by_another_one() {
        let (survey, reading) = (Survey::<u32>::default(), Jobs::start(&Degraded::default()).reading);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = survey.make(&reading, move || {
            let _ = held.recv();
            Ok(1)
        });
        // Its caller stops waiting at once.
        assert!(tokio::time::timeout(Duration::ZERO, first).await.is_err());
        let begun = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let begins = begun.clone();
        let second = survey.make(&reading, move || {
            begins.store(true, Ordering::Release);
            Ok(2)
        });
        let mut second = std::pin::pin!(second);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut second).await.is_err());
        assert!(!begun.load(Ordering::Acquire), "the first one still looks");
        drop(release);
        assert_eq!(second.await.as_deref(), Some(&2));
        assert!(begun.load(Ordering::Acquire));
    }
}
