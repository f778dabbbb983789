//! References to components elsewhere: `oci://REGISTRY/NAME@sha256:DIGEST` and `https://HOST/PATH#sha256=DIGEST`.
//!
//! A reference in a config is *pinned*: it has a digest, so that it always means the same bytes. A tag, or a URL alone, is
//! only accepted where a person asks for the digest.

use std::fmt;
use std::net::IpAddr;

use crate::digest::Digest;

/// What a reference to a registry begins with.
const OCI: &str = "oci://";
/// What a URL begins with.
const HTTPS: &str = "https://";
/// What a URL begins with that is not encrypted.
const HTTP: &str = "http://";

/// What stands before the digest of a URL.
const URL_DIGEST: &str = "sha256=";

/// The longest reference that is accepted, in bytes.
const BYTES_MAX: usize = 2048;

/// Whether this text is meant as a reference to a component elsewhere, and not as a path.
fn is_remote(text: &str) -> bool {
    [OCI, HTTPS, HTTP].iter().any(|scheme| text.starts_with(scheme))
}

/// Where a component is, outside of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// An artifact in a registry.
    Registry(Artifact),
    /// A file on a server.
    Url(Url),
}

/// An artifact in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The registry: a host, with a port if it is not the usual one.
    pub registry: String,
    /// The name of the repository.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest of the manifest.
    pub digest: Option<Digest>,
}

/// A file on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The URL, without the digest.
    pub url: String,
    /// The digest of the file.
    pub digest: Option<Digest>,
}

/// Why a text is not a reference. Nothing that may be a password is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadReference {
    /// It is too long.
    #[error("the reference has {0} bytes, more than {BYTES_MAX}")]
    TooLong(usize),
    /// It has a character that no reference has.
    #[error("the reference has a space or a control character in it")]
    Character,
    /// It contains a user name or a password.
    #[error("the reference contains a user name or a password, which everybody could read")]
    Credentials,
    /// There is no registry or no name in it.
    #[error("`{0}` names no registry and repository")]
    NoRepository(String),
    /// The name of the registry is not one.
    #[error("`{0}` is not a registry")]
    Registry(String),
    /// The name of the repository is not allowed.
    #[error("`{0}` is not the name of a repository")]
    Repository(String),
    /// The tag is not allowed.
    #[error("`{0}` is not a tag")]
    Tag(String),
    /// The URL has no host.
    #[error("`{0}` names no host")]
    NoHost(String),
    /// The URL is not encrypted.
    #[error("`{0}` would be fetched without encryption")]
    Unencrypted(String),
    /// The digest is not one.
    #[error("`{0}` is not a digest")]
    Digest(String),
    /// There is no digest.
    #[error("`{0}` has no digest, and what it means can change at any time")]
    Unpinned(Box<Reference>),
    /// It is a path, or something else.
    #[error("`{0}` is not a reference to a registry or a server")]
    Other(String),
}

impl BadReference {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unpinned(reference) => {
                format!("`provost plugin pull {reference}` fetches it and prints the line with its digest")
            }
            Self::Credentials => {
                "leave them out; those of registries come from the config file of Docker or Podman".to_owned()
            }
            Self::Unencrypted(_) => {
                "write https://; only a server on this machine may be named by http://".to_owned()
            }
            Self::Digest(_) => {
                "write sha256: (after @) or sha256= (after #) and 64 hexadecimal digits".to_owned()
            }
            Self::Repository(_) | Self::Tag(_) => {
                "a name has lower-case letters, digits and `.`, `_`, `-`, `/`; a tag has at most 128 letters, digits, `.`, `_`, `-`".to_owned()
            }
            _ => "write oci://REGISTRY/NAME@sha256:DIGEST or https://HOST/PATH#sha256=DIGEST".to_owned(),
        }
    }
}

impl Reference {
    /// Parses a reference, with or without a digest.
    ///
    /// # Errors
    /// [`BadReference`].
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        if text.len() > BYTES_MAX {
            return Err(BadReference::TooLong(text.len()));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(BadReference::Character);
        }
        if let Some(rest) = text.strip_prefix(OCI) {
            return Artifact::parse(text, rest).map(Self::Registry);
        }
        if is_remote(text) {
            return Url::parse(text).map(Self::Url);
        }
        Err(BadReference::Other(text.to_owned()))
    }

    /// Parses a reference that has to have a digest.
    ///
    /// # Errors
    /// [`BadReference`].
    pub fn pinned(text: &str) -> Result<Self, BadReference> {
        let reference = Self::parse(text)?;
        match reference.digest() {
            Some(_) => Ok(reference),
            None => Err(BadReference::Unpinned(Box::new(reference))),
        }
    }

    /// Returns its digest, if it has one: that of the manifest in a registry, or that of the file.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Registry(artifact) => artifact.digest.as_ref(),
            Self::Url(url) => url.digest.as_ref(),
        }
    }

    /// Returns the same reference with this digest, and without a tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        match self {
            Self::Registry(artifact) => {
                Self::Registry(Artifact { tag: None, digest: Some(digest), ..artifact.clone() })
            }
            Self::Url(url) => Self::Url(Url { digest: Some(digest), ..url.clone() }),
        }
    }
}

impl Artifact {
    fn parse(text: &str, rest: &str) -> Result<Self, BadReference> {
        let (name, digest) = match rest.split_once('@') {
            Some((name, digest)) if !digest.contains(['@', '/']) => (name, Some(digest)),
            Some(_) => return Err(BadReference::Credentials),
            None => (rest, None),
        };
        let no_repository = || BadReference::NoRepository(text.to_owned());
        let (registry, name) = name.split_once('/').ok_or_else(no_repository)?;
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (name, None),
        };
        if registry.is_empty() || repository.is_empty() {
            return Err(no_repository());
        }
        if !is_authority(registry) {
            return Err(BadReference::Registry(registry.to_owned()));
        }
        if !repository.split('/').all(is_step) {
            return Err(BadReference::Repository(repository.to_owned()));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(BadReference::Tag(tag.to_owned()));
        }
        let digest = digest
            .map(|digest| Digest::parse(digest).ok_or_else(|| BadReference::Digest(digest.to_owned())))
            .transpose()?;
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// Whether the registry is on this machine, so that it is spoken to without encryption.
    #[must_use]
    pub fn is_local(&self) -> bool {
        is_loopback(&self.registry)
    }
}

impl Url {
    fn parse(text: &str) -> Result<Self, BadReference> {
        let (url, fragment) = match text.split_once('#') {
            Some((url, fragment)) => (url, Some(fragment)),
            None => (text, None),
        };
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(BadReference::Credentials);
        }
        if authority.is_empty() || !is_authority(authority) {
            return Err(BadReference::NoHost(url.to_owned()));
        }
        if url.starts_with(HTTP) && !is_loopback(authority) {
            return Err(BadReference::Unencrypted(url.to_owned()));
        }
        let digest = fragment
            .map(|fragment| {
                let digits = fragment.strip_prefix(URL_DIGEST).and_then(Digest::from_digits);
                digits.ok_or_else(|| BadReference::Digest(fragment.to_owned()))
            })
            .transpose()?;
        Ok(Self { url: url.to_owned(), digest })
    }
}

/// Whether this can be a host, with or without a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<IpAddr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Whether a host, with or without a port, is this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether this can be one step of the name of a repository.
fn is_step(step: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (first, last) = (step.bytes().next(), step.bytes().next_back());
    first.is_some_and(is_inner)
        && last.is_some_and(is_inner)
        && step.bytes().all(|byte| is_inner(byte) || b"._-".contains(&byte))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || b".-".contains(&byte))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(Artifact { registry, repository, tag, digest }) => {
                write!(f, "{OCI}{registry}/{repository}")?;
                if let Some(tag) = tag {
                    write!(f, ":{tag}")?;
                }
                digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
            }
            Self::Url(Url { url, digest }) => {
                f.write_str(url)?;
                digest.as_ref().map_or(Ok(()), |digest| write!(f, "#{URL_DIGEST}{}", digest.digits()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> String {
        Digest::of(b"").digits().to_owned()
    }

    #[test]
    fn a_reference_is_shown_as_it_was_written() {
        let digits = digits();
        for text in [
            format!("oci://ghcr.io/team/judge@sha256:{digits}"),
            format!("oci://localhost:5000/judge:1.2@sha256:{digits}"),
            format!("oci://[::1]:5000/a/b-c/d_e@sha256:{digits}"),
            format!("https://example.org/judge.wasm?x=1#sha256={digits}"),
            format!("http://127.0.0.1:8080/judge.wasm#sha256={digits}"),
        ] {
            let reference = Reference::pinned(&text).unwrap();
            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.digest(), Some(&Digest::of(b"")));
            assert!(is_remote(&text));
        }
        assert!(!is_remote("plugins/judge.wasm") && !is_remote("bundled:backoff"));
    }

    #[test]
    fn a_tag_alone_is_no_digest_and_the_message_names_the_command_that_finds_it() {
        for text in ["oci://ghcr.io/team/judge:1.2", "https://example.org/judge.wasm"] {
            let error = Reference::pinned(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{text}` has no digest, and what it means can change at any time")
            );
            assert_eq!(
                error.hint(),
                format!("`provost plugin pull {text}` fetches it and prints the line with its digest")
            );
        }
        let tagged = Reference::parse("oci://ghcr.io/team/judge:1.2").unwrap();
        let pinned = tagged.with_digest(Digest::of(b"")).to_string();
        assert_eq!(pinned, format!("oci://ghcr.io/team/judge@sha256:{}", digits()));
    }

    #[test]
    fn what_is_no_reference_is_refused_with_the_part_that_is_wrong() {
        let refused = |text: &str| Reference::parse(text).unwrap_err();
        assert_eq!(refused("oci://ghcr.io"), BadReference::NoRepository("oci://ghcr.io".to_owned()));
        assert_eq!(refused("oci:///judge"), BadReference::NoRepository("oci:///judge".to_owned()));
        assert_eq!(refused("oci://gh cr/x"), BadReference::Character);
        assert_eq!(refused("oci://r:0/x"), BadReference::Registry("r:0".to_owned()));
        assert_eq!(refused("oci://r/Upper"), BadReference::Repository("Upper".to_owned()));
        assert_eq!(refused("oci://r/a/../b"), BadReference::Repository("a/../b".to_owned()));
        assert_eq!(refused("oci://r/x:-"), BadReference::Tag("-".to_owned()));
        assert_eq!(refused("oci://r/x@sha512:00"), BadReference::Digest("sha512:00".to_owned()));
        assert_eq!(refused("https://"), BadReference::NoHost("https://".to_owned()));
        assert_eq!(refused("https://h/x#md5=0"), BadReference::Digest("md5=0".to_owned()));
        assert_eq!(
            refused("http://example.org/x"),
            BadReference::Unencrypted("http://example.org/x".to_owned())
        );
        assert_eq!(refused("judge.wasm"), BadReference::Other("judge.wasm".to_owned()));
        let long = format!("https://h/{}", "x".repeat(BYTES_MAX));
        assert_eq!(refused(&long), BadReference::TooLong(long.len()));
    }

    #[test]
    fn a_password_in_a_reference_is_refused_and_not_repeated() {
        for text in ["https://me:secret@h/x", "oci://me:secret@h/x", "oci://me:secret@h/x@sha256:00"] {
            let error = Reference::parse(text).unwrap_err();
            assert_eq!(error, BadReference::Credentials);
            assert!(!format!("{error} {}", error.hint()).contains("secret"));
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_encryption() {
        for local in ["localhost", "localhost:5000", "127.0.0.1:1", "127.1.2.3", "[::1]:5000", "[::1]"] {
            assert!(is_loopback(local), "{local}");
        }
        for other in ["localhost.example.org", "10.0.0.1:5000", "[fe80::1]:5000", "ghcr.io", "0.0.0.0"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
