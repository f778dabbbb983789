//! The quota of the directories that a plugin may write to: `limits.files`. The directories are measured when the known
//! room is used up, not at each write, so a write costs an addition. Everything in them counts, no matter who put it there:
//! every file with its length, including holes, every entry with at least one block, and removed files that are still
//! open. Each version of a plugin counts separately.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat, openat2, statat};
use rustix::io::Errno;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::runtime;

use crate::limits::Limit;
use crate::text::size;

use super::opening::HAS_OPENAT2;
use super::watch::Watch;

/// The least that an entry of a directory counts, in bytes.
pub(super) const ENTRY_BYTES: u64 = 4_096;

/// Directories with more entries than this count as full: measuring them takes too long.
const ENTRIES_MAX: usize = 1 << 20;

/// The quota of one version.
#[derive(Debug)]
pub(crate) struct Quota {
    /// The limit in bytes, `limits.files`.
    most: u64,
    roots: Vec<Arc<File>>,
    /// The bytes written since the version was made. It only grows.
    written: AtomicU64,
    /// The value that `written` may reach before the directories have to be measured again.
    until: AtomicU64,
    /// The files that are open for writing. The lock is held during a measurement, so that there is one at a time.
    open: Mutex<Vec<Weak<File>>>,
}

impl Quota {
    /// Creates a quota of `most` bytes for the content of `roots`.
    pub(super) fn new(most: u64, roots: Vec<Arc<File>>) -> Self {
        let (written, until) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { most, roots, written, until, open: Mutex::default() }
    }

    /// Registers a file that is open for writing, for as long as it is open.
    pub(super) fn opened(&self, file: &Arc<File>) {
        let mut open = self.open.lock();
        open.retain(|file| file.strong_count() > 0);
        open.push(Arc::downgrade(file));
    }

    /// Takes this many bytes from the quota.
    ///
    /// # Errors
    /// `quota` if that is more than is left.
    pub(super) async fn take(self: &Arc<Self>, bytes: u64) -> Result<(), ErrorCode> {
        if self.taken(bytes) {
            return Ok(());
        }
        let quota = self.clone();
        runtime::spawn_blocking(move || quota.look()).await;
        if self.taken(bytes) { Ok(()) } else { Err(ErrorCode::Quota) }
    }

    /// Takes `bytes` bytes at `offset` of a file, and the hole before them, from the quota.
    pub(super) async fn take_at(
        self: &Arc<Self>,
        file: Arc<File>,
        offset: u64,
        bytes: u64,
    ) -> Result<(), ErrorCode> {
        let length = runtime::spawn_blocking(move || file.metadata()).await.map_err(ErrorCode::from)?.len();
        self.take(offset.saturating_sub(length).saturating_add(bytes)).await
    }

    /// Describes a denial for want of room.
    pub(super) fn denial(&self, call: &str) -> String {
        let most = size(usize::try_from(self.most).unwrap_or(usize::MAX));
        format!("{call}: the directories of its fs-write may hold {most} (limits.{})", Limit::Files.name())
    }

    /// Returns the known room, in bytes.
    fn left(&self) -> u64 {
        self.until.load(Ordering::Acquire).saturating_sub(self.written.load(Ordering::Acquire))
    }

    fn taken(&self, bytes: u64) -> bool {
        let until = self.until.load(Ordering::Acquire);
        let grow = |written: u64| written.checked_add(bytes).filter(|written| *written <= until);
        self.written.fetch_update(Ordering::AcqRel, Ordering::Acquire, grow).is_ok()
    }

    /// Measures the directories. Bytes that are written meanwhile count on top of the result.
    fn look(&self) {
        let open = self.open.lock();
        let before = self.written.load(Ordering::Acquire);
        let removed = open.iter().filter_map(Weak::upgrade).filter_map(|file| file.metadata().ok());
        let removed: u64 = removed
            .filter(|it| it.nlink() == 0)
            .map(|it| room(it.len(), it.blocks()))
            .fold(0, u64::saturating_add);
        let room = self.most.saturating_sub(removed.saturating_add(self.used()));
        self.until.store(before.saturating_add(room), Ordering::Release);
    }

    /// Returns the bytes in use in the directories. The measurement stops at `most`, or at too many entries.
    fn used(&self) -> u64 {
        let (mut used, mut entries) = (0_u64, 0);
        let mut left: Vec<(&File, PathBuf)> =
            self.roots.iter().map(|root| (&**root, PathBuf::from("."))).collect();
        while let Some((root, path)) = left.pop() {
            let seen = within(root, &path, |name, stat| {
                used =
                    used.saturating_add(room(stat.st_size.cast_unsigned(), stat.st_blocks.cast_unsigned()));
                entries += 1;
                if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                    left.push((root, path.join(name)));
                }
                used < self.most && entries < ENTRIES_MAX
            });
            // A path that is too long to be measured may hide something, so the directories count as full.
            if used >= self.most || entries >= ENTRIES_MAX || seen == Err(Errno::NAMETOOLONG) {
                return self.most;
            }
        }
        used
    }
}

/// Returns what a file or a directory counts.
fn room(bytes: u64, blocks: u64) -> u64 {
    bytes.max(blocks.saturating_mul(512)).max(ENTRY_BYTES)
}

/// Shows each entry of a directory to `look` until that returns false. An entry without a readable status is left out.
fn within(root: &File, path: &PathBuf, mut look: impl FnMut(&str, &Stat) -> bool) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let dir = if *HAS_OPENAT2 {
        openat2(root, path, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)?
    } else {
        openat(root, path, flags, Mode::empty())?
    };
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(stat) = statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        // A plugin creates only names in UTF-8; an entry that somebody else put there is counted but not entered.
        if !look(name.to_str().unwrap_or("\u{fffd}"), &stat) {
            break;
        }
    }
    Ok(())
}

/// A stream into a file whose writes are taken from the quota.
pub(super) struct Metered {
    stream: DynOutputStream,
    quota: Arc<Quota>,
    watch: Arc<dyn Watch>,
    /// The file and offset at which it begins, until the hole before that has been taken from the quota.
    begins: Option<(Arc<File>, u64)>,
    /// Whether there was no room at the last measurement.
    full: bool,
}

impl Metered {
    /// Wraps `stream`, which begins at `begins`, or at the end of its file.
    pub(super) fn over(
        stream: DynOutputStream,
        quota: Arc<Quota>,
        watch: Arc<dyn Watch>,
        begins: Option<(Arc<File>, u64)>,
    ) -> DynOutputStream {
        Box::new(Self { stream, quota, watch, begins, full: false })
    }

    fn refused(&self) -> StreamError {
        self.watch.denied(&self.quota.denial("a stream"));
        StreamError::LastOperationFailed(io::Error::from(Errno::DQUOT).into())
    }
}

#[async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if self.begins.is_some() || !self.quota.taken(bytes.len() as u64) {
            return Err(self.refused());
        }
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let ready = self.stream.check_write()?;
        if std::mem::take(&mut self.full) {
            return Err(self.refused());
        }
        // Without known room the stream is not ready until `ready` has measured again.
        let room = if self.begins.is_some() { 0 } else { self.quota.left() };
        Ok(ready.min(usize::try_from(room).unwrap_or(usize::MAX)))
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.stream.ready().await;
        if let Some((file, offset)) = self.begins.clone() {
            self.full = self.quota.take_at(file, offset, 0).await.is_err();
            if !self.full {
                self.begins = None;
            }
        }
        if !self.full && self.quota.left() == 0 {
            // Taking a byte shows whether there is room; it is not returned before the next measurement.
            self.full = self.quota.take(1).await.is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(dir: &tempfile::TempDir, most: u64) -> Quota {
        Quota::new(most, vec![Arc::new(File::open(dir.path()).unwrap())])
    }

    #[test]
    fn every_entry_counts_with_its_length_and_at_least_one_block() {
        let dir = tempfile::tempdir().unwrap();
        let quota = quota(&dir, 1 << 30);
        assert_eq!(quota.used(), 0);
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/small"), "x").unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("link")).unwrap();
        let few = quota.used();
        assert!((4 * ENTRY_BYTES..16 * ENTRY_BYTES).contains(&few), "{few}");
        let holes = File::create(dir.path().join("holes")).unwrap();
        holes.set_len(100 << 20).unwrap();
        assert_eq!(quota.used(), few + (100 << 20));
    }

    #[test]
    fn used_up_room_is_measured_again_and_a_removed_file_counts_while_it_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let quota = quota(&dir, 100 << 10);
        assert!(!quota.taken(1), "nothing was measured yet");
        quota.look();
        let path = dir.path().join("file");
        let file = Arc::new(File::create(&path).unwrap());
        quota.opened(&file);
        assert!(quota.taken(90 << 10) && !quota.taken(11 << 10));
        file.set_len(90 << 10).unwrap();
        quota.look();
        assert!(!quota.taken(11 << 10));
        std::fs::remove_file(&path).unwrap();
        quota.look();
        assert!(!quota.taken(11 << 10), "it is still open");
        drop(file);
        quota.look();
        assert!(quota.taken(100 << 10) && !quota.taken(1));
    }

    #[test]
    fn a_measurement_stops_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        for name in 0..100 {
            std::fs::write(dir.path().join(name.to_string()), "").unwrap();
        }
        assert_eq!(quota(&dir, 10 * ENTRY_BYTES).used(), 10 * ENTRY_BYTES);
        assert_eq!(quota(&dir, 0).used(), 0);
    }
}
