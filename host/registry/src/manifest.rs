//! The manifest of an artifact, as the tools for WebAssembly components write it: one layer, which is the component, and a
//! small document about it. The signature of the component is an annotation, because those tools accept one layer only,
//! and because it is covered by the digest of the manifest then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::{COMPONENT_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// The media type of a component.
pub(crate) const COMPONENT_TYPE: &str = "application/wasm";
/// The media type of a component that was pushed by older tools.
const OLDER_COMPONENT_TYPE: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// The annotation with the signature of the component, in the format of minisign.
pub(crate) const SIGNATURE: &str = "org.provost.plugin.minisig";

/// The largest manifest that is read, in bytes. Registries refuse larger ones.
pub(crate) const MANIFEST_BYTES_MAX: usize = 4 << 20;

/// How much of a text of a manifest is repeated in an error, in characters.
const SHOWN_MAX: usize = 200;

/// A manifest.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    #[serde(default)]
    pub(crate) config: Option<Descriptor>,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
    /// What an index has instead of layers.
    #[serde(default, skip_serializing)]
    pub(crate) manifests: Option<serde::de::IgnoredAny>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Names a blob of a registry.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// Why an artifact is not a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is not a manifest.
    #[error("its manifest cannot be read: {0}")]
    Unreadable(String),
    /// It is an index.
    #[error("it is an index of several artifacts: name the digest of one of them")]
    Index,
    /// It has none or several layers.
    #[error("it has {0} layers, and a component is one: it may be an image for containers")]
    Layers(usize),
    /// The layer is something else.
    #[error("its layer is `{0}`, not `{COMPONENT_TYPE}`: it is not a WebAssembly component")]
    MediaType(String),
    /// The layer has another digest than a SHA-256.
    #[error("its layer has the digest `{0}`, not a SHA-256")]
    Digest(String),
    /// The layer is too large.
    #[error("its component has {0} bytes, more than {COMPONENT_BYTES_MAX}")]
    Size(u64),
    /// The signature is too large.
    #[error("its signature has {0} bytes, more than {SIGNATURE_BYTES_MAX}")]
    Signature(usize),
}

/// The component of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) signature: Option<String>,
}

impl Layer {
    /// Reads the manifest of a component.
    pub(crate) fn read(manifest: &[u8]) -> Result<Self, ManifestError> {
        let parsed = serde_json::from_slice::<Manifest>(manifest);
        let manifest = parsed.map_err(|error| ManifestError::Unreadable(shortened(&error.to_string())))?;
        if manifest.manifests.is_some() {
            return Err(ManifestError::Index);
        }
        let [layer] = &*manifest.layers else { return Err(ManifestError::Layers(manifest.layers.len())) };
        if ![COMPONENT_TYPE, OLDER_COMPONENT_TYPE].contains(&&*layer.media_type) {
            return Err(ManifestError::MediaType(shortened(&layer.media_type)));
        }
        let digest =
            Digest::parse(&layer.digest).ok_or_else(|| ManifestError::Digest(shortened(&layer.digest)))?;
        if layer.size > COMPONENT_BYTES_MAX {
            return Err(ManifestError::Size(layer.size));
        }
        let signature = manifest.annotations.get(SIGNATURE).cloned();
        match &signature {
            Some(text) if text.len() > SIGNATURE_BYTES_MAX => Err(ManifestError::Signature(text.len())),
            _ => Ok(Self { digest, size: layer.size, signature }),
        }
    }
}

/// Returns a text of a registry as one line of a bounded length.
fn shortened(text: &str) -> String {
    let mut left = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = left.by_ref().take(SHOWN_MAX).collect();
    if left.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_not_the_manifest_of_a_component_is_told_apart() {
        let read = |manifest: Value| Layer::read(manifest.to_string().as_bytes()).unwrap_err();
        let with = |layers: Value| json!({ "schemaVersion": 2, "layers": layers });
        let layer = |media_type: &str, digest: &str, size: u64| json!({ "mediaType": media_type, "digest": digest, "size": size });
        let digest = Digest::of(b"").to_string();
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        assert_eq!(read(with(json!([]))), ManifestError::Layers(0));
        let two = json!([layer(COMPONENT_TYPE, &digest, 1), layer(COMPONENT_TYPE, &digest, 1)]);
        assert_eq!(read(with(two)), ManifestError::Layers(2));
        assert_eq!(read(with(json!([layer(tar, &digest, 1)]))), ManifestError::MediaType(tar.to_owned()));
        let wrong = json!([layer(COMPONENT_TYPE, "sha512:00", 1)]);
        assert_eq!(read(with(wrong)), ManifestError::Digest("sha512:00".to_owned()));
        let large = json!([layer(COMPONENT_TYPE, &digest, COMPONENT_BYTES_MAX + 1)]);
        assert_eq!(read(with(large)), ManifestError::Size(COMPONENT_BYTES_MAX + 1));
        let index = json!({ "schemaVersion": 2, "manifests": [] });
        assert_eq!(read(index), ManifestError::Index);
        assert!(matches!(Layer::read(b"<html>").unwrap_err(), ManifestError::Unreadable(_)));
        let long = "\n".repeat(1 << 20);
        let shown = format!("{}…", " ".repeat(SHOWN_MAX));
        assert_eq!(read(with(json!([layer(&long, &digest, 1)]))), ManifestError::MediaType(shown.clone()));
        assert_eq!(read(with(json!([layer(COMPONENT_TYPE, &long, 1)]))), ManifestError::Digest(shown));
        let version = read(json!({ "schemaVersion": long, "layers": [] })).to_string();
        assert!(version.starts_with("its manifest cannot be read: invalid type: string"), "{version}");
        assert!(version.chars().count() < 2 * SHOWN_MAX, "{}", version.len());
        let mut manifest = with(json!([layer(COMPONENT_TYPE, &digest, 1)]));
        manifest["annotations"] = json!({ SIGNATURE: "x".repeat(SIGNATURE_BYTES_MAX + 1) });
        assert_eq!(read(manifest), ManifestError::Signature(SIGNATURE_BYTES_MAX + 1));
    }
}
