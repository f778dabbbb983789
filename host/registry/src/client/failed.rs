//! Why nothing was fetched or pushed.

use std::error::Error;
use std::io;
use std::time::Duration;

use tokio_rustls::rustls;

use crate::manifest::ManifestError;
use crate::pulled::Mismatch;

/// The longest text of a server that is repeated, in characters.
const SAID_MAX: usize = 200;

/// Why nothing was fetched or pushed. The text is a whole clause, and has nothing secret in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or one that broke off.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// The host, with its port.
        host: String,
        /// The reason.
        why: String,
    },
    /// The server has a certificate that is not trusted.
    #[error("{host} has a certificate that is not trusted: {why}")]
    Untrusted {
        /// The host, with its port.
        host: String,
        /// The reason.
        why: String,
    },
    /// There was a connection, and no whole answer.
    #[error("{host} answers with what is not HTTP, or breaks off: {why}")]
    Broken {
        /// The host, with its port.
        host: String,
        /// The reason.
        why: String,
    },
    /// The server redirects from one place to the next.
    #[error("{host} redirects too often")]
    Redirects {
        /// The host, with its port.
        host: String,
    },
    /// The variable of this name does not have the address of a proxy.
    #[error("`{0}` is not the address of a proxy")]
    Proxy(&'static str),
    /// What is to give a token gives none.
    #[error("{host} gives no token {}{said}", if *.has_login { "for the credentials that there are" } else { "to those without credentials" })]
    NoToken {
        /// The host.
        host: String,
        /// Whether credentials were sent.
        has_login: bool,
        /// What is said about it, with a colon before it.
        said: String,
    },
    /// The whole took too long.
    #[error("it was not done within {} s", .0.as_secs_f64())]
    TooSlow(Duration),
    /// The server wants credentials, or other ones.
    #[error("{host} denies access{}", if *.has_login { " with the credentials that there are" } else { ": there are no credentials for it" })]
    Denied {
        /// The host.
        host: String,
        /// Whether credentials were sent.
        has_login: bool,
        /// The program that has the credentials.
        helper: Option<String>,
    },
    /// There is no such artifact or file.
    #[error("{host} has no such artifact or file")]
    NotFound {
        /// The host.
        host: String,
    },
    /// The server answered with an error.
    #[error("{host} answers with status {code}{said}")]
    Status {
        /// The host.
        host: String,
        /// The status code of HTTP.
        code: u16,
        /// What it says about it, with a colon before it.
        said: String,
    },
    /// The registry does not speak as registries do.
    #[error("{host} does not answer as a registry does: {why}")]
    Protocol {
        /// The host.
        host: String,
        /// What is wrong.
        why: String,
    },
    /// The server redirects to a place without encryption.
    #[error("{host} redirects to a place without encryption")]
    Unencrypted {
        /// The host.
        host: String,
    },
    /// The server sends more than it may.
    #[error("{host} sends more than {most} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The bound, in bytes.
        most: u64,
    },
    /// What it sends is something else.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// What would be pushed to is not a registry.
    #[error("only a registry can be pushed to")]
    NoRegistry,
    /// The reference to push to has a digest.
    #[error("a push makes the digest, so its target has none")]
    Digest,
    /// A file with credentials cannot be read.
    #[error("the file with credentials `{path}` cannot be read: {why}")]
    Credentials {
        /// The file.
        path: String,
        /// The reason, without anything that the file holds.
        why: String,
    },
    /// An entry with credentials is not understood.
    #[error("the credentials for {registry} in `{path}` are not a user name and a password")]
    Entry {
        /// The registry.
        registry: String,
        /// The file.
        path: String,
    },
    /// The client cannot be started.
    #[error("the client of HTTP cannot be started: {0}")]
    Client(String),
}

impl From<ManifestError> for FetchError {
    fn from(error: ManifestError) -> Self {
        Self::Mismatch(error.into())
    }
}

impl FetchError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { .. } | Self::Status { .. } => {
                "check the name, the network and the proxy (HTTPS_PROXY); then try again".to_owned()
            }
            Self::Untrusted { .. } => {
                "name the root certificate in SSL_CERT_FILE, if you trust it; otherwise check the name and the proxy".to_owned()
            }
            Self::Broken { .. } | Self::Redirects { .. } => {
                "check that there is a registry or a server of files, and no other page before it; then try again".to_owned()
            }
            Self::Proxy(name) => format!("correct `{name}`: http://HOST:PORT"),
            Self::NoToken { host, .. } => format!(
                "check the name, or try again later; `docker login {host}` or `podman login {host}` writes credentials"
            ),
            Self::TooSlow(_) => {
                "check the network, or allow more time with `provost plugin pull --timeout`".to_owned()
            }
            Self::Denied { helper: Some(helper), .. } => format!(
                "the config file of Docker leaves them to `{helper}`, which is not run: `podman login` writes them into a file"
            ),
            Self::Denied { host, .. } => {
                format!("`docker login {host}` or `podman login {host}` writes them; a wrong name may be denied, too")
            }
            Self::NotFound { .. } => {
                "check the name and the digest; what was deleted there has to be pushed again".to_owned()
            }
            Self::Protocol { .. } => "check that this host is a registry".to_owned(),
            Self::Unencrypted { .. } => "name the place itself, by https://".to_owned(),
            Self::TooLarge { .. } => "check that this is a component".to_owned(),
            Self::Mismatch(Mismatch::Digest { .. }) => {
                "do not use it before you know why; `provost plugin pull` without a digest shows the present one"
                    .to_owned()
            }
            Self::Mismatch(_) => "a component is pushed by `provost plugin push`, wkg or oras".to_owned(),
            Self::NoRegistry | Self::Digest => "write oci://REGISTRY/NAME:TAG".to_owned(),
            Self::Credentials { .. } => "correct the file".to_owned(),
            Self::Entry { registry, .. } => {
                format!("`podman login {registry}` writes them; a token of identity (`identitytoken`) is not used")
            }
            Self::Client(_) => {
                "install root certificates (Debian: ca-certificates), or name them in SSL_CERT_FILE".to_owned()
            }
        }
    }

    /// Whether the next try may work.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } => true,
            Self::Status { code, .. } => *code == 429 || *code >= 500,
            // Of its status nothing is known. Credentials are sent once only, because an account may be locked after a few tries.
            Self::NoToken { has_login, .. } => !has_login,
            _ => false,
        }
    }
}

/// Translates an error of the client of HTTP without an answer of `host`.
pub(super) fn unanswered(host: String, error: reqwest::Error) -> FetchError {
    if error.is_redirect() {
        return FetchError::Redirects { host };
    }
    let (is_untrusted, is_there) = (is_untrusted(&error), !error.is_connect() && !error.is_timeout());
    let why = why(error);
    match (is_untrusted, is_there) {
        (true, _) => FetchError::Untrusted { host, why },
        (false, true) => FetchError::Broken { host, why },
        (false, false) => FetchError::Unreachable { host, why },
    }
}

/// Whether a certificate was refused. The error of the encryption is inside errors of streams.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let is_one = |error: &(dyn Error + 'static)| {
        matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
    };
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    is_one(error)
        || inner.is_some_and(|inner| is_untrusted(inner))
        || error.source().is_some_and(is_untrusted)
}

/// Returns the reasons of an error of the client of HTTP, the first one last, without URLs: their queries may be secret.
pub(super) fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reasons = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some repeat their cause.
        if !reasons.iter().any(|reason| reason.contains(&text)) {
            reasons.push(text);
        }
        source = cause.source();
    }
    reasons.join(": ")
}

/// Returns what a server says, as one bounded line after a colon; nothing if it says nothing.
pub(super) fn said(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_MAX).collect();
    let line = line.trim();
    if line.is_empty() || line.starts_with('<') { String::new() } else { format!(": {line}") }
}
