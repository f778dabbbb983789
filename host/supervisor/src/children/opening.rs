//! Opening a socket for processes, and changing one that is open.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use rustix::net::sockopt::{set_socket_reuseaddr, socket_error};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use crate::activation::{SocketAddress, SocketKind, SocketSpec};

/// The queue of a socket whose spec gives none: the kernel takes `net.core.somaxconn` at most.
const BACKLOG: u32 = 4_096;

/// Opens a socket, binds it, and begins to listen.
pub(super) fn opened(spec: &SocketSpec) -> io::Result<OwnedFd> {
    let kind = match spec.kind {
        SocketKind::Stream => SocketType::STREAM,
        SocketKind::Datagram => SocketType::DGRAM,
    };
    let new = |family| socket_with(family, kind, SocketFlags::CLOEXEC, None);
    let socket = match &spec.address {
        SocketAddress::Ip(address) => {
            let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let socket = new(family)?;
            if spec.kind == SocketKind::Stream {
                set_socket_reuseaddr(&socket, true)?;
            }
            bind(&socket, address)?;
            socket
        }
        SocketAddress::Path(path) => {
            let socket = new(AddressFamily::UNIX)?;
            bind_path(&socket, path, kind)?;
            if let Some(mode) = spec.mode {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
            }
            socket
        }
    };
    if spec.kind == SocketKind::Stream {
        listen_at(&socket, spec)?;
    }
    Ok(socket)
}

/// Begins to listen, or sets another backlog if it listens already.
fn listen_at(socket: &OwnedFd, spec: &SocketSpec) -> io::Result<()> {
    Ok(listen(socket, i32::try_from(spec.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX))?)
}

/// Binds a socket to a path. The file of a socket that nobody has open any more is replaced.
fn bind_path(socket: &OwnedFd, path: &Path, kind: SocketType) -> io::Result<()> {
    let address = SocketAddrUnix::new(path)?;
    match bind(socket, &address) {
        Err(rustix::io::Errno::ADDRINUSE) if is_left_over(path, &address, kind) => {
            std::fs::remove_file(path)?;
            bind(socket, &address)?;
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Whether there is a socket at this path that nobody has open.
fn is_left_over(path: &Path, address: &SocketAddrUnix, kind: SocketType) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    is_socket
        && socket_with(AddressFamily::UNIX, kind, flags, None).is_ok_and(|own| {
            let refused = connect(own.as_fd(), address) == Err(rustix::io::Errno::CONNREFUSED);
            refused && matches!(socket_error(&own), Ok(Ok(())))
        })
}

/// Gives an open socket the mode and the backlog of this spec.
pub(super) fn change(fd: &OwnedFd, path: Option<&Path>, socket: &SocketSpec) -> io::Result<()> {
    if let Some(path) = path {
        let mode = socket.mode.map_or_else(mode_of_new, Ok)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    if socket.kind == SocketKind::Stream { listen_at(fd, socket) } else { Ok(()) }
}

/// Returns the mode that the file of a new socket has. (Asking for the umask itself would change it for a moment.)
pub(super) fn mode_of_new() -> io::Result<u32> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    let umask = umask.and_then(|umask| u32::from_str_radix(umask.trim(), 8).ok());
    umask.map(|umask| 0o777 & !umask).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
