//! Whose components are let in: signatures in the format of minisign, beside the component as `NAME.wasm.minisig`; and the
//! keys that they are made with.
//!
//! With keys in the config, a signature that is there has to be good: one that does not fit its component means that somebody has
//! changed one of the two. Whether one has to be there at all is `require_signature`. What is bundled is a part of
//! this program.

use std::fs::{self, OpenOptions};
use std::io::{self, Cursor, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKeyBox, SignatureBox};

use crate::component::{COMPONENT_BYTES_MAX, Source};
use crate::reading::read_whole;

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
    fn signer(&self, path: &Path, bytes: &[u8]) -> Result<Arc<str>, TrustError> {
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
        match minisign::verify(&trusted.key, &found, Cursor::new(bytes), true, false, false) {
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

fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, TrustError> {
    read_whole(path, most).map_err(|error| TrustError::File { path: path.to_owned(), source: error.into() })
}

/// The text of a key or a signature.
fn read(path: &Path) -> Result<String, TrustError> {
    String::from_utf8(read_bytes(path, TEXT_BYTES_MAX)?)
        .map_err(|error| TrustError::File { path: path.to_owned(), source: io::Error::other(error) })
}

fn no_key(path: &Path, kind: &'static str, error: &minisign::PError) -> TrustError {
    TrustError::NoKey { path: path.to_owned(), kind, why: error.to_string() }
}

fn failed(error: minisign::PError) -> TrustError {
    TrustError::Minisign(error.to_string())
}

/// The number of a key as minisign shows it.
fn number(bytes: &[u8]) -> String {
    crate::component::hex(bytes).to_uppercase()
}

/// The file of the signature of the component at `path`.
#[must_use]
pub fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(SIGNATURE_ENDING);
    PathBuf::from(name)
}

/// Makes a pair of keys: `NAME.key`, for nobody but its owner, and `NAME.pub`. With a password the secret key is
/// encrypted.
///
/// # Errors
/// [`TrustError`]; no file is ever written over.
pub fn keygen(name: &Path, password: Option<String>) -> Result<(PathBuf, PathBuf), TrustError> {
    let (secret, public) = (name.with_extension("key"), name.with_extension("pub"));
    if let Some(there) = [&secret, &public].into_iter().find(|file| file.exists()) {
        return Err(TrustError::KeyExists(there.clone()));
    }
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.map_err(failed)?;
    let secret_text = pair.sk.to_box(None).map_err(failed)?.into_string();
    let public_text = pair.pk.to_box().map_err(failed)?.into_string();
    write_new(&secret, 0o600, &secret_text)?;
    write_new(&public, 0o644, &public_text)?;
    Ok((secret, public))
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), TrustError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => TrustError::KeyExists(path.to_owned()),
        _ => TrustError::File { path: path.to_owned(), source },
    })
}

/// Signs a component with the secret key in `key`; the file of the signature, which is replaced if there is one.
///
/// # Errors
/// [`TrustError`].
pub fn sign(component: &Path, key: &Path, password: Option<String>) -> Result<PathBuf, TrustError> {
    let bytes = read_bytes(component, COMPONENT_BYTES_MAX)?;
    let boxed = || SecretKeyBox::from_string(&read(key)?).map_err(|error| no_key(key, "secret", &error));
    let secret = match (boxed()?.into_unencrypted_secret_key(), password) {
        (Ok(secret), _) => secret,
        (Err(_), Some(password)) => {
            let wrong = |error: minisign::PError| TrustError::WrongPassword {
                path: key.to_owned(),
                why: error.to_string(),
            };
            boxed()?.into_secret_key(Some(password)).map_err(wrong)?
        }
        // minisign has no other way of saying so.
        (Err(error), None) if error.to_string().contains("encrypted") => {
            return Err(TrustError::PasswordWanted(key.to_owned()));
        }
        (Err(error), None) => return Err(no_key(key, "secret", &error)),
    };
    let name = component.file_name().unwrap_or_default().to_string_lossy();
    let comment = format!("file:{name}");
    let made = minisign::sign(None, &secret, Cursor::new(bytes), Some(&comment), Some("a Provost plugin"));
    let signature = signature_of(component);
    fs::write(&signature, made.map_err(failed)?.into_string())
        .map_err(|source| TrustError::File { path: signature.clone(), source })?;
    Ok(signature)
}

/// Whose of these public keys signed the component.
///
/// # Errors
/// [`TrustError`] if it is not signed by any of them.
pub fn verify(component: &Path, keys: &[PathBuf]) -> Result<Arc<str>, TrustError> {
    let bytes = read_bytes(component, COMPONENT_BYTES_MAX)?;
    Trust::of(true, keys)?.signer(component, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        dir: tempfile::TempDir,
        component: PathBuf,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let component = dir.path().join("judge.wasm");
            fs::write(&component, b"some component").unwrap();
            Self { dir, component }
        }

        fn keys(&self, name: &str) -> (PathBuf, PathBuf) {
            keygen(&self.dir.path().join(name), None).unwrap()
        }

        fn check(&self, required: bool, keys: &[PathBuf]) -> Result<Option<Arc<str>>, TrustError> {
            let bytes = fs::read(&self.component).unwrap();
            Trust::of(required, keys)?.check(&Source::Path(self.component.clone()), &bytes)
        }
    }

    #[test]
    fn a_component_is_signed_by_whom_the_key_belongs_to() {
        let bench = Bench::new();
        let (secret, public) = bench.keys("ops");
        let signature = sign(&bench.component, &secret, None).unwrap();
        assert_eq!(signature, bench.dir.path().join("judge.wasm.minisig"));
        assert_eq!(verify(&bench.component, std::slice::from_ref(&public)).unwrap(), "ops".into());
        assert_eq!(bench.check(true, &[public]).unwrap(), Some("ops".into()));
        assert_eq!(bench.check(false, &[]).unwrap(), None, "nobody is trusted in particular");
        let bundled = Trust::of(true, &[]).unwrap().check(&Source::Bundled("backoff".to_owned()), b"");
        assert_eq!(bundled.unwrap(), Some("this host".into()));
    }

    #[test]
    fn what_is_unsigned_altered_or_signed_by_somebody_else_is_told_apart() {
        let bench = Bench::new();
        let (secret, public) = bench.keys("ops");
        let (stranger, _) = bench.keys("stranger");
        let keys = [public];
        let told = |required| bench.check(required, &keys).map_err(|error| error.to_string());
        assert!(told(true).unwrap_err().contains("is not signed: there is no"));
        assert_eq!(told(false), Ok(None));

        sign(&bench.component, &stranger, None).unwrap();
        let unknown = told(true).unwrap_err();
        assert!(unknown.contains("none of the trusted ones (ops)"), "{unknown}");
        assert_eq!(told(false), Ok(None));

        sign(&bench.component, &secret, None).unwrap();
        assert_eq!(told(true), Ok(Some("ops".into())));
        fs::write(&bench.component, b"some othr component").unwrap();
        for required in [true, false] {
            let altered = told(required).unwrap_err();
            assert!(altered.contains("is not what ops has signed"), "{altered}");
        }
        fs::write(signature_of(&bench.component), "not a signature").unwrap();
        assert!(told(true).unwrap_err().contains("is no signature of minisign"));
    }

    #[test]
    fn a_secret_key_is_its_owners_alone_and_is_never_written_over() {
        use std::os::unix::fs::PermissionsExt;
        let bench = Bench::new();
        let (secret, public) = bench.keys("ops");
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read(&secret).unwrap();
        assert!(matches!(keygen(&bench.dir.path().join("ops"), None), Err(TrustError::KeyExists(_))));
        assert_eq!(fs::read(&secret).unwrap(), before);
        let mixed = Trust::of(true, std::slice::from_ref(&bench.component)).unwrap_err().to_string();
        assert!(mixed.contains("holds no public key"), "{mixed}");
        let mixed = sign(&bench.component, &public, None).unwrap_err().to_string();
        assert!(mixed.contains("holds no secret key"), "{mixed}");
    }

    #[test]
    fn a_key_with_a_password_signs_with_it_alone() {
        let bench = Bench::new();
        let (secret, public) =
            keygen(&bench.dir.path().join("sealed"), Some("open sesame".to_owned())).unwrap();
        let wanted = sign(&bench.component, &secret, None).unwrap_err().to_string();
        assert!(wanted.contains("PROVOST_KEY_PASSWORD"), "{wanted}");
        assert!(sign(&bench.component, &secret, Some("open".to_owned())).is_err());
        sign(&bench.component, &secret, Some("open sesame".to_owned())).unwrap();
        assert_eq!(verify(&bench.component, &[public]).unwrap(), "sealed".into());
    }
}
