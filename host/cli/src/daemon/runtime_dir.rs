//! The runtime directory: one host owns it, by a lock that ends with the host, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK_NAME: &str = "provost.lock";

/// The runtime directory, owned. The lock file stays when the host ends: removing it would let two hosts lock
/// two files of the same name.
#[derive(Debug)]
pub(crate) struct RuntimeDir {
    /// Keeps the lock.
    _lock: File,
    pub(crate) socket: PathBuf,
}

/// Why the runtime directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error("a host is running here already: pid {pid}")]
    Owned { pid: String },
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl RuntimeDir {
    /// Makes `dir` if it is not there, locks it, and removes what a dead host has left.
    pub(crate) fn take(dir: &Path, socket_name: &str) -> Result<Self, TakeError> {
        let socket = dir.join(socket_name);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| TakeError::Io { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let path = dir.join(LOCK_NAME);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TakeError::Owned { pid: read_pid(&mut lock) }),
            Err(TryLockError::Error(source)) => return Err(TakeError::Io { path, source }),
        }
        lock.set_len(0).map_err(at(&path))?;
        writeln!(lock, "{}", std::process::id()).map_err(at(&path))?;
        // We hold the lock: whoever made that socket is dead.
        match std::fs::remove_file(&socket) {
            Ok(()) => tracing::debug!(path = %socket.display(), "removed the socket of a dead host"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(TakeError::Io { path: socket, source }),
        }
        Ok(Self { _lock: lock, socket })
    }
}

fn read_pid(lock: &mut File) -> String {
    let mut text = String::new();
    let read = lock.rewind().and_then(|()| lock.read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_host_is_told_the_pid_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = RuntimeDir::take(dir.path(), "s").unwrap();
        let second = RuntimeDir::take(dir.path(), "s").unwrap_err();
        assert!(matches!(second, TakeError::Owned { pid } if pid == std::process::id().to_string()));
        drop(first);
        assert!(RuntimeDir::take(dir.path(), "s").is_ok());
    }

    #[test]
    fn the_socket_of_a_dead_host_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s"), "").unwrap();
        let _owned = RuntimeDir::take(dir.path(), "s").unwrap();
        assert!(!dir.path().join("s").exists());
    }
}
