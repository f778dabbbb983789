//! The memory of a plugin from one call to the next: a small private store whose values are written as JSON.
//!
//! Each value is declared once as a [`Slot`], with its key and its type. What a call writes takes effect if the call succeeds; it
//! survives a swap of the component and a restart of the host. In native tests there is no host: each thread has its own store,
//! which is empty at first and has the default limits of the host.
//!
//! ```
//! use provost_guest::memory::Slot;
//!
//! /// The number of changes that were seen.
//! const SEEN: Slot<u64> = Slot::new("seen");
//! /// The last reason, of each process.
//! const REASON: Slot<String> = Slot::new("reason");
//!
//! SEEN.update(|seen| *seen += 3)?;
//! REASON.of("web").set(&"no answer".to_owned())?;
//! assert_eq!(SEEN.get()?, Some(3));
//! assert_eq!(REASON.of("db").get()?, None);
//! assert_eq!(provost_guest::memory::keys(), ["reason/web", "seen"]);
//! # Ok::<(), provost_guest::memory::Error>(())
//! ```

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json;

/// One value of the memory: its key and its type in one place.
///
/// ```
/// use provost_guest::memory::Slot;
///
/// const TRIES: Slot<u32> = Slot::new("tries");
///
/// assert_eq!(TRIES.get_or_default(), 0);
/// let now = TRIES.update(|tries| *tries += 1)?;
/// assert_eq!((now, TRIES.get()?), (1, Some(1)));
/// TRIES.delete();
/// assert_eq!((TRIES.get()?, TRIES.key()), (None, "tries"));
/// # Ok::<(), provost_guest::memory::Error>(())
/// ```
///
/// A value that was written by an older version of the plugin may not be a `T` any more. It is an error and not an absent value, so
/// that nothing is overwritten unnoticed:
/// ```
/// use provost_guest::memory::Slot;
///
/// Slot::new("tries").set(&"many".to_owned())?;
/// const TRIES: Slot<u32> = Slot::new("tries");
/// assert_eq!(
///     TRIES.get().unwrap_err().to_string(),
///     "memory: the stored value of \"tries\" cannot be read: invalid type: string \"many\", expected u32"
/// );
/// # Ok::<(), provost_guest::memory::Error>(())
/// ```
pub struct Slot<T> {
    key: Cow<'static, str>,
    value: PhantomData<fn(T) -> T>,
}

impl<T> Slot<T> {
    /// Declares the value with this key.
    #[must_use]
    pub const fn new(key: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), value: PhantomData }
    }

    /// Returns the slot of one process or other thing that has such a value: its key is `KEY/name`.
    #[must_use]
    pub fn of(&self, name: &str) -> Self {
        Self { key: Cow::Owned(format!("{}/{name}", self.key)), value: PhantomData }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Deletes the value, whether it can be read or not.
    pub fn delete(&self) {
        store::delete(&self.key);
    }
}

impl<T: DeserializeOwned> Slot<T> {
    /// Returns the value; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if there is a value that cannot be read as a `T`.
    pub fn get(&self) -> Result<Option<T>, Error> {
        let Some(text) = store::get(&self.key) else { return Ok(None) };
        let unreadable = |fault: json::Fault| Error::unreadable(&self.key, &fault);
        json::read(&text).map(Some).map_err(unreadable)
    }
}

impl<T: DeserializeOwned + Default> Slot<T> {
    /// Returns the value, or the default one if there is none. A value that cannot be read is logged as a warning, and the default
    /// one is returned for it, too.
    #[must_use]
    pub fn get_or_default(&self) -> T {
        match self.get() {
            Ok(value) => value.unwrap_or_default(),
            Err(error) => {
                super::log::warn(error.to_string());
                T::default()
            }
        }
    }
}

impl<T: Serialize> Slot<T> {
    /// Sets the value.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the value cannot be stored, with the limit that was hit.
    pub fn set(&self, value: &T) -> Result<(), Error> {
        let written = serde_json::to_vec(value).map_err(|error| error.to_string());
        let stored = written.and_then(|text| store::set(&self.key, text));
        stored.map_err(|why| Error::Unwritable { key: self.key.to_string(), why })
    }
}

impl<T: DeserializeOwned + Serialize + Default> Slot<T> {
    /// Changes the value, which is the default one if there is none, and returns what it is now.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if there is a value that cannot be read, which stays as it is; [`Error::Unwritable`] if the new one
    /// cannot be stored.
    pub fn update(&self, change: impl FnOnce(&mut T)) -> Result<T, Error> {
        let mut value = self.get()?.unwrap_or_default();
        change(&mut value);
        self.set(&value)?;
        Ok(value)
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Slot").field(&self.key).finish()
    }
}

/// Why a stored value cannot be used.
///
/// ```
/// use provost_guest::memory::{Error, Slot};
///
/// let refused = Slot::new("").set(&7).unwrap_err();
/// assert_eq!(refused.to_string(), "memory: \"\" cannot be stored: a key must have 1 to 256 bytes");
/// assert!(matches!(refused, Error::Unwritable { .. }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The stored value is not of the type of the slot.
    Unreadable {
        /// The key of the slot.
        key: String,
        /// The field of the value, and what is wrong with it.
        why: String,
    },
    /// The value was not stored.
    Unwritable {
        /// The key of the slot.
        key: String,
        /// What the host or serde says.
        why: String,
    },
}

impl Error {
    #[inline(never)]
    fn unreadable(key: &str, fault: &json::Fault) -> Self {
        Self::Unreadable { key: key.to_owned(), why: fault.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { key, why } => {
                write!(out, "memory: the stored value of \"{key}\" cannot be read: {why}")
            }
            Self::Unwritable { key, why } => write!(out, "memory: \"{key}\" cannot be stored: {why}"),
        }
    }
}

impl core::error::Error for Error {}

/// Returns all keys in alphabetical order.
///
/// ```
/// use provost_guest::memory::{self, Slot};
///
/// // Forget what is stored about processes that are not there any more.
/// const TRIES: Slot<u32> = Slot::new("tries");
/// TRIES.of("old").set(&3)?;
/// for key in memory::keys() {
///     if let Some(name) = key.strip_prefix("tries/") {
///         TRIES.of(name).delete();
///     }
/// }
/// assert!(memory::keys().is_empty());
/// # Ok::<(), memory::Error>(())
/// ```
#[must_use]
pub fn keys() -> Vec<String> {
    store::keys()
}

/// Returns the words for a key of a wrong length.
fn wrong_key(bytes_max: u64) -> String {
    format!("a key must have 1 to {bytes_max} bytes")
}

/// Returns the words for a memory that is full.
fn full(bytes_max: u64) -> String {
    format!("the memory of this plugin holds at most {bytes_max} bytes")
}

#[cfg(target_arch = "wasm32")]
mod store {
    use crate::bindings::judge::provost::plugin::memory::{self, Refusal};
    pub(super) use memory::{delete, get, keys};

    pub(super) fn set(key: &str, value: Vec<u8>) -> Result<(), String> {
        memory::set(key, &value).map_err(|refusal| match refusal {
            Refusal::KeyLength(most) => super::wrong_key(most.into()),
            Refusal::Full(most) => super::full(most),
            Refusal::Other(why) => why,
        })
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod store {
    use super::super::native::store::{self, Refusal};
    pub(super) use store::{delete, get, keys};

    pub(super) fn set(key: &str, value: Vec<u8>) -> Result<(), String> {
        store::set(key, value).map_err(|refusal| match refusal {
            Refusal::KeyLength(most) => super::wrong_key(most),
            Refusal::Full(most) => super::full(most),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing;

    const COUNT: Slot<u32> = Slot::new("count");
    const LIST: Slot<BTreeMap<u16, String>> = Slot::new("list");

    #[test]
    fn values_are_read_back_and_can_be_deleted() {
        assert_eq!((COUNT.get(), COUNT.get_or_default()), (Ok(None), 0));
        COUNT.set(&7).expect("there is room");
        let list = LIST.update(|list| drop(list.insert(3, "c".to_owned()))).expect("there is room");
        assert_eq!((COUNT.get(), LIST.get()), (Ok(Some(7)), Ok(Some(list))));
        assert_eq!(keys(), ["count", "list"]);
        COUNT.delete();
        assert_eq!((COUNT.get(), keys()), (Ok(None), vec!["list".to_owned()]));
    }

    #[test]
    fn each_name_has_its_own_value() {
        COUNT.of("web").set(&1).expect("there is room");
        COUNT.of("db").set(&2).expect("there is room");
        assert_eq!(
            (COUNT.get(), COUNT.of("web").get(), COUNT.of("db").get()),
            (Ok(None), Ok(Some(1)), Ok(Some(2)))
        );
        assert_eq!(COUNT.of("web").key(), "count/web");
    }

    #[test]
    fn a_value_of_another_type_is_an_error_and_stays_until_it_is_set_or_deleted() {
        Slot::new("list").set(&vec!["a".to_owned()]).expect("there is room");
        let error = Error::Unreadable {
            key: "list".to_owned(),
            why: "invalid type: sequence, expected a map".to_owned(),
        };
        assert_eq!(LIST.get(), Err(error.clone()));
        assert_eq!(LIST.update(BTreeMap::clear), Err(error.clone()));
        assert_eq!(LIST.get_or_default(), BTreeMap::new());
        let lines = testing::logged();
        assert_eq!(lines, [(super::super::log::Level::Warn, error.to_string())]);
        assert_eq!(keys(), ["list"]);
        LIST.set(&BTreeMap::new()).expect("there is room");
        assert_eq!(LIST.get(), Ok(Some(BTreeMap::new())));
    }

    #[test]
    fn the_limits_of_the_host_hold_in_native_tests() {
        let text: Slot<String> = Slot::new("text");
        let error = text.of(&"x".repeat(260)).set(&String::new()).expect_err("the key is too long");
        assert!(error.to_string().ends_with("a key must have 1 to 256 bytes"), "{error}");
        text.set(&"x".repeat(60_000)).expect("there is room");
        let error = text.of("more").set(&"x".repeat(6_000)).expect_err("it is full");
        assert!(
            error.to_string().ends_with("the memory of this plugin holds at most 65536 bytes"),
            "{error}"
        );
        text.set(&"x".repeat(1_000)).expect("a smaller value takes its place");
        text.of("more").set(&"x".repeat(6_000)).expect("there is room again");
    }
}
