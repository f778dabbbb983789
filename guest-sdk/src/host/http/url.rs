//! The URL of a request, taken apart, and as a setting.

use super::message::HttpError;

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination<'a> {
    pub(super) tls: bool,
    pub(super) authority: &'a str,
    pub(super) path: &'a str,
}

impl<'a> Destination<'a> {
    pub(super) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        (!authority.is_empty()).then_some(Self { tls, authority, path })
    }
}

/// The URL of a request as a setting: refused when the settings are read, not when it is too late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// As it was written.
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
