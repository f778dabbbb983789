//! The keys and values that a plugin stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use provost_state::MemoryWrite;

use crate::limits::Limits;

/// The keys and values of a memory.
pub(crate) type Values = BTreeMap<Arc<str>, Arc<[u8]>>;

/// The keys and values of a memory as they were after a number of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Versioned {
    pub(super) values: Arc<Values>,
    /// The number of changes of this memory ever since it was first written.
    pub(super) version: u64,
}

/// Applies what a call has written.
pub(super) fn apply(values: &mut Values, writes: &[MemoryWrite]) {
    for (key, value) in writes {
        match value {
            Some(value) => values.insert(key.clone(), value.clone()),
            None => values.remove(key),
        };
    }
}

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
