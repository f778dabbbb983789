//! The task of a stash: writes those states that were not written ahead, and replaces the file when it has grown, or when
//! it could not be written.
//!
//! A new file is given to the keeper while it is empty, and only then used. When nobody writes into the old one any more,
//! everything that is published is written into the new one, and the old one is dropped. Until then the keeper has both.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use provost_state::{Change, ChangeKind, Generation, ProcessId, ProcessState, Reader};
use tokio::sync::{oneshot, watch};

use super::file::StashFile;
use super::frames::MAGIC;
use super::log::{LACK, Stash, is_written_ahead};
use super::records::{Head, Record, put, put_commit};

/// A file is replaced when it has more bytes than this, and than [`GROWN`] times what it began with.
const BYTES_MIN: u64 = 256 << 10;

/// See [`BYTES_MIN`].
const GROWN: u64 = 4;

/// The number of changes that are read at once, and of states that are written at once.
const AT_ONCE: usize = 256;

/// How long the keeper may take to confirm a file.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// The pause before another file is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// Appends a state with all of its deaths. `room` is what its bytes are put into.
fn append_state(file: &StashFile, state: &ProcessState, room: &mut Vec<u8>) -> io::Result<()> {
    room.clear();
    put_commit(room, state.id.added_at(), state, usize::MAX);
    file.append(room)
}

/// A file that nobody has written to yet.
struct Fresh {
    file: Arc<StashFile>,
    drained: oneshot::Receiver<()>,
}

impl Stash {
    /// Writes everything that is published into a first file. The supervisor calls this before anything is started; the
    /// keeper is given the file by [`Following::run`].
    pub(crate) fn begin(&self, reader: &Reader) -> Option<Begun> {
        let world = reader.snapshot();
        let begun = self.create().and_then(|fresh| {
            let mut bytes = self.0.kept.lock().whole();
            fresh.file.append(&bytes)?;
            for state in world.iter() {
                append_state(&fresh.file, state, &mut bytes)?;
            }
            Ok(fresh)
        });
        match begun {
            Ok(Fresh { file, drained }) => {
                file.completed();
                self.0.minimum.store(file.bytes(), Ordering::Relaxed);
                self.0.current.store(Some(file.clone()));
                self.0.wake_copying();
                Some(Begun { number: file.number, drained })
            }
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    /// Creates a file that has its head and the lease.
    fn create(&self) -> io::Result<Fresh> {
        let number = self.0.number.fetch_add(1, Ordering::Relaxed) + 1;
        let (file, drained) = StashFile::create(number)?;
        #[cfg(any(test, feature = "scripted"))]
        let file = file.behind(self.0.gate.get().cloned().unwrap_or_default());
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, &Record::Head(Head { boot: self.0.boot.clone(), number }));
        put(&mut bytes, &Record::Lease(Generation(self.0.leased.load(Ordering::Relaxed))));
        file.append(&bytes)?;
        Ok(Fresh { file: Arc::new(file), drained })
    }

    /// Gives a file to the keeper.
    async fn hand_over(&self, file: &StashFile) -> io::Result<()> {
        let kept = self.0.keeper.keep(file.number, file.again()?);
        tokio::time::timeout(KEPT_WITHIN, kept).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// The first file of a host, which is not kept yet.
#[derive(Debug)]
pub(crate) struct Begun {
    number: u64,
    drained: oneshot::Receiver<()>,
}

/// The task of a stash.
#[derive(Debug)]
pub(crate) struct Following {
    stash: Stash,
    reader: Reader,
    /// The last change that was looked at.
    cursor: Generation,
    /// Resolves when nobody writes into the file in use any more.
    drained: Option<oneshot::Receiver<()>>,
}

impl Following {
    pub(crate) fn new(stash: Stash, reader: Reader) -> Self {
        let cursor = reader.latest();
        Self { stash, reader, cursor, drained: None }
    }

    /// Follows the registry until it is gone.
    pub(crate) async fn run(mut self, begun: Option<Begun>, mut changed: watch::Receiver<Generation>) {
        match begun {
            Some(begun) => self.confirm(begun).await,
            None => self.try_again().await,
        }
        let stash = self.stash.clone();
        loop {
            // What could not be written may be missing in a file that is whole.
            let is_lacking = tokio::select! {
                rung = changed.changed() => if rung.is_err() { return } else { false },
                () = stash.0.due.notified() => true,
            };
            let is_behind = self.catch_up();
            let file = stash.0.current.load_full();
            let is_due = file.is_none_or(|file| {
                let minimum = stash.0.minimum.load(Ordering::Relaxed);
                is_behind
                    || is_lacking
                    || file.is_torn()
                    || file.bytes() > BYTES_MIN.max(minimum.saturating_mul(GROWN))
            });
            if is_due && let Err(error) = self.replace().await {
                stash.failed(&error);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// Gives the first file to the keeper, which has those of former hosts until then.
    async fn confirm(&mut self, begun: Begun) {
        self.drained = Some(begun.drained);
        let file = self.stash.0.current.load_full().filter(|file| file.number == begun.number);
        let kept = match &file {
            Some(file) => self.stash.hand_over(file).await,
            None => Ok(()),
        };
        // It is replaced only when nobody holds it any more.
        drop(file);
        match kept {
            Ok(()) => {
                self.stash.0.keeper.drop_before(begun.number);
                self.stash.0.confirmed.send_replace(true);
            }
            Err(error) => {
                self.stash.failed(&error);
                self.try_again().await;
            }
        }
    }

    /// Tries to get another file, until there is one.
    async fn try_again(&mut self) {
        while let Err(error) = self.replace().await {
            self.stash.failed(&error);
            tokio::time::sleep(AGAIN).await;
        }
        self.stash.0.confirmed.send_replace(true);
    }

    /// Writes the states that were not written ahead. Returns true if changes were missed.
    fn catch_up(&mut self) -> bool {
        loop {
            let page = self.reader.changes_since(self.cursor, AT_ONCE);
            let is_last = page.cursor >= self.reader.latest();
            self.cursor = page.cursor;
            let mut newest: HashMap<ProcessId, &Change> = HashMap::new();
            for change in &page.changes {
                newest.insert(change.state.id, change);
            }
            let mut bytes = Vec::new();
            for change in newest.into_values() {
                if matches!(change.kind, ChangeKind::Event(event) if !is_written_ahead(event)) {
                    put_commit(&mut bytes, change.state.id.added_at(), &change.state, 0);
                }
            }
            if !bytes.is_empty() {
                let _published = self.stash.append(&bytes);
            }
            if page.missed > 0 || is_last {
                return page.missed > 0;
            }
        }
    }

    /// Replaces the file by one that has what is published now.
    async fn replace(&mut self) -> io::Result<()> {
        let Fresh { file, drained } = self.stash.create()?;
        self.stash.hand_over(&file).await?;
        drop(self.stash.0.current.swap(Some(file.clone())));
        if let Some(drained) = self.drained.replace(drained) {
            // An error says that the sender was dropped, with the file.
            let _ = drained.await;
        }
        self.write_all(&file).await?;
        file.completed();
        self.stash.0.wake_copying();
        self.stash.0.minimum.store(file.bytes(), Ordering::Relaxed);
        self.stash.0.keeper.drop_before(file.number);
        self.stash.0.degraded.clear(LACK);
        Ok(())
    }

    /// Writes everything that is published, and the lease. Others append meanwhile.
    async fn write_all(&self, file: &StashFile) -> io::Result<()> {
        let mut bytes = self.stash.0.kept.lock().whole();
        put(&mut bytes, &Record::Lease(Generation(self.stash.0.leased.load(Ordering::Relaxed))));
        file.append(&bytes)?;
        let world = self.reader.snapshot();
        for (at, state) in world.iter().enumerate() {
            append_state(file, state, &mut bytes)?;
            if at % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}
