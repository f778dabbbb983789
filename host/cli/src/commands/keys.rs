//! Keys and signatures: `plugin keygen`, `sign`, `verify`. They need no host.

use std::path::{Path, PathBuf};

use super::print;
use crate::failure::Failure;

/// Where the password of a secret key is looked for.
const PASSWORD: &str = "PROVOST_KEY_PASSWORD";

fn password() -> Option<String> {
    std::env::var(PASSWORD).ok().filter(|password| !password.is_empty())
}

pub(super) fn keygen(name: &Path) -> Result<(), Failure> {
    let password = password();
    let sealed = if password.is_some() { "encrypted with the password" } else { "without a password" };
    let (secret, public) = provost_plugin_host::keygen(name, password)
        .map_err(|error| Failure::failed(error, "name a file in a directory that you may write"))?;
    print(format!(
        "{}: the secret key, {sealed}; keep it to yourself\n{}: the public key; write it into `keys` of [plugins]\n",
        secret.display(),
        public.display()
    ))
}

pub(super) fn sign(component: &Path, key: &Path) -> Result<(), Failure> {
    let signature = provost_plugin_host::sign(component, key, password())
        .map_err(|error| Failure::failed(error, "`provost plugin keygen NAME` makes a key"))?;
    print(format!("{}: the signature; it belongs beside the component\n", signature.display()))
}

pub(super) fn verify(component: &Path, keys: &[PathBuf]) -> Result<(), Failure> {
    let signer = provost_plugin_host::verify(component, keys).map_err(|error| {
        Failure::failed(error, "`provost plugin sign` makes a signature with the key of whom you trust")
    })?;
    print(format!("{}: signed with the key of {signer}\n", component.display()))
}
