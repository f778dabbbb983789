//! Pulling from registries and pushing to them, by the library `oci-client`.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use futures_util::TryStreamExt;
use hyper_util::client::proxy::matcher::Matcher;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{DigestError, OciDistributionError, OciEnvelope, OciError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference as OciReference, RegistryOperation};
use serde::{Deserialize, Serialize};

use super::credentials::{self, Found};
use super::failed::{FetchError, said, unanswered};
use super::http::{self, AGENT, CONNECT, SILENCE, var};
use crate::digest::Digest;
use crate::manifest::{COMPONENT_TYPE, Layer, MANIFEST_BYTES_MAX, SIGNATURE};
use crate::pulled::{Mismatch, Pulled};
use crate::reference::Artifact;
use crate::written::{self, MANIFEST_TYPE};

/// The media types of manifests that are asked for. An index is asked for as well, so that it can be told from nothing.
const ACCEPTED: [&str; 2] = [MANIFEST_TYPE, "application/vnd.oci.image.index.v1+json"];

/// What an error is about.
const MANIFEST: &str = "manifest";
/// What an error is about.
const COMPONENT: &str = "component";
/// What an error is about.
const TOKEN: &str = "token";

/// What an error is about, and the digest that it is to have.
type What<'a> = (&'static str, Option<&'a Digest>);

/// The longest token that is sent, in bytes. Servers refuse longer headers.
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// The tag if there is none.
const LATEST: &str = "latest";

/// An address to which no connection can be made. As the proxy of all that is not encrypted, it keeps the library from
/// following a redirect to such a place, and from sending credentials there.
const NOWHERE: &str = "127.255.255.254:0";

/// The addresses of this machine, for which there is no proxy.
const HERE: &str = "localhost,127.0.0.0/8,::1";

/// What is said about a component where it is pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct About {
    /// Texts by the names of annotations, such as `org.opencontainers.image.title`.
    pub annotations: BTreeMap<String, String>,
    /// The names of what it imports.
    pub imports: Vec<String>,
    /// The names of what it exports.
    pub exports: Vec<String>,
}

/// A registry, and how it is spoken to.
struct Registry<'a> {
    artifact: &'a Artifact,
    client: Client,
    auth: RegistryAuth,
    found: Found,
}

pub(super) async fn pull(artifact: &Artifact) -> Result<Pulled, FetchError> {
    let registry = Registry::of(artifact)?;
    let reference = registry.reference();
    registry.authorize(&reference, RegistryOperation::Pull).await?;
    let asked = registry.client.pull_manifest_raw(&reference, &registry.auth, &ACCEPTED).await;
    let wanted = artifact.digest.as_ref();
    let (manifest, _) = asked.map_err(|error| registry.failed((MANIFEST, wanted), error))?;
    if manifest.len() > MANIFEST_BYTES_MAX {
        return Err(registry.too_large(MANIFEST_BYTES_MAX as u64));
    }
    if let Some(wanted) = &artifact.digest {
        let found = Digest::of(&manifest);
        if found != *wanted {
            return Err(Mismatch::Digest { what: "manifest", found, wanted: wanted.clone() }.into());
        }
    }
    let layer = Layer::read(&manifest)?;
    let component = registry.blob(&reference, &layer).await?;
    Ok(Pulled { manifest: Some(manifest.to_vec()), component, signature: layer.signature })
}

pub(super) async fn push(
    artifact: &Artifact,
    component: &Bytes,
    signature: Option<&str>,
    about: &About,
) -> Result<Digest, FetchError> {
    if artifact.digest.is_some() {
        return Err(FetchError::Digest);
    }
    let registry = Registry::of(artifact)?;
    let reference = registry.reference();
    let failed = |error| registry.failed((COMPONENT, None), error);
    let digest = Digest::of(component);
    let document = Bytes::from(written::document(&digest, &about.imports, &about.exports));
    let mut annotations = about.annotations.clone();
    annotations.extend(signature.map(|text| (SIGNATURE.to_owned(), text.to_owned())));
    let manifest = written::manifest(component, &document, annotations);
    registry.authorize(&reference, RegistryOperation::Push).await?;
    for blob in [component, &document] {
        let digest = Digest::of(blob).to_string();
        if !registry.client.blob_exists(&reference, &digest).await.map_err(failed)? {
            // This copies no bytes.
            registry.client.push_blob(&reference, blob.clone(), &digest).await.map_err(failed)?;
        }
    }
    let media_type = MANIFEST_TYPE.parse().map_err(|_| FetchError::Client("the media type".to_owned()))?;
    let pinned = Digest::of(&manifest);
    registry.client.push_manifest_raw(&reference, manifest, media_type).await.map_err(failed)?;
    registry.confirm(&pinned).await?;
    Ok(pinned)
}

impl<'a> Registry<'a> {
    fn of(artifact: &'a Artifact) -> Result<Self, FetchError> {
        let found = credentials::find(&credentials::files(), &artifact.registry, &artifact.repository)?;
        let auth = match &found.login {
            Some(login) => RegistryAuth::Basic(login.user.clone(), login.password.clone()),
            None => RegistryAuth::Anonymous,
        };
        // The library panics where this one has an error.
        http::client(artifact.is_local())?;
        let client = Client::try_from(config(artifact)?);
        let client = client.map_err(|error| FetchError::Client(error.to_string()))?;
        Ok(Self { artifact, client, auth, found })
    }

    /// Gets a token, if the registry wants one. The library would go on without one if that fails, and panic about one that
    /// cannot be sent.
    async fn authorize(
        &self,
        reference: &OciReference,
        operation: RegistryOperation,
    ) -> Result<(), FetchError> {
        let asked = self.client.auth(reference, &self.auth, operation).await;
        let token = asked.map_err(|error| self.failed((TOKEN, None), error))?.unwrap_or_default();
        let why = match token.len() {
            ..=TOKEN_BYTES_MAX if token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') => {
                return Ok(());
            }
            ..=TOKEN_BYTES_MAX => "its token has characters that no token can have".to_owned(),
            bytes => format!("its token has {bytes} bytes"),
        };
        Err(FetchError::Protocol { host: self.host(), why })
    }

    /// Asks whether the registry has a manifest under its digest, because what it says about a push proves nothing.
    async fn confirm(&self, pinned: &Digest) -> Result<(), FetchError> {
        let Artifact { registry, repository, .. } = self.artifact;
        let reference = OciReference::with_digest(registry.clone(), repository.clone(), pinned.to_string());
        let asked = self.client.pull_manifest_raw(&reference, &self.auth, &ACCEPTED).await;
        match asked.map_err(|error| self.failed((MANIFEST, Some(pinned)), error)) {
            Ok(_) => Ok(()),
            Err(FetchError::NotFound { host }) => {
                let why = "it does not have the manifest that was pushed".to_owned();
                Err(FetchError::Protocol { host, why })
            }
            Err(error) => Err(error),
        }
    }

    fn reference(&self) -> OciReference {
        let Artifact { registry, repository, tag, digest } = self.artifact;
        match digest {
            Some(digest) => {
                OciReference::with_digest(registry.clone(), repository.clone(), digest.to_string())
            }
            None => {
                let tag = tag.as_deref().unwrap_or(LATEST).to_owned();
                OciReference::with_tag(registry.clone(), repository.clone(), tag)
            }
        }
    }

    /// Fetches the component, and no byte more than its manifest says.
    async fn blob(&self, reference: &OciReference, layer: &Layer) -> Result<Vec<u8>, FetchError> {
        let descriptor = OciDescriptor {
            media_type: COMPONENT_TYPE.to_owned(),
            digest: layer.digest.to_string(),
            size: i64::try_from(layer.size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let asked = self.client.pull_blob_stream(reference, &descriptor).await;
        let what = (COMPONENT, Some(&layer.digest));
        let mut stream = asked.map_err(|error| self.failed(what, error))?.stream;
        let mut blob = Vec::new();
        loop {
            let next = stream.try_next().await;
            let Some(chunk) = next.map_err(|error| self.failed(what, error.into()))? else {
                return Ok(blob);
            };
            if (blob.len() + chunk.len()) as u64 > layer.size {
                return Err(self.too_large(layer.size));
            }
            blob.extend_from_slice(&chunk);
        }
    }

    fn host(&self) -> String {
        self.artifact.registry.clone()
    }

    fn too_large(&self, most: u64) -> FetchError {
        FetchError::TooLarge { host: self.host(), most }
    }

    fn denied(&self) -> FetchError {
        let Found { login, helper } = &self.found;
        FetchError::Denied { host: self.host(), has_login: login.is_some(), helper: helper.clone() }
    }

    fn status(&self, code: u16, text: &str) -> FetchError {
        match code {
            401 | 403 => self.denied(),
            404 => FetchError::NotFound { host: self.host() },
            _ => FetchError::Status { host: self.host(), code, said: said(text) },
        }
    }

    /// Translates an error of the library about something that is to have a digest.
    fn failed(&self, what: What<'_>, error: OciDistributionError) -> FetchError {
        let host = self.host();
        match error {
            OciDistributionError::RequestError(error) => self.request_failed(error),
            OciDistributionError::DigestError(error) => self.digest_failed(what, &error),
            OciDistributionError::IoError(error) => self.stream_failed(what, error),
            OciDistributionError::AuthenticationFailure(text) => self.without_token(&text),
            OciDistributionError::RegistryTokenDecodeError(_) => {
                FetchError::Protocol { host, why: "what it sends as a token is none".to_owned() }
            }
            OciDistributionError::UnauthorizedError { .. } => self.denied(),
            OciDistributionError::ServerError { code, message, .. } => self.status(code, &message),
            OciDistributionError::RegistryError { envelope, .. } => match envelope.errors.first() {
                Some(first) => self.refused(first),
                None => FetchError::Protocol {
                    host,
                    why: "it answers with an error that says nothing".to_owned(),
                },
            },
            other => {
                let why = said(&other.to_string());
                FetchError::Protocol { host, why: why.trim_start_matches(": ").to_owned() }
            }
        }
    }

    /// Translates the answer of what is to give a token. Of its status nothing is known.
    fn without_token(&self, text: &str) -> FetchError {
        let described = serde_json::from_str::<OciEnvelope>(text).ok();
        match described.as_ref().and_then(|envelope| envelope.errors.first()) {
            Some(error) if matches!(error.code, OciErrorCode::Unauthorized | OciErrorCode::Denied) => {
                self.denied()
            }
            _ => FetchError::NoToken {
                host: self.host(),
                has_login: self.found.login.is_some(),
                said: said(text),
            },
        }
    }

    /// Translates an error that the registry has described.
    fn refused(&self, error: &OciError) -> FetchError {
        let host = self.host();
        match error.code {
            OciErrorCode::Unauthorized | OciErrorCode::Denied => self.denied(),
            OciErrorCode::ManifestUnknown
            | OciErrorCode::NameUnknown
            | OciErrorCode::NotFound
            | OciErrorCode::BlobUnknown
            | OciErrorCode::ManifestBlobUnknown => FetchError::NotFound { host },
            OciErrorCode::Toomanyrequests => self.status(429, &error.message),
            _ => {
                let why = said(&error.message);
                FetchError::Protocol { host, why: format!("it refuses the request{why}") }
            }
        }
    }

    fn digest_failed(&self, (what, wanted): What<'_>, error: &DigestError) -> FetchError {
        if let DigestError::VerificationError { expected, actual } = error
            && let (Some(named), Some(found)) = (Digest::parse(expected), Digest::parse(actual))
        {
            if Some(&named) == wanted {
                return Mismatch::Digest { what, found, wanted: named }.into();
            }
            let why = format!("its header `Docker-Content-Digest` is {named}, and the {what} has {found}");
            return FetchError::Protocol { host: self.host(), why };
        }
        FetchError::Protocol {
            host: self.host(),
            why: said(&error.to_string()).trim_start_matches(": ").to_owned(),
        }
    }

    /// Translates an error in the middle of a body.
    fn stream_failed(&self, what: What<'_>, error: io::Error) -> FetchError {
        let error = match error.downcast::<reqwest::Error>() {
            Ok(error) => return self.request_failed(error),
            Err(error) => error,
        };
        match error.downcast::<DigestError>() {
            Ok(error) => self.digest_failed(what, &error),
            Err(error) => FetchError::Protocol { host: self.host(), why: error.to_string() },
        }
    }

    fn request_failed(&self, error: reqwest::Error) -> FetchError {
        let host = self.host();
        // The error has the URL that was asked for first, and says only here which address could not be reached.
        if error.is_connect() && format!("{error:?}").contains(NOWHERE) {
            return FetchError::Unencrypted { host };
        }
        match error.status() {
            Some(status) => self.status(status.as_u16(), ""),
            None => unanswered(host, error),
        }
    }
}

fn config(artifact: &Artifact) -> Result<ClientConfig, FetchError> {
    let is_local = artifact.is_local();
    let https_proxy = http::proxy(is_local)?;
    let exempt = var(["NO_PROXY", "no_proxy"]).map(|(_, value)| value).unwrap_or_default();
    Ok(ClientConfig {
        protocol: if is_local { ClientProtocol::Http } else { ClientProtocol::Https },
        platform_resolver: None,
        read_timeout: Some(SILENCE),
        connect_timeout: Some(CONNECT),
        user_agent: AGENT,
        http_proxy: Some(format!("http://{NOWHERE}")),
        https_proxy: https_proxy.filter(|proxy| goes_by(proxy, &exempt, artifact)),
        // The library would exempt what is named here from the proxy of what is not encrypted, too.
        no_proxy: is_local.then(|| HERE.to_owned()),
        ..ClientConfig::default()
    })
}

/// Returns whether a registry is spoken to by way of a proxy, where `exempt` is a list as curl reads `NO_PROXY`. What it redirects
/// to is spoken to in the same way.
fn goes_by(proxy: &str, exempt: &str, artifact: &Artifact) -> bool {
    let rules = Matcher::builder().https(proxy).no(exempt).build();
    format!("https://{}/", artifact.registry).parse().is_ok_and(|place| rules.intercept(&place).is_some())
}

#[cfg(test)]
mod tests {
    use crate::reference::Reference;

    #[test]
    fn a_registry_that_is_exempt_from_the_proxy_is_spoken_to_directly() {
        let goes_by = |registry: &str, exempt: &str| {
            let reference = Reference::parse(&format!("oci://{registry}/judge:1")).unwrap();
            let Reference::Registry(artifact) = reference else { panic!("{reference}") };
            super::goes_by("http://proxy.example:3128", exempt, &artifact)
        };
        assert!(goes_by("ghcr.io", ""));
        assert!(goes_by("ghcr.io", "example.org,10.0.0.0/8"));
        assert!(!goes_by("ghcr.io", "example.org, ghcr.io"));
        assert!(!goes_by("registry.example.org:5000", ".example.org"));
        assert!(!goes_by("10.1.2.3:5000", "10.0.0.0/8"));
        assert!(!goes_by("ghcr.io", "*"));
    }
}
