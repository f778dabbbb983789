//! Certificates and handshakes. The files are looked at when a client connects, so that a renewed certificate is used without a
//! restart; a pair of files that does not fit leaves the former one in use.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use provost_files::FileError;
use provost_supervisor::Jobs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// The longest file of a certificate or a key, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The longest time of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The files are not looked at again for this long after a look.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The files of a certificate, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate with those that sign it, except for the root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Checks that there is a certificate, and that the key is its own.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn check(&self) -> Result<(), TlsError> {
        read(self).map(|_| ())
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file does not hold what it should.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// The state of both files at a look.
type Stamp = [(u64, i64, i64, u64); 2];

/// The certificate that is in use.
#[derive(Debug)]
pub(in crate::server) struct Tls {
    files: CertificateFiles,
    config: ArcSwap<ServerConfig>,
    looked: Mutex<Looked>,
    is_looking: AtomicBool,
}

/// What was found at the last look.
#[derive(Debug)]
struct Looked {
    at: Instant,
    stamp: Option<Stamp>,
}

impl Tls {
    /// Reads the certificate.
    pub(in crate::server) fn open(files: CertificateFiles) -> Result<Self, TlsError> {
        let stamp = stamp(&files);
        let config = ArcSwap::from_pointee(read(&files)?);
        let looked = Mutex::new(Looked { at: Instant::now(), stamp });
        Ok(Self { files, config, looked, is_looking: AtomicBool::new(false) })
    }

    /// Shakes hands with a client. Returns `None` if that fails or takes too long, which concerns only the client. The files are
    /// looked at by a thread of `jobs`.
    pub(in crate::server) async fn accept<S>(self: &Arc<Self>, stream: S, jobs: &Jobs) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.look_if_due(jobs);
        let acceptor = TlsAcceptor::from(self.config.load_full());
        match timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!("a TLS handshake failed: {error}");
                None
            }
            Err(_) => None,
        }
    }

    /// Has the files looked at, unless that was done recently. The client does not wait for the disk.
    fn look_if_due(self: &Arc<Self>, jobs: &Jobs) {
        if self.looked.lock().at.elapsed() < LOOK_EVERY || self.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (tls, jobs) = (self.clone(), jobs.clone());
        tokio::spawn(async move {
            let job = tls.clone();
            // The host is ending if this fails.
            let _ = jobs.reading.run(move || job.look()).await;
            tls.is_looking.store(false, Ordering::Release);
        });
    }

    /// Reads the files if they have changed. Waits for the disk.
    fn look(&self) {
        let stamp = stamp(&self.files);
        let has_changed = {
            let mut looked = self.looked.lock();
            looked.at = Instant::now();
            std::mem::replace(&mut looked.stamp, stamp) != stamp
        };
        if !has_changed {
            return;
        }
        match read(&self.files) {
            Ok(config) => {
                self.config.store(Arc::new(config));
                tracing::info!("the API uses the new certificate in {}", self.files.cert.display());
            }
            Err(error) => tracing::error!("the API goes on with its former certificate: {error}"),
        }
    }
}

fn stamp(files: &CertificateFiles) -> Option<Stamp> {
    let of = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
    };
    Some([of(&files.cert)?, of(&files.key)?])
}

/// Reads and checks a certificate with its key.
fn read(files: &CertificateFiles) -> Result<ServerConfig, TlsError> {
    let bad = |path: &Path, what: String| TlsError::Content { path: path.to_owned(), what };
    let pem = provost_files::read_named(&files.cert, FILE_BYTES_MAX)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain =
        chain.map_err(|error| bad(&files.cert, format!("it is not a certificate in PEM: {error}")))?;
    if chain.is_empty() {
        return Err(bad(
            &files.cert,
            "it has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned(),
        ));
    }
    let pem = provost_files::read_named(&files.key, FILE_BYTES_MAX)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        bad(
            &files.key,
            "it has no private key in PEM without a password (`-----BEGIN PRIVATE KEY-----`)".to_owned(),
        )
    })?;
    let fit = |error: rustls::Error| bad(&files.key, format!("it does not fit the certificate: {error}"));
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(fit)?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(fit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
