//! The socket: mode 0600, and only the host's own user and root may speak through it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use provost_api::client::SOCKET_PATH_BYTES_MAX;
use provost_files::Identity;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

use super::spare::Spare;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// Why the socket could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The kernel has no room for such a long path.
    #[error(
        "the path of the socket is {} bytes long, and a Unix socket's may have {SOCKET_PATH_BYTES_MAX}: {}; set a shorter \
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

/// A socket that is listened on. It is removed when this is dropped, unless another has taken its place.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    place: SocketPlace,
    /// Kept back for those who connect.
    pub(super) spare: Spare,
}

/// Where a socket is listened on. Through it the socket is made again when it was cleaned away. Clones share it.
#[derive(Clone, Debug)]
pub struct SocketPlace(Arc<Place>);

#[derive(Debug)]
struct Place {
    path: PathBuf,
    state: Mutex<State>,
    /// Rung when there is a socket to listen on instead.
    replaced: Notify,
}

/// What is at the place.
#[derive(Debug)]
enum State {
    /// This socket is listened on.
    Listening(Identity),
    /// This one is to be listened on next.
    Replaced(Identity, OwnedFd),
    /// Nobody listens any more.
    Closed,
}

impl SocketPlace {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    fn identity(&self) -> Option<Identity> {
        match &*self.state() {
            State::Listening(identity) | State::Replaced(identity, _) => Some(*identity),
            State::Closed => None,
        }
    }

    /// Returns true if nobody listens any more, and nobody will.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.identity().is_none()
    }

    /// Makes the socket again if it is not in its place; true if it was not. To be called only by whoever owns the directory, since
    /// what is in its place is removed.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn restore(&self) -> Result<bool, BindError> {
        let path = &self.0.path;
        let failed = |source| BindError::Io { path: path.clone(), source };
        let found = Identity::at(path).map_err(failed)?;
        match self.identity() {
            None => return Ok(false),
            bound if bound == found => return Ok(false),
            Some(_) => {}
        }
        if found.is_some() {
            std::fs::remove_file(path).map_err(failed)?;
        }
        let (socket, identity) = listen(path).map_err(failed)?;
        {
            let mut state = self.state();
            if !matches!(*state, State::Closed) {
                *state = State::Replaced(identity, socket);
                self.0.replaced.notify_one();
                return Ok(true);
            }
        }
        // The host ended meanwhile.
        remove(path, identity);
        Ok(false)
    }

    /// The socket that is to be listened on next, if there is one.
    fn take(&self) -> Option<OwnedFd> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Closed) {
            State::Replaced(identity, socket) => {
                *state = State::Listening(identity);
                Some(socket)
            }
            other => {
                *state = other;
                None
            }
        }
    }
}

/// Removes the socket if it is still this one.
fn remove(path: &Path, identity: Identity) {
    if Identity::at(path).is_ok_and(|found| found == Some(identity)) {
        let _ = std::fs::remove_file(path);
    }
}

impl Listening {
    /// Listens on `path`, which must not exist.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(BindError::PathTooLong(path.to_owned()));
        }
        let failed = |source| BindError::Io { path: path.to_owned(), source };
        let (socket, identity) = listen(path).map_err(failed)?;
        let listener = UnixListener::from_std(socket.into()).map_err(failed)?;
        let state = Mutex::new(State::Listening(identity));
        let place = SocketPlace(Arc::new(Place { path: path.to_owned(), state, replaced: Notify::new() }));
        Ok(Self { listener, place, spare: Spare::taken() })
    }

    /// Where it is listened on.
    #[must_use]
    pub fn place(&self) -> SocketPlace {
        self.place.clone()
    }
}

/// The mode is set between `bind` and `listen`: before that nobody can connect, whatever the umask has left open.
fn listen(path: &Path) -> io::Result<(OwnedFd, Identity)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let gone = || io::Error::new(io::ErrorKind::NotFound, "it was removed at once");
    let identity = Identity::at(path)?.ok_or_else(gone)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok((socket, identity))
}

impl Drop for Listening {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.place.state(), State::Closed);
        if let State::Listening(identity) | State::Replaced(identity, _) = state {
            remove(&self.place.0.path, identity);
        }
    }
}

impl Listening {
    /// Is there somebody who waits to be accepted?
    pub(super) fn is_awaited(&self) -> bool {
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut look = [rustix::event::PollFd::new(&self.listener, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut look, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// The next connection of somebody who may speak.
    ///
    /// # Errors
    /// What the kernel says, such as that there are no more descriptors.
    pub(super) async fn accept(&mut self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = tokio::select! {
                accepted = self.listener.accept() => accepted?,
                () = self.place.0.replaced.notified() => {
                    if let Some(socket) = self.place.take() {
                        self.listener = UnixListener::from_std(socket.into())?;
                    }
                    continue;
                }
            };
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

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_socket_that_was_removed_is_made_again_and_listened_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let mut listening = Listening::bind(&path).unwrap();
        let place = listening.place();
        assert!(!place.restore().unwrap(), "it is in its place");
        for in_its_place in [false, true] {
            std::fs::remove_file(&path).unwrap();
            if in_its_place {
                std::fs::write(&path, "").unwrap();
            }
            assert!(place.restore().unwrap());
            assert_eq!(mode(&path), 0o600);
            let (accepted, connected) = tokio::join!(listening.accept(), UnixStream::connect(&path));
            assert!(accepted.is_ok() && connected.is_ok());
        }
        drop(listening);
        assert!(!path.exists() && place.is_closed());
        assert!(!place.restore().unwrap() && !path.exists(), "the host has ended");
    }

    #[tokio::test]
    async fn the_end_of_one_host_leaves_the_socket_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let first = Listening::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let second = Listening::bind(&path).unwrap();
        drop(first);
        assert!(path.exists() && UnixStream::connect(&path).await.is_ok());
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn only_root_and_the_same_user_may_speak() {
        let own = rustix::process::geteuid().as_raw();
        assert!(may_speak(0) && may_speak(own));
        assert!(!may_speak(own + 1));
    }
}
