//! The manifest of an artifact, as the tools for WebAssembly components write it: one layer, which is the component, and a
//! small document about it. The signature of the component is an annotation, because those tools accept one layer only,
//! and because it is covered by the digest of the manifest then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::{COMPONENT_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// The media type of a manifest.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of the document about a component.
pub(crate) const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of a component.
pub(crate) const COMPONENT_TYPE: &str = "application/wasm";
/// The media type of a component that was pushed by older tools.
const OLDER_COMPONENT_TYPE: &str = "application/vnd.wasm.content.layer.v1+wasm";

/// The annotation with the signature of the component, in the format of minisign.
pub(crate) const SIGNATURE: &str = "org.provost.plugin.minisig";

/// The largest manifest that is read, in bytes. Registries refuse larger ones.
pub(crate) const MANIFEST_BYTES_MAX: usize = 4 << 20;

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
    manifests: Option<serde::de::IgnoredAny>,
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

/// The document about a component.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'c> {
    created: &'static str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [String; 1],
    component: Surface<'c>,
}

/// The names of what a component imports and exports.
#[derive(Debug, Serialize)]
struct Surface<'c> {
    exports: &'c [String],
    imports: &'c [String],
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
        let manifest = parsed.map_err(|error| ManifestError::Unreadable(error.to_string()))?;
        if manifest.manifests.is_some() {
            return Err(ManifestError::Index);
        }
        let [layer] = &*manifest.layers else { return Err(ManifestError::Layers(manifest.layers.len())) };
        if ![COMPONENT_TYPE, OLDER_COMPONENT_TYPE].contains(&&*layer.media_type) {
            return Err(ManifestError::MediaType(layer.media_type.clone()));
        }
        let digest =
            Digest::parse(&layer.digest).ok_or_else(|| ManifestError::Digest(layer.digest.clone()))?;
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

/// Returns the document about a component with these imports and exports. The same component has the same document: it
/// says nothing of when it was pushed.
pub(crate) fn document(component: &Digest, imports: &[String], exports: &[String]) -> Vec<u8> {
    let document = Document {
        created: "1970-01-01T00:00:00Z",
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [component.to_string()],
        component: Surface { exports, imports },
    };
    // Cannot fail: all keys are texts.
    serde_json::to_vec(&document).unwrap_or_default()
}

/// Returns the manifest of a component with this document and these annotations.
pub(crate) fn manifest(component: &[u8], document: &[u8], annotations: BTreeMap<String, String>) -> Vec<u8> {
    let descriptor = |media_type: &str, bytes: &[u8]| Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::of(bytes).to_string(),
        size: bytes.len() as u64,
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST_TYPE.to_owned()),
        config: Some(descriptor(CONFIG_TYPE, document)),
        layers: vec![descriptor(COMPONENT_TYPE, component)],
        manifests: None,
        annotations,
    };
    // Cannot fail: all keys are texts.
    serde_json::to_vec(&manifest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn signed() -> BTreeMap<String, String> {
        BTreeMap::from([(SIGNATURE.to_owned(), "untrusted comment: x".to_owned())])
    }

    #[test]
    fn a_manifest_that_is_written_is_read_and_has_the_media_types_of_the_field() {
        let document = document(&Digest::of(b"component"), &["a:b/c".to_owned()], &["d:e/f".to_owned()]);
        let written = manifest(b"component", &document, signed());
        let layer = Layer::read(&written).unwrap();
        assert_eq!(layer.digest, Digest::of(b"component"));
        assert_eq!((layer.size, layer.signature.as_deref()), (9, Some("untrusted comment: x")));
        let json: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(json["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
        assert_eq!(json["config"]["digest"], Digest::of(&document).to_string());
        assert_eq!(json["layers"][0]["mediaType"], "application/wasm");
        let about: Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(about["os"], "wasip2");
        assert_eq!(about["layerDigests"], json!([Digest::of(b"component").to_string()]));
        assert_eq!(about["component"], json!({ "exports": ["d:e/f"], "imports": ["a:b/c"] }));
    }

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
        let mut manifest = with(json!([layer(COMPONENT_TYPE, &digest, 1)]));
        manifest["annotations"] = json!({ SIGNATURE: "x".repeat(SIGNATURE_BYTES_MAX + 1) });
        assert_eq!(read(manifest), ManifestError::Signature(SIGNATURE_BYTES_MAX + 1));
    }
}
