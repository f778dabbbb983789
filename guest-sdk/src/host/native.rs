//! The stand-ins for the host in native tests: the log lines, stored values, variables and plugins of each thread.

use std::cell::RefCell;

use crate::Usage;
use crate::bindings::judge::provost::plugin::log::Level;
use crate::bindings::renderer::provost::plugin::plugins::PluginVersion;
use crate::bindings::renderer::provost::plugin::usages::ProcessUsage;

/// What the host uses, and what the processes use.
type Usages = (Option<Usage>, Vec<ProcessUsage>);

std::thread_local! {
    static USAGES: RefCell<Usages> = const { RefCell::new((None, Vec::new())) };
    static LOGGED: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
    static PLUGINS: RefCell<Vec<PluginVersion>> = const { RefCell::new(Vec::new()) };
}

/// The longest line, in bytes, as in the host.
#[cfg(not(target_arch = "wasm32"))]
const LINE_BYTES_MAX: usize = 4096;

/// Records a line for [`logged`] as the host does: cut, and with a space for each control character.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn keep(level: Level, message: &str) {
    let cut = message.get(..message.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or_default().trim_end();
    let fit = cut.chars().map(|character| if character.is_control() { ' ' } else { character });
    LOGGED.with_borrow_mut(|lines| lines.push((level, fit.collect())));
}

/// Takes the lines that this thread has logged since the last call.
///
/// ```
/// use provost_guest::{log, testing};
///
/// log::info("hello");
/// assert_eq!(testing::logged(), [(log::Level::Info, "hello".to_owned())]);
/// assert!(testing::logged().is_empty());
/// ```
#[must_use]
pub fn logged() -> Vec<(Level, String)> {
    LOGGED.take()
}

/// Sets what [`plugins::loaded`](crate::plugins::loaded) answers in this thread from now on.
///
/// ```
/// use provost_guest::{plugins, testing};
///
/// testing::load([testing::plugin_version("backoff")]);
/// assert_eq!(plugins::loaded().len(), 1);
/// ```
pub fn load(versions: impl IntoIterator<Item = PluginVersion>) {
    PLUGINS.set(versions.into_iter().collect());
}

/// Sets what the functions of [`usages`](crate::usages) answer in this thread from now on.
///
/// ```
/// use provost_guest::{testing, usages};
///
/// testing::use_resources(Some(testing::usage(8 << 20)), []);
/// assert!(usages::host().is_some() && usages::processes().is_empty());
/// ```
pub fn use_resources(host: Option<Usage>, processes: impl IntoIterator<Item = ProcessUsage>) {
    USAGES.set((host, processes.into_iter().collect()));
}

/// Returns the arguments of the last call of [`use_resources`].
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn made_up_usages() -> Usages {
    USAGES.with_borrow(Clone::clone)
}

/// Returns the versions of the last call of [`load`].
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn made_up_plugins() -> Vec<PluginVersion> {
    PLUGINS.with_borrow(Clone::clone)
}

#[cfg(all(feature = "wasi", not(target_arch = "wasm32")))]
std::thread_local! {
    static GRANTED: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// Sets a variable in native tests, for this thread.
///
/// ```
/// use provost_guest::env;
///
/// env::set("PORT", "8080");
/// assert_eq!(env::var("PORT").as_deref(), Some("8080"));
/// ```
#[cfg(all(feature = "wasi", not(target_arch = "wasm32")))]
pub fn set(name: &str, value: &str) {
    GRANTED.with_borrow_mut(|granted| granted.insert(0, (name.to_owned(), value.to_owned())));
}

/// Returns all variables of this thread, the newest first.
#[cfg(all(feature = "wasi", not(target_arch = "wasm32")))]
pub(super) fn granted() -> Vec<(String, String)> {
    GRANTED.with_borrow(Clone::clone)
}

/// Empties the memory store of this thread, as it is before the first call of a plugin.
///
/// ```
/// use provost_guest::{memory::Slot, testing};
///
/// const TRIES: Slot<u32> = Slot::new("tries");
/// TRIES.set(&3)?;
/// testing::forget();
/// assert_eq!(TRIES.get()?, None);
/// # Ok::<(), provost_guest::memory::Error>(())
/// ```
#[cfg(not(target_arch = "wasm32"))]
pub fn forget() {
    store::clear();
}

/// The memory store of this thread, with the default limits of the host.
#[cfg(not(target_arch = "wasm32"))]
pub(super) mod store {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    /// The longest key, in bytes.
    const KEY_BYTES_MAX: usize = 256;
    /// All keys and values together, in bytes.
    const STORED_BYTES_MAX: usize = 64 << 10;

    std::thread_local! {
        static STORE: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Why a value is not stored, with the limit.
    pub(in crate::host) enum Refusal {
        KeyLength(u64),
        Full(u64),
    }

    /// Deletes all keys.
    pub(super) fn clear() {
        STORE.with_borrow_mut(BTreeMap::clear);
    }

    /// Returns the value of a key.
    pub(in crate::host) fn get(key: &str) -> Option<Vec<u8>> {
        STORE.with_borrow(|store| store.get(key).cloned())
    }

    /// Sets the value of a key.
    pub(in crate::host) fn set(key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Refusal::KeyLength(KEY_BYTES_MAX as u64));
        }
        STORE.with_borrow_mut(|store| {
            let others = store.iter().filter(|(other, _)| *other != key);
            let others: usize = others.map(|(other, value)| other.len() + value.len()).sum();
            if others + key.len() + value.len() > STORED_BYTES_MAX {
                return Err(Refusal::Full(STORED_BYTES_MAX as u64));
            }
            store.insert(key.to_owned(), value);
            Ok(())
        })
    }

    /// Deletes a key.
    pub(in crate::host) fn delete(key: &str) {
        STORE.with_borrow_mut(|store| store.remove(key));
    }

    /// Returns all keys in alphabetical order.
    pub(in crate::host) fn keys() -> Vec<String> {
        STORE.with_borrow(|store| store.keys().cloned().collect())
    }
}
