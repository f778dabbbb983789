//! The socket of the API: its mode is 0600, and it accepts only connections of the host's own user and of root.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use provost_api::client::SOCKET_PATH_BYTES_MAX;
use provost_files::Identity;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::UnixListener;
use tokio::sync::Notify;

use super::spare::Spare;

/// The maximum number of connections that wait to be accepted.
const BACKLOG: i32 = 1_024;

/// Why the socket could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The path is longer than the kernel allows.
    #[error(
        "the path of the socket is {} bytes long, and the kernel takes at most {SOCKET_PATH_BYTES_MAX}: {}; set a shorter \
         `host.runtime_dir`", .0.as_os_str().len(), .0.display()
    )]
    PathTooLong(PathBuf),
    /// The kernel refused to create the socket.
    #[error("cannot listen on {}", path.display())]
    Io {
        /// The path of the socket.
        path: PathBuf,
        /// The error from the kernel.
        source: io::Error,
    },
}

/// A listening socket. Dropping it removes the socket file, unless another socket has taken its place.
#[derive(Debug)]
pub struct Listening {
    listener: UnixListener,
    place: SocketPlace,
    /// The descriptors that are reserved for connections.
    pub(super) spare: Spare,
}

/// The place of a listening socket, through which a deleted socket file is created again. Clones share it.
#[derive(Clone, Debug)]
pub struct SocketPlace(Arc<Place>);

#[derive(Debug)]
struct Place {
    path: PathBuf,
    state: Mutex<State>,
    /// Notified when there is a new socket to listen on.
    replaced: Notify,
}

/// The state of the place.
#[derive(Debug)]
enum State {
    /// The host listens on this socket.
    Listening(Identity),
    /// The host is to listen on this new socket next.
    Replaced(Identity, OwnedFd),
    /// The host no longer listens.
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

    /// Returns true if the host has stopped listening for good.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.identity().is_none()
    }

    /// Creates the socket again if it is not in its place, and returns true if it did. Removes any other file in its place, so only
    /// the owner of the directory may call it.
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
        // The host ended in the meantime.
        remove(path, identity);
        Ok(false)
    }

    /// Takes the new socket to listen on, if there is one.
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

/// Removes the socket file if it is still the one with this identity.
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

    /// Returns the place of the socket.
    #[must_use]
    pub fn place(&self) -> SocketPlace {
        self.place.clone()
    }
}

/// Binds and listens. The mode is set between the two: nobody can connect before `listen`, whatever the umask permits.
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
    /// Returns true if a client is waiting to be accepted.
    pub(super) fn is_awaited(&self) -> bool {
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut look = [rustix::event::PollFd::new(&self.listener, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut look, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Accepts the next connection of a permitted user, and drops all others.
    ///
    /// # Errors
    /// The error from the kernel, such as that no descriptors are left.
    pub(super) async fn accept(&mut self) -> io::Result<OwnedFd> {
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
                Ok(peer) if may_speak(peer.uid()) => return Ok(stream.into_std()?.into()),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "refused a connection from another user"),
                Err(error) => tracing::warn!(%error, "refused a connection from an unknown user"),
            }
        }
    }
}

fn may_speak(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

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
