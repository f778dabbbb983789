//! Keys and values, as a plugin remembers them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::limits::Limits;

/// What is stored.
pub(crate) type Values = BTreeMap<Arc<str>, Arc<[u8]>>;

/// What is published of a memory, replaced whole.
pub(crate) type Published = ArcSwap<Values>;

/// What all keys and values have together, in bytes.
pub(super) fn bytes(values: &Values) -> usize {
    values.iter().map(|(key, value)| key.len() + value.len()).sum()
}

/// Returns true if a memory must not come from `before` to `after` bytes. One that has more than its limit, because the limit was
/// lowered since, may still shrink, by as little as it likes.
pub(super) fn is_too_much(before: usize, after: usize, limits: &Limits) -> bool {
    after > limits.stored_bytes_max && after > before
}
