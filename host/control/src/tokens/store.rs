//! Making, listing and revoking tokens, without a running host.

use std::io;
use std::path::{Path, PathBuf};

use provost_files::{Access as FileAccess, FileError};
use provost_state::naming::{self, BadName};

use super::file::{self, Token};
use super::secret::{Digest, Secret};
use crate::access::Scope;

/// The maximum number of tokens of one host.
const TOKENS_MAX: usize = 1_000;

/// Why a token cannot be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot have this name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// Another token has this name.
    #[error("there is a token `{0}` already")]
    NameTaken(String),
    /// There is no token of this name.
    #[error("there is no token `{name}` in {}", dir.display())]
    Unknown {
        /// The name.
        name: String,
        /// The directory of the tokens.
        dir: PathBuf,
    },
    /// There are too many tokens.
    #[error("there are {TOKENS_MAX} tokens in {}, which is the maximum", .0.display())]
    TooMany(PathBuf),
    /// A file or the directory cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The directory cannot be read.
    #[error("cannot read {}: {source}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// The error of the kernel.
        source: io::Error,
    },
    /// It would have expired as soon as it is made.
    #[error("the token would expire as soon as it is made")]
    ExpiresAtOnce,
    /// The kernel has no random numbers.
    #[error("the kernel gives no random numbers")]
    NoRandomness,
}

/// The tokens in one directory.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The tokens that can be read, in the order of their names.
    pub list: Vec<Token>,
    /// Why other files cannot be read.
    pub unreadable: Vec<String>,
}

impl Tokens {
    /// Makes a token in `dir`, and creates the directory if it does not exist. Returns its secret, which is kept nowhere.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn create(
        dir: &Path,
        name: &str,
        scope: Scope,
        now_ms: u64,
        expires_ms: Option<u64>,
    ) -> Result<Secret, TokenError> {
        naming::check(name)?;
        if expires_ms.is_some_and(|expires| expires <= now_ms) {
            return Err(TokenError::ExpiresAtOnce);
        }
        provost_files::own_dir(dir)?;
        let names = names(dir)?;
        if names.len() >= TOKENS_MAX {
            return Err(TokenError::TooMany(dir.to_owned()));
        }
        let secret = Secret::random().ok_or(TokenError::NoRandomness)?;
        let digest = Digest::of(secret.as_str().as_bytes());
        let token = Token { name: name.into(), scope, created_ms: now_ms, expires_ms, digest };
        let written = provost_files::create_new(
            &file::path(dir, name),
            FileAccess::Private,
            &[token.text().as_bytes()],
        );
        match written {
            Err(error) if error.problem.kind() == io::ErrorKind::AlreadyExists => {
                Err(TokenError::NameTaken(name.to_owned()))
            }
            written => Ok(written.map(|()| secret)?),
        }
    }

    /// Reads all tokens in `dir`; a directory that does not exist has none.
    ///
    /// # Errors
    /// [`TokenError`] if the directory cannot be read.
    pub fn read(dir: &Path) -> Result<Self, TokenError> {
        let mut tokens = Self { list: Vec::new(), unreadable: Vec::new() };
        for name in names(dir)? {
            match Token::read(dir, &name) {
                Ok(token) => tokens.list.push(token),
                Err(file::Unreadable::File(error)) if error.is_missing() => {}
                Err(error) => tokens.unreadable.push(error.to_string()),
            }
        }
        Ok(tokens)
    }

    /// Removes the token `name` from `dir`. A running host refuses it within a second.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn revoke(dir: &Path, name: &str) -> Result<(), TokenError> {
        naming::check(name)?;
        std::fs::remove_file(file::path(dir, name)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => TokenError::Unknown { name: name.to_owned(), dir: dir.to_owned() },
            _ => TokenError::Io { dir: dir.to_owned(), source },
        })
    }
}

/// Returns the names of the first [`TOKENS_MAX`] tokens, in order.
fn names(dir: &Path) -> Result<Vec<String>, TokenError> {
    let failed = |source| TokenError::Io { dir: dir.to_owned(), source };
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?.file_name();
        names.extend(entry.to_str().and_then(file::name_of).map(str::to_owned));
        if names.len() >= TOKENS_MAX {
            break;
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_a_private_file_without_its_secret_until_it_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("tokens");
        assert_eq!(Tokens::read(&dir).unwrap().list.len(), 0, "there is no directory yet");
        let secret = Tokens::create(&dir, "ci", Scope::Read, 1_000, None).unwrap();
        let text = std::fs::read_to_string(dir.join("ci.json")).unwrap();
        assert!(!text.contains(secret.as_str()) && !text.contains(&secret.as_str()[4..]), "{text}");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("ci.json"))), (0o700, 0o600));
        let taken = Tokens::create(&dir, "ci", Scope::Admin, 1_000, None).unwrap_err();
        assert_eq!(taken.to_string(), "there is a token `ci` already");
        assert!(matches!(Tokens::create(&dir, "../ci", Scope::Read, 0, None), Err(TokenError::Name(_))));
        let late = Tokens::create(&dir, "late", Scope::Read, 1_000, Some(1_000));
        assert!(matches!(late, Err(TokenError::ExpiresAtOnce)) && !dir.join("late.json").exists());
        assert_eq!(Tokens::read(&dir).unwrap().list[0].scope, Scope::Read);
        Tokens::revoke(&dir, "ci").unwrap();
        assert!(matches!(Tokens::revoke(&dir, "ci"), Err(TokenError::Unknown { .. })));
        assert_eq!(Tokens::read(&dir).unwrap().list.len(), 0);
    }

    #[test]
    fn a_file_that_others_may_write_is_no_token() {
        let dir = tempfile::tempdir().unwrap();
        Tokens::create(dir.path(), "ci", Scope::Read, 0, None).unwrap();
        let file = dir.path().join("ci.json");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        let tokens = Tokens::read(dir.path()).unwrap();
        assert_eq!(tokens.list.len(), 0);
        assert!(tokens.unreadable[0].contains("other users may write it"), "{:?}", tokens.unreadable);
    }
}
