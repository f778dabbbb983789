//! The keys and values that a plugin stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::limits::Limits;

/// The keys and values of a memory.
pub(crate) type Values = BTreeMap<Arc<str>, Arc<[u8]>>;

/// The published values of a memory, replaced as a whole.
pub(crate) type Published = ArcSwap<Values>;

/// Returns the size of all keys and values together, in bytes.
pub(super) fn bytes(values: &Values) -> usize {
    values.iter().map(|(key, value)| key.len() + value.len()).sum()
}

/// Returns true if a memory must not grow from `before` to `after` bytes. A memory above its limit, because the limit
/// was lowered since, may still shrink, by any amount.
pub(super) fn is_too_much(before: usize, after: usize, limits: &Limits) -> bool {
    after > limits.stored_bytes_max && after > before
}
