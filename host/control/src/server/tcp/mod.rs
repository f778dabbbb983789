//! The API over TCP: the listener, TLS, and the checks that a request has to pass before it reaches the routes. The Unix socket has
//! none of these, because only the host's own user and root can connect to it.
//!
//! | room | owns |
//! |---|---|
//! | `gate` | the checks of each request, in their order |
//! | `leased` | answers that end with the token of their request |
//! | `credential` | the token of a request, and what its owner may do |
//! | `cors` | which pages of other servers may read answers |
//! | `hosts` | for which names the host answers |
//! | `rate` | how many requests one caller may send |
//! | `listening` | the listening sockets |
//! | `tls` | certificates and handshakes |

mod cors;
mod credential;
mod gate;
mod hosts;
mod leased;
mod listening;
mod rate;
mod tls;

pub(super) use gate::Gate;
pub(super) use listening::{Accepting, Peer};
pub use listening::{TcpError, TcpListening, TcpWanted};
pub(super) use tls::Tls;
pub use tls::{CertificateFiles, TlsError};
