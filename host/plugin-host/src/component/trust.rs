//! Decides whose components are admitted: signatures in the format of minisign, beside the component as
//! `NAME.wasm.minisig`.
//!
//! If the config has keys, an existing signature must be valid: one that does not match its component means that
//! somebody has changed one of the two. `require_signature` decides whether there must be a signature at all. Bundled
//! components are a part of this program and need none.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minisign::{PublicKey, PublicKeyBox, SignatureBox};
use provost_files::FileError;

use super::digest::hex;
use super::source::Source;

/// The extension of a signature file beside its component.
const SIGNATURE_ENDING: &str = "minisig";

/// An upper bound on the size of a key or a signature of minisign, in bytes.
const TEXT_BYTES_MAX: u64 = 64 << 10;

/// The signer of bundled components.
const THIS_HOST: &str = "this host";

/// A problem with a key or a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// The path does not end in a file name.
    #[error("`{}` is not a name for a pair of keys: give one such as `ops`, which makes `ops.key` and `ops.pub`", .0.display())]
    NoFileName(PathBuf),
    /// The file exists already, and keys are not replaced.
    #[error("`{}` already exists, and keys are never overwritten: name another file", .0.display())]
    KeyExists(PathBuf),
    /// The file holds no key of this kind.
    #[error("`{}` is not a minisign {kind} key: {why}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// `public` or `secret`.
        kind: &'static str,
        /// The reason that minisign gives.
        why: String,
    },
    /// The secret key is encrypted and there is no password.
    #[error("the key in `{}` has a password: set it in PROVOST_KEY_PASSWORD", .0.display())]
    PasswordWanted(PathBuf),
    /// The password is wrong.
    #[error("the password in PROVOST_KEY_PASSWORD does not open the key in `{}`: {why}", path.display())]
    WrongPassword {
        /// The file.
        path: PathBuf,
        /// The reason that minisign gives.
        why: String,
    },
    /// There is no signature where the component was fetched from.
    #[error(
        "`{0}` is not signed: push it with its signature, or put that beside it on the server; then `provost plugin pull` \
         fetches both"
    )]
    FetchedUnsigned(String),
    /// There is no signature.
    #[error("`{component}` is not signed: there is no `{}`; `provost plugin sign` makes one", signature.display())]
    Unsigned {
        /// The component.
        component: String,
        /// The path where its signature would be.
        signature: PathBuf,
    },
    /// The file beside the component is not a signature.
    #[error("`{}` is not a minisign signature: {why}", signature.display())]
    NoSignature {
        /// The file.
        signature: PathBuf,
        /// The reason that minisign gives.
        why: String,
    },
    /// The signature was made with a key that is not trusted.
    #[error("`{component}` is signed with the key {key}, which is not one of the trusted keys ({trusted})")]
    UnknownKey {
        /// The component.
        component: String,
        /// The number of the key, in hex.
        key: String,
        /// The names of the trusted keys.
        trusted: String,
    },
    /// The signature was made with a trusted key, but not for this component.
    #[error("`{component}` is not what {signer} has signed: it, or its signature, was changed")]
    Altered {
        /// The component.
        component: String,
        /// The name of the key.
        signer: Arc<str>,
    },
    /// minisign reported an unexpected error.
    #[error("minisign: {0}")]
    Minisign(String),
}

impl From<FileError> for TrustError {
    fn from(error: FileError) -> Self {
        Self::File { path: error.path.clone(), source: error.into() }
    }
}

impl TrustError {
    /// Returns the same error about a component from elsewhere, whose file in the cache means nothing to people.
    fn about(self, source: &Source) -> Self {
        let Source::Remote(reference) = source else { return self };
        match self {
            Self::Unsigned { .. } => Self::FetchedUnsigned(reference.clone()),
            Self::UnknownKey { key, trusted, .. } => {
                Self::UnknownKey { component: reference.clone(), key, trusted }
            }
            Self::Altered { signer, .. } => Self::Altered { component: reference.clone(), signer },
            other => other,
        }
    }
}

/// A public key whose signatures are trusted.
#[derive(Clone, Debug)]
struct TrustedKey {
    /// The name of its file, without the extension.
    name: Arc<str>,
    key: PublicKey,
}

/// Decides whose components are admitted: by default, everybody's.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    require_signature: bool,
    keys: Vec<TrustedKey>,
}

impl Trust {
    /// Trusts the keys in these files; with `require_signature` no other components are admitted.
    ///
    /// # Errors
    /// [`TrustError`] if a file holds no public key.
    pub fn of(require_signature: bool, files: &[PathBuf]) -> Result<Self, TrustError> {
        let keys = files.iter().map(|file| TrustedKey::read(file)).collect::<Result<_, _>>()?;
        Ok(Self { require_signature, keys })
    }

    /// Returns the name of the key that signed a component, if a trusted one did. The component was read from the file at
    /// `path`, unless it is bundled.
    ///
    /// # Errors
    /// [`TrustError`] if the component must not be admitted.
    pub(crate) fn check(
        &self,
        source: &Source,
        path: Option<&Path>,
        bytes: &[u8],
    ) -> Result<Option<Arc<str>>, TrustError> {
        let Some(path) = path else { return Ok(Some(THIS_HOST.into())) };
        match self.signer(path, bytes).map_err(|error| error.about(source)) {
            Ok(signer) => Ok(Some(signer)),
            // Without keys in the config and without `require_signature`, signatures are ignored.
            Err(_) if self.keys.is_empty() && !self.require_signature => Ok(None),
            Err(
                TrustError::Unsigned { .. } | TrustError::FetchedUnsigned(_) | TrustError::UnknownKey { .. },
            ) if !self.require_signature => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the name of the trusted key that signed the component at `path`.
    pub(super) fn signer(&self, path: &Path, bytes: &[u8]) -> Result<Arc<str>, TrustError> {
        let component = || path.display().to_string();
        let signature = signature_of(path);
        let text = match read(&signature) {
            Err(TrustError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(TrustError::Unsigned { component: component(), signature });
            }
            text => text?,
        };
        let found = SignatureBox::from_string(&text)
            .map_err(|error| TrustError::NoSignature { signature, why: error.to_string() })?;
        let trusted =
            self.keys.iter().find(|trusted| trusted.key.keynum() == found.keynum()).ok_or_else(|| {
                let names: Vec<&str> = self.keys.iter().map(|trusted| &*trusted.name).collect();
                TrustError::UnknownKey {
                    component: component(),
                    key: number(found.keynum()),
                    trusted: if names.is_empty() { "there are none".to_owned() } else { names.join(", ") },
                }
            })?;
        // A legacy signature, of the file instead of its BLAKE2b digest, is accepted: minisign made them before version
        // 0.9.
        match minisign::verify(&trusted.key, &found, Cursor::new(bytes), true, false, true) {
            Ok(()) => Ok(trusted.name.clone()),
            Err(_) => Err(TrustError::Altered { component: component(), signer: trusted.name.clone() }),
        }
    }
}

impl TrustedKey {
    fn read(path: &Path) -> Result<Self, TrustError> {
        let text = read(path)?;
        let key = PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key);
        let key = key.map_err(|error| no_key(path, "public", &error))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        Ok(Self { name: name.into(), key })
    }
}

pub(super) fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, TrustError> {
    Ok(provost_files::read_named(path, most)?)
}

/// Reads the text of a key or a signature.
pub(super) fn read(path: &Path) -> Result<String, TrustError> {
    String::from_utf8(read_bytes(path, TEXT_BYTES_MAX)?)
        .map_err(|error| TrustError::File { path: path.to_owned(), source: io::Error::other(error) })
}

pub(super) fn no_key(path: &Path, kind: &'static str, error: &minisign::PError) -> TrustError {
    TrustError::NoKey { path: path.to_owned(), kind, why: error.to_string() }
}

/// Formats the number of a key as minisign shows it.
fn number(bytes: &[u8]) -> String {
    hex(bytes).to_uppercase()
}

/// Returns the path of the signature for the component at `path`.
#[must_use]
pub fn signature_of(path: &Path) -> PathBuf {
    with_ending(path, SIGNATURE_ENDING)
}

/// Appends a dot and this extension to the whole path, whatever dots are in it.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
