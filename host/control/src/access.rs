//! Who sends a request: what its sender may do, and the name of the token that says so.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::Method;

/// What a caller may do. Each scope contains the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// It may read everything.
    Read,
    /// It may also start, stop, restart, signal and scale processes, and clear their logs.
    Operate,
    /// It may also change the config, plugins and the state core, and end the host.
    Admin,
}

impl Scope {
    /// All scopes, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// Returns the scope that a request needs.
    pub(crate) fn needed(method: &Method, path: &str) -> Self {
        let operates = path.starts_with("/v1/processes/") || path == "/v1/scale" || path == "/v1/logs";
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::POST | Method::DELETE if operates => Self::Operate,
            _ => Self::Admin,
        }
    }

    /// Returns the word for the scope.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope `{0}` (expected `read`, `operate` or `admin`)")]
pub struct NoSuchScope(String);

impl FromStr for Scope {
    type Err = NoSuchScope;

    fn from_str(word: &str) -> Result<Self, NoSuchScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| NoSuchScope(word.to_owned()))
    }
}

/// What the sender of a request may do. The listener adds it to the request as an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its scope.
    pub scope: Scope,
    /// The name of its token; `None` on the Unix socket.
    pub token: Option<Arc<str>>,
}

impl Access {
    /// The access of the users who may connect to the Unix socket: everything.
    pub const OWNER: Self = Self { scope: Scope::Admin, token: None };
}
