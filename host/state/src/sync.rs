//! The atomic types of the core, all from one place, so that a model checker can replace them (as in tokio's
//! `loom` module).
//!
//! The package `provost-models` compiles these same sources with `cfg(loom)`: then loom tries every order of the
//! operations on each atomic, mutex and published pointer. `arc_swap` itself cannot be modelled; its contract is
//! modelled instead: a store releases, a load acquires, and a loaded value stays alive as long as it is held.
//! Types on which no order of events depends (counters, histograms, words that are set once) are not replaced.

pub(crate) use self::here::*;

#[cfg(not(loom))]
mod here {
    pub(crate) use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};

    pub(crate) use arc_swap::{ArcSwap, ArcSwapOption, Guard};
    pub(crate) use std::hint::spin_loop as spin;
}

#[cfg(loom)]
mod here {
    use std::sync::{Arc, PoisonError};

    use loom::sync::atomic::AtomicUsize;
    pub(crate) use loom::sync::atomic::{AtomicU16, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock};
    pub(crate) use loom::thread::yield_now as spin;

    /// The value that a load returns, kept alive.
    #[derive(Debug)]
    pub(crate) struct Guard<T>(T);

    impl<T> std::ops::Deref for Guard<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    /// The contract of `arc_swap::ArcSwapOption`. `at` replaces the pointer: 0 is null, n is item n - 1 of `published`.
    #[derive(Debug)]
    pub(crate) struct ArcSwapOption<T> {
        at: AtomicUsize,
        /// All values ever stored. The mutex is not loom's, because it must not order anything in the model.
        published: std::sync::Mutex<Vec<Arc<T>>>,
    }

    impl<T> ArcSwapOption<T> {
        pub(crate) fn empty() -> Self {
            Self { at: AtomicUsize::new(0), published: std::sync::Mutex::default() }
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            let at = value.map_or(0, |value| {
                let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
                published.push(value);
                published.len()
            });
            self.at.store(at, Ordering::Release);
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            let at = self.at.load(Ordering::Acquire).checked_sub(1)?;
            self.published.lock().unwrap_or_else(PoisonError::into_inner).get(at).cloned()
        }
    }

    /// The contract of `arc_swap::ArcSwap`.
    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(ArcSwapOption<T>, Arc<T>);

    impl<T> ArcSwap<T> {
        pub(crate) fn from_pointee(value: T) -> Self {
            Self(ArcSwapOption::empty(), Arc::new(value))
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            self.0.store(Some(value));
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            self.0.load_full().unwrap_or_else(|| self.1.clone())
        }

        pub(crate) fn load(&self) -> Guard<Arc<T>> {
            Guard(self.load_full())
        }
    }
}
