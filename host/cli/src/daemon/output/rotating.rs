//! The file of the host's log. It is rotated by size like the logs of processes, is never a link, a pipe or a device, and is
//! readable by its owner only.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provost_files::{Cursor, Identity};
use tokio::sync::watch;

/// The size beyond which a file is rotated, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The number of files that are kept, including the current one.
const FILES: u32 = 4;

/// A log file that is rotated to `NAME.1`, `NAME.2`, …
#[derive(Debug)]
pub(crate) struct Rotating {
    path: PathBuf,
    /// Whether the standard streams are redirected to it, for messages of Rust's runtime or the C library.
    streams: Arc<AtomicBool>,
    open: Option<Open>,
    /// Changed after each write.
    written: watch::Sender<u64>,
}

#[derive(Debug)]
struct Open {
    file: File,
    identity: Identity,
    bytes: u64,
}

impl Rotating {
    /// Creates the log; the file is opened at the first line. The standard streams follow it once `streams` is set.
    pub(crate) fn new(path: PathBuf, streams: Arc<AtomicBool>) -> Self {
        Self { path, streams, open: None, written: watch::Sender::new(0) }
    }

    /// Makes the log change `written` after each write.
    pub(crate) fn notifying(self, written: watch::Sender<u64>) -> Self {
        Self { written, ..self }
    }

    /// Writes some of the bytes, to a new file if they begin a line that does not fit into this one. `begun` says that they are
    /// the rest of a line.
    pub(super) fn write(&mut self, bytes: &[u8], begun: bool) -> io::Result<usize> {
        fail::fail_point!("hostlog.write", |error| Err(io::Error::from_raw_os_error(
            error.and_then(|error| error.parse().ok()).unwrap_or(libc::EIO)
        )));
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // If the file was removed or moved away, the log continues in a new one at its path.
        if !begun && self.open.as_ref().is_some_and(|open| !open.is_at(&self.path)) {
            self.open = None;
        }
        let written = self.opened()?.bytes;
        if !begun && written > 0 && written.saturating_add(size) > FILE_BYTES_MAX {
            self.rotate()?;
        }
        let open = self.opened()?;
        let count = open.file.write(bytes)?;
        open.bytes = open.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.written.send_modify(|times| *times = times.wrapping_add(1));
        Ok(count)
    }

    fn opened(&mut self) -> io::Result<&mut Open> {
        if self.open.is_none() {
            let file = open_log(&self.path)?;
            if self.streams.load(Ordering::Acquire) {
                rustix::stdio::dup2_stdout(&file)?;
                rustix::stdio::dup2_stderr(&file)?;
            }
            let (identity, bytes) = (Identity::of(&file)?, file.metadata()?.len());
            self.open = Some(Open { file, identity, bytes });
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("not open"))
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (0..FILES - 1).rev() {
            match std::fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.open = None;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        if number == 0 {
            return self.path.clone();
        }
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

impl Open {
    /// Returns true if this is the file at `path`.
    fn is_at(&self, path: &Path) -> bool {
        // If that is unknown, the open file is used further.
        Identity::at(path).map_or(true, |found| found == Some(self.identity))
    }
}

/// Opens the log for appending, and creates it if it does not exist. Refuses anything but a regular file of the host's user.
pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    Ok(provost_files::open_or_create(path, Cursor::End)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_rotated_at_the_end_of_a_line_and_a_few_files_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Rotating::new(dir.path().join("provost.log"), Arc::default());
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            assert_eq!(log.write(&line[..1_000], false).unwrap(), 1_000);
            assert_eq!(log.write(&line[1_000..], true).unwrap(), line.len() - 1_000);
        }
        let sizes = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
        let sizes: Vec<u64> = sizes.map(|file| file.len()).collect();
        assert_eq!(sizes.len(), 4, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= FILE_BYTES_MAX + (1 << 20)), "{sizes:?}");
        let mode = std::fs::metadata(dir.path().join("provost.log")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_log_that_is_removed_or_moved_away_continues_in_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("provost.log");
        let mut log = Rotating::new(path.clone(), Arc::default());
        log.write(b"one\n", false).unwrap();
        std::fs::remove_file(&path).unwrap();
        log.write(b"two", false).unwrap();
        std::fs::rename(&path, dir.path().join("moved")).unwrap();
        log.write(b"!\n", true).unwrap();
        log.write(b"three\n", false).unwrap();
        assert_eq!(std::fs::read(dir.path().join("moved")).unwrap(), b"two!\n", "a line is not torn");
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
    }

    #[test]
    fn links_pipes_and_devices_are_refused_without_blocking() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("victim"), "keep me").unwrap();
        std::os::unix::fs::symlink(at("victim"), at("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        for name in ["link", "pipe"] {
            assert!(Rotating::new(at(name), Arc::default()).write(b"line\n", false).is_err(), "{name}");
        }
        assert!(open_log(Path::new("/dev/null")).is_err());
        assert_eq!(std::fs::read_to_string(at("victim")).unwrap(), "keep me");
    }
}
