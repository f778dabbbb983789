//! The pointer, the reading of it, and the values that were replaced.

use std::cell::Cell;
use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use super::barrier;
use super::records::{Record, Records};
use super::sync::{AtomicPtr, Ordering};

/// How many replaced values are kept before those that nobody reads are dropped.
pub const BATCH: usize = 256;

static RECORDS: Records = Records::new(AtomicPtr::new(std::ptr::null_mut()));

thread_local! {
    /// The record of this thread, since its first read.
    static OWN: Cell<Option<&'static Record>> = const { Cell::new(None) };
    static LEAVING: Leaving = const { Leaving };
}

/// Gives the record of a thread back when the thread ends.
struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        // One that is in use is not given to another thread: a read may outlive this value.
        if let Some(record) = OWN.take().filter(|record| record.is_free()) {
            record.give_back();
        }
    }
}

/// A value that is read without a lock and replaced as a whole.
pub struct Published<T> {
    /// From [`Arc::into_raw`]; never null. It owns one reference.
    at: AtomicPtr<T>,
    owned: PhantomData<Arc<T>>,
}

impl<T> Published<T> {
    /// Publishes the first value.
    pub fn new(value: Arc<T>) -> Self {
        barrier::prepare();
        Self { at: AtomicPtr::new(Arc::into_raw(value).cast_mut()), owned: PhantomData }
    }

    /// Returns the value for short use: it takes no lock and counts no reference. It is lock-free: it begins again for each
    /// store that comes in between its two looks.
    #[inline]
    pub fn read(&self) -> Reading<'_, T> {
        let own = OWN.get().filter(|own| own.is_free());
        let (record, is_own) = own.map_or_else(another, |own| (own, true));
        Reading { at: record.protect(&self.at), record, is_own, of: PhantomData }
    }

    /// Returns the value, which may be kept for any time.
    #[inline]
    pub fn load(&self) -> Arc<T> {
        self.read().share()
    }

    /// Whether `value` is the published one. It does not make it one that can be read: the caller holds it.
    #[inline]
    pub fn is(&self, value: &Arc<T>) -> bool {
        // Acquire: a caller that sees that this value was published also sees what came before it.
        std::ptr::eq(self.at.load(Ordering::Acquire), Arc::as_ptr(value))
    }

    /// Publishes `next`. The value that it replaces is dropped after nobody reads it any more.
    #[expect(unsafe_code, reason = "the reference that the pointer owned becomes an `Arc` again")]
    pub fn store(&self, next: Arc<T>, retired: &mut Retired<T>) {
        let former = self.at.swap(Arc::into_raw(next).cast_mut(), Ordering::AcqRel);
        // SAFETY: `at` always holds a pointer from `Arc::into_raw` and owns a reference. The exchange took that
        // reference out, and nobody else can take it.
        let former = unsafe { Arc::from_raw(former) };
        retired.keep(former);
    }
}

impl<T> Drop for Published<T> {
    #[expect(unsafe_code, reason = "the reference that the pointer owns is dropped")]
    fn drop(&mut self) {
        // SAFETY: `at` owns a reference, and no read is in progress: a `Reading` would borrow `self`.
        drop(unsafe { Arc::from_raw(self.at.load(Ordering::Relaxed)) });
    }
}

impl<T: Debug> Debug for Published<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Published").field(&*self.read()).finish()
    }
}

/// Takes a record for a thread whose own is in use, or that has none: at its first read and while it ends. Also returns
/// whether it is the thread's own from now on: a thread that is ending would not give it back.
#[cold]
fn another() -> (&'static Record, bool) {
    let record = RECORDS.take();
    let is_own = OWN.get().is_none() && LEAVING.try_with(|_| ()).is_ok();
    if is_own {
        OWN.set(Some(record));
    }
    (record, is_own)
}

/// A value that is being read. It must not be held across an await: while it is held, its value is not dropped.
pub struct Reading<'a, T> {
    at: *mut T,
    record: &'static Record,
    /// Whether that is the thread's own, which it keeps for its next read.
    is_own: bool,
    of: PhantomData<&'a Published<T>>,
}

impl<T> Reading<'_, T> {
    /// Returns the value, which may be kept for any time.
    #[expect(unsafe_code, reason = "a reference is counted for a value behind a raw pointer")]
    #[inline]
    pub fn share(&self) -> Arc<T> {
        // SAFETY: `at` comes from `Arc::into_raw`, and as long as the record names it, the `Published` or a `Retired`
        // has a reference to it.
        unsafe {
            Arc::increment_strong_count(self.at);
            Arc::from_raw(self.at)
        }
    }
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;

    #[expect(unsafe_code, reason = "the value is behind a raw pointer")]
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: as in `share`: the value is not dropped as long as the record names it, and it is only ever shared.
        unsafe { &*self.at }
    }
}

impl<T: Debug> Debug for Reading<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for Reading<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.record.clear();
        if !self.is_own {
            self.record.give_back();
        }
    }
}

/// Values that were replaced and that somebody may still be reading. At most [`BATCH`] and one for each read in progress
/// are kept.
#[derive(Debug)]
pub struct Retired<T> {
    values: Vec<Arc<T>>,
    /// The number of values at which the records are looked at.
    limit: usize,
}

impl<T> Default for Retired<T> {
    fn default() -> Self {
        Self { values: Vec::new(), limit: BATCH }
    }
}

impl<T> Retired<T> {
    fn keep(&mut self, value: Arc<T>) {
        self.values.push(value);
        if self.values.len() >= self.limit {
            self.drop_unread();
            self.limit = self.values.len() + BATCH;
        }
    }

    /// Drops the values that nobody reads.
    #[cold]
    fn drop_unread(&mut self) {
        // Nothing is dropped if the barrier could not be made: then it is tried again later.
        if barrier::of_writer() {
            let read: Vec<*mut ()> = RECORDS.read().collect();
            self.values.retain(|value| read.contains(&Arc::as_ptr(value).cast_mut().cast()));
        }
    }
}

impl<T> Drop for Retired<T> {
    fn drop(&mut self) {
        self.drop_unread();
        // What is being read at this moment is never dropped: nobody would look for the end of that read.
        self.values.drain(..).for_each(std::mem::forget);
    }
}
