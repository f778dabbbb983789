//! Passes on the requests of a plugin that it was granted. All others are denied, logged and counted.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Uri};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::guest::bindings::log::Level;
use crate::limits::grants::{Grants, HttpHost};

use super::sending::{self, Times};
use super::watch::Watch;

/// Passes on the requests that were granted.
pub(super) struct Gate {
    pub(super) grants: Arc<Grants>,
    /// The upper bound on every timeout.
    pub(super) longest: Duration,
    pub(super) watch: Arc<dyn Watch>,
}

/// Returns the host and the port of a request; without a port, the default port of its scheme.
fn destination(uri: &Uri) -> Option<(&str, u16)> {
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("https")) => 443,
        (None, _) => 80,
    };
    Some((uri.host()?, port))
}

impl WasiHttpHooks for Gate {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _written: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<sending::Answer, Error>> + Send> {
        let destination = destination(request.uri());
        let (host, port) = destination.unwrap_or_default();
        let granted = HttpHost::parse(host).ok().and_then(|host| self.grants.reaches(&host, port)).cloned();
        let Some(to) = granted else {
            self.watch.denied(&format!("a request to {host}:{port}: it would need http-out:{host}:{port}"));
            return Box::new(async { Err(Error::HttpRequestDenied) });
        };
        let asked = options.unwrap_or_default();
        let most = |asked: Option<Duration>| asked.unwrap_or(self.longest).min(self.longest);
        let times = Times {
            connect: most(asked.connect_timeout),
            first_byte: most(asked.first_byte_timeout),
            between_bytes: most(asked.between_bytes_timeout),
        };
        let (watch, name) = (self.watch.clone(), format!("{}:{}", to.host, to.port));
        Box::new(sending::send(request, to, times, move |addresses| {
            let addresses = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            watch.denied(&format!(
                "a request to {name}: the name leads to {addresses}, which is not on the public internet: it would need \
                 http-out-private:{name}"
            ));
        }))
    }

    // These functions choose the error code for the plugin; the defaults would log in the host's name.
    fn p2_error_from_connect(&mut self, error: &io::Error) -> ErrorCode {
        self.watch.line(Level::Debug, &format!("no connection: {error}"));
        match error.kind() {
            io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
            _ => ErrorCode::DestinationUnavailable,
        }
    }

    fn p2_error_from_tls(&mut self, error: &io::Error) -> ErrorCode {
        self.watch.line(Level::Debug, &format!("no secure connection: {error}"));
        ErrorCode::TlsProtocolError
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_port_goes_to_that_of_its_scheme() {
        let goes = |uri: &'static str| {
            let uri = Uri::from_static(uri);
            destination(&uri).map(|(host, port)| (host.to_owned(), port))
        };
        assert_eq!(goes("http://a.example/x"), Some(("a.example".to_owned(), 80)));
        assert_eq!(goes("https://a.example/x"), Some(("a.example".to_owned(), 443)));
        assert_eq!(goes("http://[::1]:81/x"), Some(("[::1]".to_owned(), 81)));
        assert_eq!(goes("/x"), None);
    }
}
