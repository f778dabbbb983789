//! The memory of a plugin from one call to the next: a small private store whose values are read and written as JSON.
//!
//! What a call writes takes effect if the call succeeds; it survives a swap of the component and a restart of the host.
//! In native tests there is no host: each thread has its own store, which is empty at first.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Returns the value of a key; `None` if there is none, or it cannot be read as a `T`.
#[must_use]
pub fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_slice(&store::get(key)?).ok()
}

/// Sets the value of a key.
///
/// # Errors
/// Says why the value cannot be stored, with the limit that was hit.
pub fn set(key: &str, value: &impl Serialize) -> Result<(), String> {
    let value = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    store::set(key, value)
}

/// Deletes a key.
pub fn delete(key: &str) {
    store::delete(key);
}

/// Returns all keys in alphabetical order.
#[must_use]
pub fn keys() -> Vec<String> {
    store::keys()
}

#[cfg(target_arch = "wasm32")]
mod store {
    use crate::bindings::judge::provost::plugin::memory::{self, Refusal};
    pub(super) use memory::{delete, get, keys};

    pub(super) fn set(key: &str, value: Vec<u8>) -> Result<(), String> {
        memory::set(key, &value).map_err(|refusal| match refusal {
            Refusal::KeyLength(most) => format!("a key must have 1 to {most} bytes"),
            Refusal::Full(most) => format!("the memory of this plugin holds at most {most} bytes"),
            Refusal::Other(why) => why,
        })
    }
}

#[cfg(not(target_arch = "wasm32"))]
use super::native::store;

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_read_back_and_can_be_deleted() {
        assert_eq!(super::get::<u32>("n"), None);
        super::set("n", &7_u32).expect("there is room");
        super::set("list", &["a"]).expect("there is room");
        assert_eq!((super::get::<u32>("n"), super::get::<String>("n")), (Some(7), None));
        assert_eq!(super::keys(), ["list", "n"]);
        super::delete("n");
        assert_eq!(super::keys(), ["list"]);
    }
}
