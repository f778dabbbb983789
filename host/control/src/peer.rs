//! The socket: mode 0600, and only the host's own user and root may speak through it.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};

use crate::spare::Spare;

/// The longest path that fits into a socket's address, in bytes, without its closing zero.
const PATH_BYTES_MAX: usize = 107;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// Why the socket could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The kernel has no room for such a long path.
    #[error(
        "the path of the socket is {} bytes long, and a Unix socket's may have {PATH_BYTES_MAX}: {}; set a shorter \
         `host.runtime_dir`", .0.as_os_str().len(), .0.display()
    )]
    PathTooLong(PathBuf),
    /// The kernel refused.
    #[error("cannot listen on {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A socket that is listened on. It is removed when this is dropped.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    path: PathBuf,
    /// Kept back for those who connect.
    pub(crate) spare: Spare,
}

impl Listening {
    /// Listens on `path`, which must not exist.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        if path.as_os_str().len() > PATH_BYTES_MAX {
            return Err(BindError::PathTooLong(path.to_owned()));
        }
        let failed = |source| BindError::Io { path: path.to_owned(), source };
        let listener = listen(path).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), spare: Spare::taken() })
    }
}

/// The mode is set between `bind` and `listen`: before that nobody can connect, whatever the umask has left open.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    UnixListener::from_std(socket.into())
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listening {
    /// Is there somebody who waits to be accepted?
    pub(crate) fn is_awaited(&self) -> bool {
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut look = [rustix::event::PollFd::new(&self.listener, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut look, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// The next connection of somebody who may speak.
    ///
    /// # Errors
    /// What the kernel says, such as that there are no more descriptors.
    pub(crate) async fn accept(&mut self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match stream.peer_cred() {
                Ok(peer) if may_speak(peer.uid()) => return Ok(stream),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "refused a connection of another user"),
                Err(error) => tracing::warn!(%error, "refused a connection whose user is unknown"),
            }
        }
    }
}

fn may_speak(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_the_same_user_may_speak() {
        let own = rustix::process::geteuid().as_raw();
        assert!(may_speak(0) && may_speak(own));
        assert!(!may_speak(own + 1));
    }
}
