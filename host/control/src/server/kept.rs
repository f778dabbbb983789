//! The JSON of a part of an answer that changes seldom: it is rendered again only when what it was rendered from has changed.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use serde::Serialize;

/// The JSON of a part, and the value that it was rendered from.
#[derive(Debug)]
pub(super) struct Kept<K>(ArcSwapOption<(K, Bytes)>);

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<K: PartialEq> Kept<K> {
    /// Returns the JSON of `value(key)`.
    pub(super) fn rendered<V: Serialize>(&self, key: K, value: impl FnOnce(&K) -> V) -> Bytes {
        let kept = self.0.load();
        if let Some(kept) = &*kept
            && kept.0 == key
        {
            return kept.1.clone();
        }
        // No type of the API has a map key that JSON cannot represent.
        let bytes = Bytes::from(serde_json::to_vec(&value(&key)).unwrap_or_else(|_| b"null".to_vec()));
        self.0.store(Some(Arc::new((key, bytes.clone()))));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_rendered_again_only_when_its_key_has_changed() {
        let (kept, mut renderings) = (Kept::default(), 0);
        for key in [1, 1, 2, 2, 1] {
            let bytes = kept.rendered(key, |key| {
                renderings += 1;
                vec![*key]
            });
            assert_eq!(bytes, format!("[{key}]"));
        }
        assert_eq!(renderings, 3);
    }
}
