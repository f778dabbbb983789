//! What was pulled: a component, its signature, and the manifest that names it. It is checked against the reference that it
//! was pulled by, also if another process has pulled it.

use crate::COMPONENT_BYTES_MAX;
use crate::digest::Digest;
use crate::manifest::{Layer, ManifestError};
use crate::reference::Reference;

/// What was pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The manifest, as the registry has it; `None` of a URL.
    pub manifest: Option<Vec<u8>>,
    /// The component.
    pub component: Vec<u8>,
    /// The signature of the component in the format of minisign, if it has one.
    pub signature: Option<String>,
}

/// What was pulled is not what the reference means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// A digest differs.
    #[error("the {what} has the digest {found}, not {wanted}: it was changed")]
    Digest {
        /// `manifest` or `component`.
        what: &'static str,
        /// The digest that it has.
        found: Digest,
        /// The digest that it has to have.
        wanted: Digest,
    },
    /// The artifact is not a component.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is a manifest, and the reference is a URL, or the other way round.
    #[error("it was pulled from somewhere else")]
    Kind,
    /// It is too large.
    #[error("the component has {0} bytes, more than {COMPONENT_BYTES_MAX}")]
    Size(u64),
    /// The signature is not that of the manifest.
    #[error("the signature is not that of its manifest")]
    Signature,
}

impl Pulled {
    /// Checks that this is what `reference` means, if that has a digest. Returns the digest that pins it.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn check(&self, reference: &Reference) -> Result<Digest, Mismatch> {
        let size = self.component.len() as u64;
        if size > COMPONENT_BYTES_MAX {
            return Err(Mismatch::Size(size));
        }
        let component = Digest::of(&self.component);
        let pin = match (reference, &self.manifest) {
            (Reference::Registry(_), Some(manifest)) => {
                let layer = Layer::read(manifest)?;
                same("component", &component, &layer.digest)?;
                if layer.signature != self.signature {
                    return Err(Mismatch::Signature);
                }
                ("manifest", Digest::of(manifest))
            }
            (Reference::Url(_), None) => ("component", component),
            _ => return Err(Mismatch::Kind),
        };
        let (what, found) = pin;
        if let Some(wanted) = reference.digest() {
            same(what, &found, wanted)?;
        }
        Ok(found)
    }
}

fn same(what: &'static str, found: &Digest, wanted: &Digest) -> Result<(), Mismatch> {
    match found == wanted {
        true => Ok(()),
        false => Err(Mismatch::Digest { what, found: found.clone(), wanted: wanted.clone() }),
    }
}
