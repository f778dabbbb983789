//! The sockets that are opened for a process before it starts.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::digest::Digest;

/// A socket that is opened for a process before its first start, and held open until it is not supervised any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSpec {
    /// Its name in the config, by which the process knows it (`LISTEN_FDNAMES`).
    pub name: Arc<str>,
    /// Where it is bound.
    pub address: SocketAddress,
    /// Whether it takes connections or datagrams.
    pub kind: SocketKind,
    /// The mode of its file; 0666 less the umask of the host if `None`.
    pub mode: Option<u32>,
    /// How many connections may wait; the most that the kernel allows if `None`.
    pub backlog: Option<u32>,
}

impl SocketSpec {
    /// The most sockets of one process.
    pub const SOCKETS_MAX: usize = 8;

    /// Enters all of it into a digest.
    pub(crate) fn enter(&self, digest: &mut Digest) {
        let Self { name, address, kind, mode, backlog } = self;
        digest.text(name);
        match address {
            SocketAddress::Ip(address) => {
                digest.number(0);
                digest.text(&address.to_string());
            }
            SocketAddress::Path(path) => {
                digest.number(1);
                digest.bytes(path.as_os_str().as_encoded_bytes());
            }
        }
        digest.number((*kind == SocketKind::Datagram).into());
        digest.maybe(mode.map(i64::from));
        digest.maybe(backlog.map(i64::from));
    }
}

/// The address of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocketAddress {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Path(PathBuf),
}

/// The kind of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SocketKind {
    /// Connections: TCP, or a Unix stream socket.
    #[default]
    Stream,
    /// Datagrams: UDP, or a Unix datagram socket.
    Datagram,
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Display for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "stream",
            Self::Datagram => "datagram",
        })
    }
}
