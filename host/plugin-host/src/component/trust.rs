//! Whose components are let in: signatures in the format of minisign, beside the component as `NAME.wasm.minisig`.
//!
//! With keys in the config, a signature that is there has to be good: one that does not fit its component means that somebody has
//! changed one of the two. Whether one has to be there at all is `require_signature`. What is bundled is a part of
//! this program.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minisign::{PublicKey, PublicKeyBox, SignatureBox};
use provost_files::FileError;

use super::digest::hex;
use super::source::Source;

/// What the file of a signature is called beside its component.
const SIGNATURE_ENDING: &str = "minisig";

/// More than any key or signature of minisign has, in bytes.
const TEXT_BYTES_MAX: u64 = 64 << 10;

/// Who signed what is bundled.
const THIS_HOST: &str = "this host";

/// Something is wrong with a key or a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path ends in no name that a file could have.
    #[error("`{}` is no name of a pair of keys: say one such as `ops`, which makes `ops.key` and `ops.pub`", .0.display())]
    NoFileName(PathBuf),
    /// There is a file already, and keys are not replaced.
    #[error("there is a `{}` already, and no key is ever written over: name another file", .0.display())]
    KeyExists(PathBuf),
    /// The file holds no key of this kind.
    #[error("`{}` holds no {kind} key of minisign: {why}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// `public` or `secret`.
        kind: &'static str,
        /// What minisign says.
        why: String,
    },
    /// The secret key wants a password.
    #[error("the key in `{}` has a password: say it in PROVOST_KEY_PASSWORD", .0.display())]
    PasswordWanted(PathBuf),
    /// The secret key has another password.
    #[error("the password in PROVOST_KEY_PASSWORD does not open the key in `{}`: {why}", path.display())]
    WrongPassword {
        /// The file.
        path: PathBuf,
        /// What minisign says.
        why: String,
    },
    /// There is no signature.
    #[error("`{component}` is not signed: there is no `{}`; `provost plugin sign` makes one", signature.display())]
    Unsigned {
        /// The component.
        component: String,
        /// Where its signature would be.
        signature: PathBuf,
    },
    /// The file beside the component is no signature.
    #[error("`{}` is no signature of minisign: {why}", signature.display())]
    NoSignature {
        /// The file.
        signature: PathBuf,
        /// What minisign says.
        why: String,
    },
    /// It is a signature by a key that is not trusted.
    #[error("`{component}` is signed with the key {key}, which is none of the trusted ones ({trusted})")]
    UnknownKey {
        /// The component.
        component: String,
        /// The number of the key, in hex.
        key: String,
        /// Those that are trusted.
        trusted: String,
    },
    /// The signature is by a trusted key, and of something else.
    #[error("`{component}` is not what {signer} has signed: it, or its signature, was changed")]
    Altered {
        /// The component.
        component: String,
        /// Whose key it is.
        signer: Arc<str>,
    },
    /// minisign failed at something that should not fail.
    #[error("minisign: {0}")]
    Minisign(String),
}

impl From<FileError> for TrustError {
    fn from(error: FileError) -> Self {
        Self::File { path: error.path.clone(), source: error.into() }
    }
}

/// A public key whose signatures count.
#[derive(Clone, Debug)]
struct TrustedKey {
    /// The name of its file, without the ending.
    name: Arc<str>,
    key: PublicKey,
}

/// Whose components are let in. Nobody in particular, by default.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    require_signature: bool,
    keys: Vec<TrustedKey>,
}

impl Trust {
    /// Trusts the keys in these files; with `require_signature` nothing else is let in.
    ///
    /// # Errors
    /// [`TrustError`] names the file that holds no public key.
    pub fn of(require_signature: bool, files: &[PathBuf]) -> Result<Self, TrustError> {
        let keys = files.iter().map(|file| TrustedKey::read(file)).collect::<Result<_, _>>()?;
        Ok(Self { require_signature, keys })
    }

    /// Whose key signed a component, if anybody's.
    ///
    /// # Errors
    /// [`TrustError`] if it is not to be let in.
    pub(crate) fn check(&self, source: &Source, bytes: &[u8]) -> Result<Option<Arc<str>>, TrustError> {
        let path = match source {
            Source::Bundled(_) => return Ok(Some(THIS_HOST.into())),
            Source::Path(path) => path,
        };
        match self.signer(path, bytes) {
            Ok(signer) => Ok(Some(signer)),
            // Without a word about keys in the config, signatures are nobody's business.
            Err(_) if self.keys.is_empty() && !self.require_signature => Ok(None),
            Err(TrustError::Unsigned { .. } | TrustError::UnknownKey { .. }) if !self.require_signature => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whose key signed the component at `path`.
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
        // A legacy signature, of the file instead of its BLAKE2b digest, is as good: minisign made them before version 0.9.
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

/// The text of a key or a signature.
pub(super) fn read(path: &Path) -> Result<String, TrustError> {
    String::from_utf8(read_bytes(path, TEXT_BYTES_MAX)?)
        .map_err(|error| TrustError::File { path: path.to_owned(), source: io::Error::other(error) })
}

pub(super) fn no_key(path: &Path, kind: &'static str, error: &minisign::PError) -> TrustError {
    TrustError::NoKey { path: path.to_owned(), kind, why: error.to_string() }
}

/// The number of a key as minisign shows it.
fn number(bytes: &[u8]) -> String {
    hex(bytes).to_uppercase()
}

/// The file of the signature of the component at `path`.
#[must_use]
pub fn signature_of(path: &Path) -> PathBuf {
    with_ending(path, SIGNATURE_ENDING)
}

/// The path with a dot and this ending behind all of it, whatever dots are in it.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
