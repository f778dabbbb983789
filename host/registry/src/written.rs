//! What is pushed of a component beside its bytes: a small document about it, and the manifest that names both.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::digest::Digest;
use crate::manifest::{COMPONENT_TYPE, Descriptor, Manifest};

/// The media type of a manifest.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of the document about a component.
pub(crate) const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";

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
    use crate::manifest::{Layer, SIGNATURE};

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
}
