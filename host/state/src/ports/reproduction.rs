//! All that one call of a plugin was given, so that it can be repeated elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::consumer::Batch;
use super::trigger::Trigger;
use super::view::ViewRequest;
use crate::registry::Snapshot;

/// The question of one call of a plugin, in any of its roles.
#[derive(Clone, Debug)]
pub enum PluginInput {
    /// The trigger of a policy.
    Trigger(Trigger),
    /// The request to a view.
    Request(ViewRequest),
    /// The changes for a consumer.
    Batch(Batch),
}

/// All that one call of a plugin was given, except for access to the outside, the reports about plugins that a view can read,
/// and the linear memory that a consumer keeps between calls.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// The question.
    pub input: PluginInput,
    /// The snapshot.
    pub world: Arc<Snapshot>,
    /// The source of the component: `bundled:NAME`, a path, or `oci://…` or `https://…` with a digest.
    pub source: Arc<str>,
    /// The SHA-256 of the component, in hex.
    pub digest: Arc<str>,
    /// The settings, as the text of a JSON object.
    pub settings_json: Arc<str>,
    /// The limits by their keys in `limits`, in bytes, milliseconds or a number.
    pub limits: BTreeMap<&'static str, u64>,
    /// What it was granted, in the words of `allow`.
    pub grants: Vec<Arc<str>>,
    /// The keys of its memory with their values, after the call failed: another call may have changed them meanwhile.
    pub memory: BTreeMap<Arc<str>, Arc<[u8]>>,
}
