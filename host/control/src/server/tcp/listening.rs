//! The listening sockets of the API over TCP.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use super::tls::{CertificateFiles, Tls, TlsError};
use crate::tokens::{Keyring, TokenError};

/// A connection on which nothing was sent for this long is probed, to see whether the client is still there.
const PROBE_AFTER: Duration = Duration::from_secs(60);

/// The pause between two probes.
const PROBE_EVERY: Duration = Duration::from_secs(15);

/// How many probes may be unanswered.
const PROBES: u32 = 4;

/// What the config says about listening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpWanted {
    /// The addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The certificate; `None` without TLS.
    pub tls: Option<CertificateFiles>,
    /// The directory of the tokens.
    pub tokens: PathBuf,
}

/// Why the API cannot be served over TCP.
#[derive(Debug, thiserror::Error)]
pub enum TcpError {
    /// The kernel refused to listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the kernel.
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("cannot use TLS: {0}")]
    Tls(#[from] TlsError),
    /// The tokens cannot be read.
    #[error("cannot use the tokens: {0}")]
    Tokens(#[from] TokenError),
}

/// The sockets on which the host listens, with everything that their connections need.
#[derive(Debug)]
pub struct TcpListening {
    pub(in crate::server) sockets: Vec<Accepting>,
    pub(in crate::server) tls: Option<Arc<Tls>>,
    pub(in crate::server) keyring: Arc<Keyring>,
    /// The runtime that serves the connections.
    pub(in crate::server) runtime: Handle,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Peer {
    /// The address of the client.
    pub(in crate::server) remote: IpAddr,
    /// The address that it has connected to.
    pub(in crate::server) local: IpAddr,
}

/// One listening socket.
#[derive(Debug)]
pub(in crate::server) struct Accepting {
    listener: TcpListener,
    address: SocketAddr,
}

impl TcpListening {
    /// Listens as the config says. It has to be called within the runtime that is to serve the connections. That may be another one
    /// than that of the Unix socket, which then never waits for answers over TCP.
    ///
    /// # Errors
    /// [`TcpError`].
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn bind(wanted: &TcpWanted) -> Result<Self, TcpError> {
        let tls = match &wanted.tls {
            Some(files) => Some(Arc::new(Tls::open(files.clone())?)),
            None => None,
        };
        let keyring = Arc::new(Keyring::open(&wanted.tokens)?);
        let sockets = wanted.listen.iter().map(|address| {
            Accepting::bind(*address).map_err(|source| TcpError::Listen { address: *address, source })
        });
        let sockets = sockets.collect::<Result<_, _>>()?;
        Ok(Self { sockets, tls, keyring, runtime: Handle::current() })
    }

    /// Returns the addresses on which the host listens, as URLs.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.sockets.iter().map(|socket| format!("{}://{}", self.scheme(), socket.address)).collect()
    }

    pub(in crate::server) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// Has the kernel probe a connection on which nothing is sent, so that a client whose machine is gone does not hold it for ever.
fn notice_loss(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_tcp_keepidle(stream, PROBE_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, PROBE_EVERY)?;
    sockopt::set_tcp_keepcnt(stream, PROBES)?;
    Ok(sockopt::set_socket_keepalive(stream, true)?)
}

impl Accepting {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener: TcpListener::from_std(listener)?, address })
    }

    /// Accepts the next connection. Answers are sent at once, and not held back until more can be sent with them.
    pub(in crate::server) async fn accept(&self) -> io::Result<(OwnedFd, Peer)> {
        let (stream, remote) = self.listener.accept().await?;
        // A client that is gone already is noticed by the first read.
        let _ = stream.set_nodelay(true);
        let _ = notice_loss(&stream);
        let local = stream.local_addr().map_or(self.address.ip(), |local| local.ip());
        Ok((stream.into_std()?.into(), Peer { remote: remote.ip(), local }))
    }
}
