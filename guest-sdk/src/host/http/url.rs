//! The URL of a request: its parts, and its type in settings.

use super::message::HttpError;

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination<'a> {
    pub(super) tls: bool,
    pub(super) authority: &'a str,
    pub(super) path: &'a str,
}

impl<'a> Destination<'a> {
    /// Splits a URL without its fragment; `None` if it is not an HTTP URL with a host.
    pub(super) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // What else a URL may not have has to be percent-encoded.
        let fits = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\\^`".contains(&byte));
        (fits && !authority.is_empty()).then_some(Self { tls, authority, path })
    }
}

/// The URL of a request in settings: a wrong one is refused when the settings are read, not at the first request.
///
/// ```
/// use provost_guest::{http::Url, settings};
///
/// let url: Url = settings::parse(r#""http://127.0.0.1:8080/hook""#)?;
/// assert_eq!(url.as_str(), "http://127.0.0.1:8080/hook");
/// assert!(settings::parse::<Url>(r#""127.0.0.1""#).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Returns the URL as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Url {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        match Destination::of(&url) {
            Some(_) => Ok(Self(url)),
            None => Err(serde::de::Error::custom(HttpError::Url(url))),
        }
    }
}
