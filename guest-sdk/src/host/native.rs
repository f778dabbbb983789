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

/// Records a line for [`logged`].
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn keep(level: Level, message: &str) {
    LOGGED.with_borrow_mut(|lines| lines.push((level, message.to_owned())));
}

/// Takes the lines that this thread has logged since the last call.
#[must_use]
pub fn logged() -> Vec<(Level, String)> {
    LOGGED.take()
}

/// Sets what [`plugins::loaded`](crate::plugins::loaded) answers in this thread from now on.
pub fn load(versions: impl IntoIterator<Item = PluginVersion>) {
    PLUGINS.set(versions.into_iter().collect());
}

/// Sets what the functions of [`usages`](crate::usages) answer in this thread from now on.
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
#[cfg(all(feature = "wasi", not(target_arch = "wasm32")))]
pub fn set(name: &str, value: &str) {
    GRANTED.with_borrow_mut(|granted| granted.insert(0, (name.to_owned(), value.to_owned())));
}

/// Returns all variables of this thread, the newest first.
#[cfg(all(feature = "wasi", not(target_arch = "wasm32")))]
pub(super) fn granted() -> Vec<(String, String)> {
    GRANTED.with_borrow(Clone::clone)
}

/// The memory store of this thread.
#[cfg(not(target_arch = "wasm32"))]
pub(super) mod store {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    std::thread_local! {
        static STORE: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Returns the value of a key.
    pub(in crate::host) fn get(key: &str) -> Option<Vec<u8>> {
        STORE.with_borrow(|store| store.get(key).cloned())
    }

    /// Sets the value of a key.
    #[expect(clippy::unnecessary_wraps, reason = "the host may refuse")]
    pub(in crate::host) fn set(key: &str, value: Vec<u8>) -> Result<(), String> {
        STORE.with_borrow_mut(|store| store.insert(key.to_owned(), value));
        Ok(())
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
