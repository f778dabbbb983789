//! The keys that components are signed with, in the format of minisign: generates pairs, signs, and verifies for
//! people.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minisign::{KeyPair, SecretKeyBox};
use provost_files::Access;

use super::error::COMPONENT_BYTES_MAX;
use super::trust::{Trust, TrustError, no_key, read, read_bytes, signature_of, with_ending};

fn failed(error: minisign::PError) -> TrustError {
    TrustError::Minisign(error.to_string())
}

/// Generates a pair of keys: `NAME.key`, readable by its owner only, and `NAME.pub`. The extensions are appended to the
/// whole name: `release-1.2` gets `release-1.2.key` and `release-1.2.pub`. With a password the secret key is encrypted.
///
/// # Errors
/// [`TrustError`]; existing files are never overwritten.
pub fn keygen(name: &Path, password: Option<String>) -> Result<(PathBuf, PathBuf), TrustError> {
    if name.file_name().is_none() || name.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(TrustError::NoFileName(name.to_owned()));
    }
    let (secret, public) = (with_ending(name, "key"), with_ending(name, "pub"));
    if let Some(there) = [&secret, &public].into_iter().find(|file| fs::symlink_metadata(file).is_ok()) {
        return Err(TrustError::KeyExists(there.clone()));
    }
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.map_err(failed)?;
    let secret_text = pair.sk.to_box(None).map_err(failed)?.into_string();
    let public_text = pair.pk.to_box().map_err(failed)?.into_string();
    write_new(&secret, Access::Private, &secret_text)?;
    write_new(&public, Access::Umask, &public_text).inspect_err(|_| {
        // It was created just now, and half a pair is useless.
        let _ = fs::remove_file(&secret);
    })?;
    Ok((secret, public))
}

fn write_new(path: &Path, access: Access, text: &str) -> Result<(), TrustError> {
    provost_files::create_new(path, access, &[text.as_bytes()]).map_err(|error| match error.problem.kind() {
        io::ErrorKind::AlreadyExists => TrustError::KeyExists(path.to_owned()),
        _ => error.into(),
    })
}

/// Signs a component with the secret key in `key`. Returns the file of the signature, which replaces an existing one.
///
/// # Errors
/// [`TrustError`] if a file cannot be used, or the key or its password is wrong.
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
        // minisign reports this only in the text of the error.
        (Err(error), None) if error.to_string().contains("encrypted") => {
            return Err(TrustError::PasswordWanted(key.to_owned()));
        }
        (Err(error), None) => return Err(no_key(key, "secret", &error)),
    };
    let name = component.file_name().unwrap_or_default().to_string_lossy();
    let comment = format!("file:{name}");
    let made = minisign::sign(None, &secret, Cursor::new(bytes), Some(&comment), Some("a Provost plugin"));
    let signature = signature_of(component);
    provost_files::replace_named(
        &signature,
        Access::Umask,
        &[made.map_err(failed)?.into_string().as_bytes()],
    )?;
    Ok(signature)
}

/// Returns the name of the public key, of these, that signed the component.
///
/// # Errors
/// [`TrustError`] if none of them signed it.
pub fn verify(component: &Path, keys: &[PathBuf]) -> Result<Arc<str>, TrustError> {
    let bytes = read_bytes(component, COMPONENT_BYTES_MAX)?;
    Trust::of(true, keys)?.signer(component, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Source;

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
            let source = Source::Path(self.component.clone());
            Trust::of(required, keys)?.check(&source, Some(&self.component), &bytes)
        }
    }

    #[test]
    fn a_signature_is_attributed_to_the_key_that_made_it() {
        let bench = Bench::new();
        let (secret, public) = bench.keys("ops");
        let signature = sign(&bench.component, &secret, None).unwrap();
        assert_eq!(signature, bench.dir.path().join("judge.wasm.minisig"));
        assert_eq!(verify(&bench.component, std::slice::from_ref(&public)).unwrap(), "ops".into());
        assert_eq!(bench.check(true, &[public]).unwrap(), Some("ops".into()));
        assert_eq!(bench.check(false, &[]).unwrap(), None, "nobody is trusted in particular");
        let bundled = Trust::of(true, &[]).unwrap().check(&Source::Bundled("backoff".to_owned()), None, b"");
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
        assert!(unknown.contains("not one of the trusted keys (ops)"), "{unknown}");
        assert_eq!(told(false), Ok(None));

        sign(&bench.component, &secret, None).unwrap();
        assert_eq!(told(true), Ok(Some("ops".into())));
        fs::write(&bench.component, b"some othr component").unwrap();
        for required in [true, false] {
            let altered = told(required).unwrap_err();
            assert!(altered.contains("is not what ops has signed"), "{altered}");
        }
        fs::write(signature_of(&bench.component), "not a signature").unwrap();
        assert!(told(true).unwrap_err().contains("is not a minisign signature"));
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
        assert!(mixed.contains("is not a minisign public key"), "{mixed}");
        let mixed = sign(&bench.component, &public, None).unwrap_err().to_string();
        assert!(mixed.contains("is not a minisign secret key"), "{mixed}");
    }

    #[test]
    fn a_pair_of_keys_has_the_whole_name_that_was_said_and_no_other_file_is_touched() {
        let bench = Bench::new();
        let at = |name: &str| bench.dir.path().join(name);
        for name in ["release-1.2", "ops", "a.key"] {
            let pair = keygen(&at(name), None).unwrap();
            assert_eq!(pair, (at(&format!("{name}.key")), at(&format!("{name}.pub"))));
        }
        assert!(!at("release-1.key").exists() && !at("release-1.pub").exists());
        std::os::unix::fs::symlink("nowhere", at("linked.pub")).unwrap();
        for name in ["release-1.2", "linked"] {
            assert!(matches!(keygen(&at(name), None), Err(TrustError::KeyExists(_))), "{name}");
        }
        assert!(!at("nowhere").exists() && !at("linked.key").exists());
        for name in ["", ".", "..", "new/", "/"] {
            assert!(matches!(keygen(Path::new(name), None), Err(TrustError::NoFileName(_))), "{name:?}");
        }
        assert!(matches!(keygen(&at("missing/ops"), None), Err(TrustError::File { .. })));
    }

    #[test]
    fn a_legacy_signature_is_as_good_as_one_of_a_digest() {
        // From the tests of minisign: the file holds `test`.
        const KEY: &str = "untrusted comment: minisign public key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n";
        const LEGACY: &str = "untrusted comment: signature from minisign secret key\n\
            RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
            trusted comment: timestamp:1555779966\tfile:test\n\
            QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";
        let bench = Bench::new();
        let public = bench.dir.path().join("author.pub");
        fs::write(&public, KEY).unwrap();
        fs::write(&bench.component, "test").unwrap();
        fs::write(signature_of(&bench.component), LEGACY).unwrap();
        assert_eq!(verify(&bench.component, std::slice::from_ref(&public)).unwrap(), "author".into());
        fs::write(&bench.component, "tesT").unwrap();
        assert!(matches!(verify(&bench.component, &[public]), Err(TrustError::Altered { .. })));
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
