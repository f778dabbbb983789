//! The client of HTTP: which encryption it uses, whom it trusts, and how long it waits. The root certificates are those of
//! the machine, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.

use std::time::Duration;

use reqwest::redirect::Policy;
use tokio_rustls::rustls::crypto::ring;

use super::failed::{FetchError, why};
use crate::reference::is_loopback;

/// How long a connection may take to be made.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may send nothing.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// The most redirects that are followed.
const REDIRECTS_MAX: usize = 5;

/// How this program calls itself.
pub(super) const AGENT: &str = concat!("provost/", env!("CARGO_PKG_VERSION"));

/// Makes ring the provider of cryptography of this process: the libraries for HTTP bring none.
pub(super) fn install() {
    // If there is one already, that is used.
    let _ = ring::default_provider().install_default();
}

/// Returns the first of these variables that is not empty, with its name.
pub(super) fn var(names: [&'static str; 2]) -> Option<(&'static str, String)> {
    let full = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    names.into_iter().find_map(|name| Some((name, full(name)?)))
}

/// Returns the proxy for what is encrypted. What is on this machine needs none.
///
/// # Errors
/// [`FetchError::Proxy`] if it is not an address of one. Nothing is spoken to past a proxy that someone has meant.
pub(super) fn proxy(is_local: bool) -> Result<Option<String>, FetchError> {
    let Some((name, proxy)) = var(["HTTPS_PROXY", "https_proxy"]).filter(|_| !is_local) else {
        return Ok(None);
    };
    match reqwest::Proxy::https(&proxy) {
        Ok(_) => Ok(Some(proxy)),
        Err(_) => Err(FetchError::Proxy(name)),
    }
}

/// Creates a client. It follows redirects to encrypted places, and to this machine if it was asked for a place there.
pub(super) fn client(is_local: bool) -> Result<reqwest::Client, FetchError> {
    proxy(is_local)?;
    let policy = Policy::custom(move |attempt| {
        let url = attempt.url();
        let is_here = is_local && url.host_str().is_some_and(is_loopback);
        if url.scheme() != "https" && !is_here {
            return attempt.error(Downgrade);
        }
        if attempt.previous().len() > REDIRECTS_MAX { attempt.error(TooMany) } else { attempt.follow() }
    });
    let builder = reqwest::Client::builder().user_agent(AGENT).connect_timeout(CONNECT).read_timeout(SILENCE);
    builder.redirect(policy).build().map_err(|error| FetchError::Client(why(error)))
}

/// A redirect to a place without encryption.
#[derive(Debug, thiserror::Error)]
#[error("it leads to a place without encryption")]
pub(super) struct Downgrade;

/// Too many redirects.
#[derive(Debug, thiserror::Error)]
#[error("there are more than {REDIRECTS_MAX} redirects")]
struct TooMany;
