//! The thread that writes the journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use provost_state::Moment;

use super::follow::{Follow, Trouble};
use super::round::Course;
use super::shared::{Call, Shared};
use crate::record::{Gap, GapReason};
use crate::write::{Failed, Sync, Writer};

/// The pause before something that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The thread, with what it follows.
pub(super) struct Thread {
    follow: Follow,
    shared: Arc<Shared>,
    course: Course,
    /// `None` until the directory could be opened.
    writer: Option<Writer>,
    /// What a panic has lost and the next writer has to tell.
    lost: Option<Gap>,
}

impl Thread {
    pub(super) fn new(follow: Follow, shared: Arc<Shared>) -> Self {
        Self { follow, shared, course: Course::default(), writer: None, lost: None }
    }

    /// Writes until the host ends. After a panic it begins again with what a killed host would have left, tells what is lost, and
    /// writes the states of all processes.
    pub(super) fn run(mut self) {
        let mut call = Call::Work;
        while catch_unwind(AssertUnwindSafe(|| self.write())).is_err() {
            self.lose();
            if call == Call::End {
                break;
            }
            // Whatever happens meanwhile, a thread that panics again and again does so once in that time.
            call = self.shared.pause(RETRY);
        }
        self.shared.has_ended();
    }

    /// Gives the writer up after a panic, and keeps what it has to be told.
    fn lose(&mut self) {
        let unknown = Gap { at: self.now(), reason: GapReason::Panicked, count: 0 };
        let lost = self.writer.take().map_or(unknown, |writer| writer.lost_with_it(unknown));
        self.lost.get_or_insert(lost);
        self.trouble(Some(Trouble::Lost("its thread panicked, and is started again".to_owned())));
    }

    fn now(&self) -> Moment {
        (self.follow.clock)()
    }

    fn write(&mut self) {
        let mut call = Call::Work;
        loop {
            let (has_more, result) = self.work();
            self.trouble(result.err().map(lost).or_else(|| self.nearly_full()));
            if has_more {
                continue;
            }
            if call == Call::End {
                break;
            }
            call = self.shared.wait(self.patience());
        }
        let now = self.now();
        if let Some(writer) = &mut self.writer {
            let ended = self.shared.busy(now, || writer.end(now));
            self.trouble(ended.err().map(lost));
        }
    }

    /// Does one round, and syncs what is due. Returns whether there is more to write; while the disk takes nothing, that is
    /// counted.
    fn work(&mut self) -> (bool, Result<(), Failed>) {
        let now = self.now();
        let Follow { dir, bounds, life, reader, .. } = &self.follow;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => match self.shared.busy(now, || Writer::open(dir.clone(), *bounds, *life, self.lost, now))
            {
                Ok(writer) => {
                    self.lost = None;
                    none.insert(writer)
                }
                Err(error) => return (false, Err(Failed::new(dir, &error))),
            },
        };
        let (course, shared) = (&mut self.course, &*self.shared);
        let done = shared.busy(now, || course.round(reader, shared, writer, now));
        let is_due = writer.sync_due_ns(now) == Some(0);
        let synced = if is_due || (done.is_grave && bounds.sync == Sync::Decision) {
            shared.busy(now, || writer.sync(now))
        } else {
            Ok(())
        };
        // Room may have become free meanwhile.
        if writer.nearly_full_mib().is_some() {
            shared.busy(now, || writer.look_for_room());
        }
        let (records, bytes) = writer.take_written();
        shared.update(|figures| {
            figures.records += records;
            figures.bytes += bytes;
        });
        (done.has_more, done.result.and(synced))
    }

    /// Returns how long to wait if nothing happens; `None` for ever.
    fn patience(&self) -> Option<Duration> {
        let now = self.now();
        match &self.writer {
            None => Some(RETRY),
            Some(writer) if writer.has_gap() => Some(RETRY),
            Some(writer) => {
                let due = writer.sync_due_ns(now).map(Duration::from_nanos);
                let again = writer.nearly_full_mib().map(|_| RETRY);
                due.into_iter().chain(again).min()
            }
        }
    }

    fn nearly_full(&self) -> Option<Trouble> {
        let mib = self.writer.as_ref()?.nearly_full_mib()?;
        Some(Trouble::NearlyFull { dir: self.follow.dir.clone(), mib })
    }

    /// Reports what is wrong, or that nothing is.
    fn trouble(&self, trouble: Option<Trouble>) {
        let is_news = self.shared.update(|figures| {
            let is_news = figures.trouble != trouble;
            figures.trouble.clone_from(&trouble);
            is_news
        });
        if is_news {
            (self.follow.on_trouble)(trouble.as_ref());
        }
    }
}

fn lost(failed: Failed) -> Trouble {
    Trouble::Lost(failed.to_string())
}
