//! The file of one token: `NAME.json`, with the mode 0600.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use provost_supervisor::rfc3339;
use serde::{Deserialize, Serialize};

use super::secret::Digest;
use crate::access::Scope;

/// The end of the name of the file of a token.
const SUFFIX: &str = ".json";

/// The longest file of a token, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 10;

/// A token without its secret.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its name.
    pub name: Arc<str>,
    /// What its owner may do.
    pub scope: Scope,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// From when on it is refused, in milliseconds since the Unix epoch; `None` if it never expires.
    pub expires_ms: Option<u64>,
    pub(super) digest: Digest,
}

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    scope: String,
    sha256: String,
    created_at: String,
    #[serde(default)]
    expires_at: Option<String>,
}

/// Why a file is not that of a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    File(#[from] provost_files::FileError),
    #[error("{}: it is not the file of a token: {what}", path.display())]
    Content { path: PathBuf, what: String },
}

/// Returns the file of the token with this name.
pub(super) fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{SUFFIX}"))
}

/// Returns the name of the token whose file has this name; `None` for any other file, such as one that is not complete.
pub(super) fn name_of(file: &str) -> Option<&str> {
    file.strip_suffix(SUFFIX).filter(|name| provost_state::naming::check(name).is_ok())
}

impl Token {
    /// Whether the token has expired at this time.
    #[must_use]
    pub fn has_expired(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|expires| expires <= now_ms)
    }

    /// Returns the content of its file.
    pub(super) fn text(&self) -> String {
        let written = Written {
            scope: self.scope.to_string(),
            sha256: self.digest.to_string(),
            created_at: rfc3339(self.created_ms),
            expires_at: self.expires_ms.map(rfc3339),
        };
        // No field can fail to be JSON.
        serde_json::to_string(&written).unwrap_or_default() + "\n"
    }

    /// Reads the file of a token.
    pub(super) fn read(dir: &Path, name: &str) -> Result<Self, Unreadable> {
        let path = path(dir, name);
        let bytes = provost_files::read_own(&path, FILE_BYTES_MAX)?;
        Self::parse(name, &bytes).map_err(|what| Unreadable::Content { path, what })
    }

    fn parse(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let written: Written = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let time = |text: &str| {
            let time = text.parse::<Timestamp>().map_err(|error| error.to_string())?;
            Ok::<_, String>(u64::try_from(time.as_millisecond()).unwrap_or(0))
        };
        Ok(Self {
            name: name.into(),
            scope: written.scope.parse::<Scope>().map_err(|error| error.to_string())?,
            created_ms: time(&written.created_at)?,
            expires_ms: written.expires_at.as_deref().map(time).transpose()?,
            digest: Digest::parse(&written.sha256).ok_or("`sha256` is not one")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_as_it_was_written() {
        let token = Token {
            name: "ci".into(),
            scope: Scope::Operate,
            created_ms: 1_764_000_000_000,
            expires_ms: Some(1_764_000_000_001),
            digest: Digest::of(b"x"),
        };
        let text = token.text();
        let read = Token::parse("ci", text.as_bytes()).unwrap();
        assert_eq!(read.text(), text);
        assert!(!read.has_expired(1_764_000_000_000) && read.has_expired(1_764_000_000_001));
    }

    #[test]
    fn a_file_with_anything_else_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "EOF"),
            (r#"{"scope":"root","sha256":"","created_at":""}"#, "unknown scope `root`"),
            (r#"{"scope":"read","sha256":"","created_at":"2026-11-26T00:00:00Z"}"#, "sha256"),
            (r#"{"scope":"read","secret":"x"}"#, "secret"),
        ] {
            let told = Token::parse("ci", text.as_bytes()).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn only_complete_files_with_good_names_are_tokens() {
        assert_eq!(name_of("ci.json"), Some("ci"));
        for other in [".ci.json.12-0.new", "ci", ".json", "a b.json", "../x.json"] {
            assert_eq!(name_of(other), None, "{other}");
        }
    }
}
