//! The runtime directory. One host owns it by a lock that ends with the host, however it ends. What is removed from it while the
//! host runs is recreated.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use provost_files::{Cursor, FileError, Identity, Owners};

use super::claim::{self, Claim};

const LOCK_NAME: &str = "provost.lock";

/// The runtime directory, owned by this host. The lock file stays when the host ends, because removing it would let two hosts
/// lock two files of the same name.
#[derive(Debug)]
pub(crate) struct RuntimeDir {
    dir: PathBuf,
    /// The locked file.
    lock: File,
    /// The second lock, which holds even while the lock file is missing.
    pub(super) claim: Claim,
    pub(crate) socket: PathBuf,
    /// The locked log directory, which keeps other hosts from writing to the same log files.
    logs: Option<File>,
}

/// The reason why the runtime directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error("a host is running here already: pid {pid}")]
    Owned { pid: String },
    #[error("cannot use the runtime directory {}: {source}", dir.display())]
    Unfit { dir: PathBuf, source: FileError },
    #[error("another host keeps the logs of its processes in {}", dir.display())]
    LogsOwned { dir: PathBuf },
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl RuntimeDir {
    /// Creates `dir` if it does not exist, below directories of `owners`, locks it, and removes the socket of a host that was
    /// killed.
    pub(crate) fn take(dir: &Path, owners: Owners, socket_name: &str) -> Result<Self, TakeError> {
        let unfit = |source| TakeError::Unfit { dir: dir.to_owned(), source };
        provost_files::own_dir_in_safe_place(dir, owners).map_err(unfit)?;
        let claim = Claim::take(dir).map_err(|pid| TakeError::Owned { pid })?;
        let lock = locked(dir)?;
        let socket = dir.join(socket_name);
        remove_stale(&socket).map_err(|source| TakeError::Io { path: socket.clone(), source })?;
        Ok(Self { dir: dir.to_owned(), lock, claim, socket, logs: None })
    }

    /// Also locks the log directory for this host: two hosts that write and rotate the same files would lose and tear each
    /// other's lines. Errors other than a lock of another host are left to the writers of the logs, and a file system without
    /// locks is accepted.
    pub(super) fn take_logs(&mut self, log_dir: &Path, owners: Owners) -> Result<(), TakeError> {
        if provost_files::own_dir_in_safe_place(log_dir, owners).is_err() {
            return Ok(());
        }
        let Ok(dir) = File::open(log_dir) else { return Ok(()) };
        match dir.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TakeError::LogsOwned { dir: log_dir.to_owned() }),
            Ok(()) | Err(TryLockError::Error(_)) => {
                self.logs = Some(dir);
                Ok(())
            }
        }
    }

    /// Returns the path of the directory.
    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// Makes sure that the directory and its lock are in place; returns true if they had to be recreated.
    pub(super) fn restore(&mut self) -> Result<bool, TakeError> {
        let unfit = |source| TakeError::Unfit { dir: self.dir.clone(), source };
        provost_files::own_dir(&self.dir).map_err(unfit)?;
        let path = self.dir.join(LOCK_NAME);
        let at = |source| TakeError::Io { path: path.clone(), source };
        let own = Identity::of(&self.lock).map_err(at)?;
        if Identity::at(&path).map_err(at)? == Some(own) {
            return Ok(false);
        }
        self.lock = locked(&self.dir)?;
        Ok(true)
    }
}

/// Opens and locks the lock file, and writes this process id to it.
fn locked(dir: &Path) -> Result<File, TakeError> {
    let path = dir.join(LOCK_NAME);
    let at = |source| TakeError::Io { path: path.clone(), source };
    let unfit = |source| TakeError::Unfit { dir: dir.to_owned(), source };
    let mut lock = provost_files::open_or_create(&path, Cursor::Start).map_err(unfit)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(TakeError::Owned { pid: read_pid(&mut lock) }),
        Err(TryLockError::Error(source)) => return Err(at(source)),
    }
    lock.set_len(0).map_err(at)?;
    writeln!(lock, "{}", std::process::id()).map_err(at)?;
    Ok(lock)
}

/// Removes whatever is at the path of the socket. The caller holds the lock, so the host that created it has ended.
fn remove_stale(socket: &Path) -> io::Result<()> {
    match std::fs::remove_file(socket) {
        Ok(()) => tracing::debug!(path = %socket.display(), "removed the socket of a dead host"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn read_pid(lock: &mut File) -> String {
    /// More than any process id has.
    const PID_BYTES_MAX: u64 = 32;
    let mut text = String::new();
    let read = lock.rewind().and_then(|()| lock.take(PID_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => claim::UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn take(dir: &Path) -> Result<RuntimeDir, TakeError> {
        RuntimeDir::take(dir, Owners::default(), "s")
    }

    /// Returns the error with which the directory is refused.
    fn refused(dir: &Path) -> String {
        take(dir).unwrap_err().to_string()
    }

    #[test]
    fn a_second_host_is_refused_with_the_pid_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path()).unwrap();
        let own = std::process::id().to_string();
        let second = take(dir.path()).unwrap_err();
        assert!(matches!(second, TakeError::Owned { pid } if pid == own));
        // The lock alone does this as well, because the claim holds in one network namespace only.
        assert!(matches!(locked(dir.path()).unwrap_err(), TakeError::Owned { pid } if pid == own));
        drop(first);
        assert!(take(dir.path()).is_ok());
    }

    #[test]
    fn a_second_host_is_refused_even_if_the_whole_directory_was_removed() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("deep/run");
        for removed in ["deep/run/provost.lock", "deep/run", "deep"] {
            let _first = take(&dir).unwrap();
            let path = root.path().join(removed);
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
            assert!(refused(&dir).starts_with("a host is running here already: pid "), "{removed}");
        }
        let other = root.path().join("deep/other");
        let _first = take(&dir).unwrap();
        assert!(take(&other).is_ok(), "another directory is another host's");
    }

    #[test]
    fn a_second_host_is_refused_by_every_path_to_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("real/run");
        let _first = take(&dir).unwrap();
        symlink("real", root.path().join("link")).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(refused(&root.path().join("link/./run/")).starts_with("a host is running here already"));
    }

    #[test]
    fn a_removed_directory_or_lock_is_recreated_and_locked_again() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("run");
        let mut taken = take(&dir).unwrap();
        assert!(!taken.restore().unwrap(), "nothing is missing");
        std::fs::remove_file(dir.join(LOCK_NAME)).unwrap();
        assert!(taken.restore().unwrap());
        std::fs::rename(&dir, root.path().join("moved")).unwrap();
        assert!(taken.restore().unwrap());
        let own = std::process::id().to_string();
        assert!(matches!(locked(&dir).unwrap_err(), TakeError::Owned { pid } if pid == own));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join(LOCK_NAME))), (0o700, 0o600));
    }

    #[test]
    fn no_link_is_followed_and_no_file_of_others_is_touched() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("run");
        std::fs::create_dir(&dir).unwrap();
        let victim = root.path().join("victim");
        std::fs::write(&victim, "keep me").unwrap();
        symlink(&victim, dir.join(LOCK_NAME)).unwrap();
        assert!(refused(&dir).contains("provost.lock: it is a symbolic link, which is not followed here"));
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "keep me");
        symlink("run", root.path().join("link")).unwrap();
        assert!(refused(&root.path().join("link")).contains("link: it is a symbolic link"));
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refused(&dir).contains("other users may write it (mode 0777)"));
    }

    #[test]
    fn the_directory_of_another_user_and_one_below_it_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("run");
        std::fs::create_dir(&dir).unwrap();
        // Only root can give a directory away.
        if std::os::unix::fs::chown(&dir, Some(54_321), None).is_ok() {
            assert!(refused(&dir).contains("run: it belongs to user 54321, and the host runs as user 0"));
            assert!(refused(&dir.join("mine")).contains("run: it belongs to user 54321"));
            assert!(!dir.join("mine").exists());
        }
    }

    #[test]
    fn the_socket_of_a_dead_host_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s"), "").unwrap();
        let _owned = take(dir.path()).unwrap();
        assert!(!dir.path().join("s").exists());
    }
}
