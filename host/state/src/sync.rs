//! The atomic types of the state core, so that a model checker can replace them.
//!
//! `tests/models` compiles this crate with `cfg(loom)`: then loom tries every order of the
//! operations on each atomic, mutex and published pointer. Of `arc_swap` and `provost_hazard`, their contract is modelled
//! here: a store releases, a load acquires, a compare-and-swap does both, and a loaded value stays alive as long as it is
//! held. (`tests/models` checks the hazard records themselves in models of their own.) Types on which no order of events
//! depends (counters, histograms, the words of names, which the
//! tenancy of a place guards) are not replaced.

pub(crate) use self::here::*;

#[cfg(not(loom))]
mod here {
    pub(crate) use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};

    pub(crate) use arc_swap::{ArcSwap, ArcSwapOption, Guard};
    pub(crate) use provost_hazard::{Published, Retired};
    pub(crate) use std::hint::spin_loop as spin;

    /// A value that is set once, by one writer.
    #[derive(Debug)]
    pub(crate) struct Once<T>(std::sync::OnceLock<T>);

    impl<T> Once<T> {
        pub(crate) fn new() -> Self {
            Self(std::sync::OnceLock::new())
        }

        /// Sets the value; only the first time counts.
        pub(crate) fn set(&self, value: T) {
            let _ = self.0.set(value);
        }

        pub(crate) fn get(&self) -> Option<&T> {
            self.0.get()
        }
    }
}

#[cfg(loom)]
mod here {
    use std::ops::Deref;
    use std::sync::{Arc, PoisonError};

    use loom::sync::atomic::AtomicUsize;
    pub(crate) use loom::sync::atomic::{AtomicU16, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard, RwLock};
    pub(crate) use loom::thread::yield_now as spin;

    /// The value that a load returns, kept alive.
    #[derive(Debug)]
    pub(crate) struct Guard<T>(T);

    impl<T> Deref for Guard<T> {
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

        fn keep(&self, value: Arc<T>) -> usize {
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            published.push(value);
            published.len()
        }

        fn kept(&self, at: usize) -> Option<Arc<T>> {
            self.published.lock().unwrap_or_else(PoisonError::into_inner).get(at.checked_sub(1)?).cloned()
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            let at = value.map_or(0, |value| self.keep(value));
            self.at.store(at, Ordering::Release);
        }

        pub(crate) fn swap(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
            let at = value.map_or(0, |value| self.keep(value));
            self.kept(self.at.swap(at, Ordering::AcqRel))
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            self.kept(self.at.load(Ordering::Acquire))
        }

        pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
            Guard(self.load_full())
        }
    }

    /// The contract of `arc_swap::ArcSwap`. The first value is published when it is created, before it is shared.
    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(ArcSwapOption<T>, Arc<T>);

    impl<T> ArcSwap<T> {
        pub(crate) fn new(value: Arc<T>) -> Self {
            Self(ArcSwapOption::empty(), value)
        }

        pub(crate) fn from_pointee(value: T) -> Self {
            Self::new(Arc::new(value))
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

        /// Stores `next` if the value is still `current`, and returns the value that was there.
        pub(crate) fn compare_and_swap(&self, current: &Arc<T>, next: Arc<T>) -> Guard<Arc<T>> {
            let was = |at| self.0.kept(at).unwrap_or_else(|| self.1.clone());
            let next = self.0.keep(next);
            let mut at = self.0.at.load(Ordering::Acquire);
            while Arc::ptr_eq(&was(at), current) {
                match self.0.at.compare_exchange(at, next, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => break,
                    Err(found) => at = found,
                }
            }
            Guard(was(at))
        }
    }

    /// The contract of `std::sync::OnceLock`, for one writer: setting releases, getting acquires.
    #[derive(Debug)]
    pub(crate) struct Once<T> {
        is_set: AtomicUsize,
        value: std::sync::OnceLock<T>,
    }

    impl<T> Once<T> {
        pub(crate) fn new() -> Self {
            Self { is_set: AtomicUsize::new(0), value: std::sync::OnceLock::new() }
        }

        pub(crate) fn set(&self, value: T) {
            let _ = self.value.set(value);
            self.is_set.store(1, Ordering::Release);
        }

        pub(crate) fn get(&self) -> Option<&T> {
            if self.is_set.load(Ordering::Acquire) == 1 { self.value.get() } else { None }
        }
    }

    /// The contract of `provost_hazard::Published`.
    #[derive(Debug)]
    pub(crate) struct Published<T>(ArcSwap<T>);

    impl<T> Published<T> {
        pub(crate) fn new(value: Arc<T>) -> Self {
            Self(ArcSwap::new(value))
        }

        pub(crate) fn read(&self) -> Reading<T> {
            Reading(self.load())
        }

        pub(crate) fn load(&self) -> Arc<T> {
            self.0.load_full()
        }

        pub(crate) fn is(&self, value: &Arc<T>) -> bool {
            Arc::ptr_eq(&self.0.load_full(), value)
        }

        pub(crate) fn store(&self, next: Arc<T>, _retired: &mut Retired<T>) {
            self.0.store(next);
        }
    }

    /// The contract of `provost_hazard::Reading`.
    #[derive(Debug)]
    pub(crate) struct Reading<T>(Arc<T>);

    impl<T> Reading<T> {
        pub(crate) fn share(&self) -> Arc<T> {
            self.0.clone()
        }
    }

    impl<T> Deref for Reading<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    /// In the models nothing is dropped before the end.
    #[derive(Debug)]
    pub(crate) struct Retired<T>(std::marker::PhantomData<T>);

    impl<T> Default for Retired<T> {
        fn default() -> Self {
            Self(std::marker::PhantomData)
        }
    }
}
