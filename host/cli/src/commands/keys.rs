//! Keys and signatures: `plugin keygen`, `sign`, `verify`. They need no host.

use std::path::{Path, PathBuf};

use provost_plugin_host::TrustError;

use super::printing::print;
use crate::failure::Failure;

/// The environment variable with the password of a secret key.
const PASSWORD: &str = "PROVOST_KEY_PASSWORD";

fn password() -> Option<String> {
    std::env::var(PASSWORD).ok().filter(|password| !password.is_empty())
}

fn failed(error: TrustError) -> Failure {
    let hint = match &error {
        TrustError::KeyExists(_) => {
            "it may have signed components that are in use: move it away by hand, or choose another name"
        }
        TrustError::NoFileName(_) => "the extensions `.key` and `.pub` are added to it",
        TrustError::PasswordWanted(_) | TrustError::WrongPassword { .. } => {
            "PROVOST_KEY_PASSWORD is the password that the key was made with"
        }
        TrustError::NoKey { .. } => {
            "`provost plugin keygen NAME` makes NAME.key, to sign with, and NAME.pub, to verify with"
        }
        TrustError::Unsigned { .. } | TrustError::NoSignature { .. } | TrustError::UnknownKey { .. } => {
            "`provost plugin sign COMPONENT --key FILE` makes a signature; is the key that you trust among `--key`?"
        }
        TrustError::Altered { .. } => "get it again from where it came from, with its signature",
        _ => "check the path and its permissions",
    };
    Failure::failed(error, hint)
}

pub(super) fn keygen(name: &Path) -> Result<(), Failure> {
    let password = password();
    let sealed = if password.is_some() { "encrypted with the password" } else { "without a password" };
    let (secret, public) = provost_plugin_host::keygen(name, password).map_err(failed)?;
    print(format!(
        "{}: the secret key, {sealed}; keep it to yourself\n{}: the public key; write it into `keys` of [plugins]\n",
        secret.display(),
        public.display()
    ))
}

/// Fails if a file does not exist, which is an error of usage.
fn check_exists(path: &Path) -> Result<(), Failure> {
    match path.try_exists() {
        Ok(false) => {
            let what = format!("there is no file {}", path.display());
            Err(Failure::usage(what, "correct the path; it starts from this directory"))
        }
        _ => Ok(()),
    }
}

pub(super) fn sign(component: &Path, key: &Path) -> Result<(), Failure> {
    check_exists(component)?;
    check_exists(key)?;
    let signature = provost_plugin_host::sign(component, key, password()).map_err(failed)?;
    print(format!("{}: the signature; it belongs beside the component\n", signature.display()))
}

pub(super) fn verify(component: &Path, keys: &[PathBuf]) -> Result<(), Failure> {
    keys.iter().map(PathBuf::as_path).chain([component]).try_for_each(check_exists)?;
    let signer = provost_plugin_host::verify(component, keys).map_err(failed)?;
    print(format!("{}: signed with the key of {signer}\n", component.display()))
}
