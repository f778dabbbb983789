//! Connects to the socket of the host, explains why that fails, and describes a host that does not answer.

use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;

/// The time before the first ping of a host that has not answered, and between pings.
pub(super) const SOON: Duration = Duration::from_secs(2);

/// A host that does not answer a ping within this time is silent.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// The longest path of a Unix socket, in bytes: `sun_path` without the final NUL (unix(7)).
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Why the client cannot connect to a socket.
#[derive(Debug, thiserror::Error)]
pub enum Unconnected {
    /// Nothing exists at this path.
    #[error("no host is running: there is no socket {}", .0.display())]
    Missing(PathBuf),
    /// The socket exists, but nobody listens on it.
    #[error("no host is running: nobody listens on the socket {} any more", .0.display())]
    Abandoned(PathBuf),
    /// The file at this path is not a socket of this kind.
    #[error("{} is not the socket of a host", .0.display())]
    NotASocket(PathBuf),
    /// The kernel refuses access.
    #[error("permission denied: this user may not use the socket {}", .0.display())]
    NotAllowed(PathBuf),
    /// The path is too long for a socket.
    #[error(
        "the path of the socket has {bytes} bytes, and the kernel takes at most {SOCKET_PATH_BYTES_MAX}: {}",
        socket.display()
    )]
    TooLong {
        /// The socket.
        socket: PathBuf,
        /// The length of its path.
        bytes: usize,
    },
    /// The queue of connections that wait to be accepted is full.
    #[error("the host on {} accepts no connections: too many are waiting already", .0.display())]
    Crowded(PathBuf),
    /// Anything else.
    #[error("cannot connect to {}: {error}", socket.display())]
    Other {
        /// The socket.
        socket: PathBuf,
        /// The error from the kernel.
        error: io::Error,
    },
}

/// A host that accepts connections but does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.described())]
pub struct Silent {
    /// Its socket.
    pub socket: PathBuf,
    /// Its process id, if the kernel reports it.
    pub pid: Option<i32>,
    /// Whether the kernel reports it as stopped by a signal.
    pub suspended: bool,
}

impl Silent {
    /// Collects what is known of the host behind a socket.
    pub(super) async fn of(socket: &Path) -> Self {
        // Connecting does not need the host to run: the kernel reports the credentials of the caller of `listen`.
        let stream = tokio::time::timeout(SOON, UnixStream::connect(socket)).await;
        let peer = stream.ok().and_then(Result::ok).and_then(|stream| stream.peer_cred().ok());
        // A host in another PID namespace is reported as 0.
        let pid = peer.and_then(|peer| peer.pid()).filter(|pid| *pid > 0);
        Self { socket: socket.to_owned(), pid, suspended: pid.is_some_and(is_suspended) }
    }

    fn described(&self) -> String {
        let host = match self.pid {
            Some(pid) => format!("the host (pid {pid})"),
            None => format!("the host on {}", self.socket.display()),
        };
        match self.suspended {
            true => format!("{host} is suspended: a signal has stopped it"),
            false => format!("{host} has not answered for {} s", (SOON + PATIENCE).as_secs()),
        }
    }
}

/// Whether the kernel reports a process as stopped (`T`, or `t` by a debugger).
fn is_suspended(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name is in parentheses and may contain parentheses.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
}

/// Connects to the host.
pub(super) async fn connect(socket: &Path) -> Result<UnixStream, Unconnected> {
    let bytes = socket.as_os_str().as_bytes().len();
    if bytes > SOCKET_PATH_BYTES_MAX {
        return Err(Unconnected::TooLong { socket: socket.to_owned(), bytes });
    }
    UnixStream::connect(socket).await.map_err(|error| explained(socket, error))
}

fn explained(socket: &Path, error: io::Error) -> Unconnected {
    let path = socket.to_owned();
    match error.kind() {
        ErrorKind::NotFound => Unconnected::Missing(path),
        ErrorKind::PermissionDenied => Unconnected::NotAllowed(path),
        // The kernel gives the same error for a file that is not a socket.
        ErrorKind::ConnectionRefused => {
            match std::fs::metadata(socket).is_ok_and(|there| there.file_type().is_socket()) {
                true => Unconnected::Abandoned(path),
                false => Unconnected::NotASocket(path),
            }
        }
        ErrorKind::WouldBlock => Unconnected::Crowded(path),
        _ if error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error()) => {
            Unconnected::NotASocket(path)
        }
        _ => Unconnected::Other { socket: path, error },
    }
}
