//! Sends a request of a plugin. The name of its host is looked up once, and a connection is made only to addresses that
//! its grant allows for the name. So a name server cannot direct a plugin to this machine or to a network around it,
//! neither at first nor with a later answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::limits::grants::{Destination, HttpHost};

/// The result of a hook of wasi-http: the response, and a future that drives the rest of the connection.
pub(super) type Answer = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

/// The timeouts for the steps of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Until the connection is established, including the look-up and TLS.
    pub(super) connect: Duration,
    /// From then until the head of the response has arrived.
    pub(super) first_byte: Duration,
    /// Between two parts of the body.
    pub(super) between_bytes: Duration,
}

/// Why there is no connection.
enum NotConnected {
    /// The name resolves only to these addresses, none of which is granted.
    Denied(Vec<IpAddr>),
    Failed(Error),
}

impl From<io::Error> for NotConnected {
    fn from(error: io::Error) -> Self {
        Self::Failed(Error::Connect(error))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
});

/// Sends `request` to `to`, which has been granted. `denied` is called with the addresses if none of them may be
/// connected to.
pub(super) async fn send(
    mut request: Request<WasiBody>,
    to: Destination,
    times: Times,
    denied: impl FnOnce(&[IpAddr]),
) -> Result<Answer, Error> {
    let secure = request.uri().scheme() == Some(&Scheme::HTTPS);
    let connected = timeout(times.connect, connect(&to, secure)).await;
    let stream = match connected.map_err(|_| Error::ConnectionTimeout)? {
        Ok(stream) => stream,
        Err(NotConnected::Failed(error)) => return Err(error),
        Err(NotConnected::Denied(addresses)) => {
            denied(&addresses);
            return Err(Error::DestinationIpProhibited);
        }
    };
    // The request line to a server contains neither the scheme nor the host.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driven = spawn(connection);
    let response = timeout(times.first_byte, sender.send_request(request)).await;
    let response = response.map_err(|_| Error::ConnectionReadTimeout)??;
    let response = response.map(|body| Timed::new(body, times.between_bytes).boxed_unsync());
    let rest = async move { Ok(driven.await?) };
    Ok((response, Box::new(rest)))
}

async fn connect(to: &Destination, secure: bool) -> Result<Box<dyn Stream>, NotConnected> {
    let stream = TcpStream::connect(&*addresses(to).await?).await?;
    if !secure {
        return Ok(Box::new(stream));
    }
    let name = match &to.host {
        HttpHost::Address(address) => ServerName::from(*address),
        HttpHost::Name(name) => ServerName::try_from(name.clone())
            .map_err(|error| NotConnected::Failed(Error::InvalidDnsNameError(error)))?,
    };
    let connected = TlsConnector::from(TLS.clone()).connect(name, stream).await;
    Ok(Box::new(connected.map_err(|error| NotConnected::Failed(Error::Tls(error)))?))
}

/// Returns the addresses to connect to: those of the host that the grant covers, in the order of the resolver.
async fn addresses(to: &Destination) -> Result<Vec<SocketAddr>, NotConnected> {
    let found: Vec<SocketAddr> = match &to.host {
        HttpHost::Address(address) => vec![SocketAddr::new(*address, to.port)],
        HttpHost::Name(name) => looked_up(name, to.port).await?,
    };
    let (granted, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| Destination::leads_to(&to.host, to.scope, address.ip()));
    match granted.is_empty() && !others.is_empty() {
        true => Err(NotConnected::Denied(others.iter().map(SocketAddr::ip).collect())),
        false => Ok(granted),
    }
}

async fn looked_up(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    fail::fail_point!("plugin-outside.lookup", |address| {
        let address = address.and_then(|address| address.parse().ok());
        address.map(|address| vec![SocketAddr::new(address, port)]).ok_or(io::ErrorKind::NotFound.into())
    });
    Ok(lookup_host((name, port)).await?.collect())
}

/// A body whose parts each must arrive within a timeout.
struct Timed {
    body: Incoming,
    between: Duration,
    late: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(body: Incoming, between: Duration) -> Self {
        Self { body, between, late: Box::pin(sleep(between)) }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            ready!(self.late.as_mut().poll(cx));
            return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
        };
        let next = Instant::now() + self.between;
        self.late.as_mut().reset(next);
        Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
