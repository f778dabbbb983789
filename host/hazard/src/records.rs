//! The hazard records: what each reader is reading.
//!
//! A record is never freed, and one that is given back is taken again: there are as many as there were reads at the same
//! time, at most. They form a list that only grows at its head.

use super::barrier;
use super::sync::{AtomicBool, AtomicPtr, Ordering};

/// What one reader is reading. Each has lines of the cache of its own, because its reader writes to it at every read.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Record {
    /// The address of the value; null between two reads.
    at: AtomicPtr<()>,
    is_taken: AtomicBool,
    next: Option<&'static Self>,
}

impl Record {
    /// Returns the value to which `published` points. Nobody drops it until [`Record::clear`], provided that a writer
    /// stores another value there before it asks [which values are read](Records::read).
    ///
    /// It looks again if the value was replaced between the two looks: once for each store in that time.
    #[inline]
    pub(crate) fn protect<T>(&self, published: &AtomicPtr<T>) -> *mut T {
        let mut found = published.load(Ordering::Relaxed);
        loop {
            // Release: what was read under the former entry was read before.
            self.at.store(found.cast(), Ordering::Release);
            // Either the writer that looks at this record sees the entry, or the second look sees the writer's store.
            barrier::of_reader();
            let again = published.load(Ordering::Acquire);
            if again == found {
                return again;
            }
            found = again;
        }
    }

    /// Whether no read is entered. Only the thread that has the record can rely on it.
    #[inline]
    pub(crate) fn is_free(&self) -> bool {
        self.at.load(Ordering::Relaxed).is_null()
    }

    /// Ends the read.
    #[inline]
    pub(crate) fn clear(&self) {
        // Release: a writer that sees this drops the value after it was read.
        self.at.store(std::ptr::null_mut(), Ordering::Release);
    }

    /// Gives the record to the next one that takes one.
    pub(crate) fn give_back(&self) {
        self.is_taken.store(false, Ordering::Release);
    }

    fn take(&self) -> bool {
        !self.is_taken.load(Ordering::Relaxed)
            && self.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

/// All records of a program.
#[derive(Debug)]
pub(crate) struct Records {
    first: AtomicPtr<Record>,
}

impl Records {
    /// Makes an empty list around a null pointer.
    pub(crate) const fn new(first: AtomicPtr<Record>) -> Self {
        Self { first }
    }

    /// Takes a record that nobody has, or makes one.
    pub(crate) fn take(&self) -> &'static Record {
        if let Some(free) = self.iter().find(|record| record.take()) {
            return free;
        }
        let mut first = self.first.load(Ordering::Acquire);
        let made = Box::leak(Box::new(Record {
            at: AtomicPtr::new(std::ptr::null_mut()),
            is_taken: AtomicBool::new(true),
            next: None,
        }));
        loop {
            made.next = self.at(first);
            // Release: who finds the record finds what is in it. The exchange also keeps the entry of its reader behind it.
            match self.first.compare_exchange(first, made, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return made,
                Err(found) => first = found,
            }
        }
    }

    /// Returns the addresses of the values that are being read. The caller has made [its
    /// barrier](barrier::of_writer) after it replaced those that it asks for.
    pub(crate) fn read(&self) -> impl Iterator<Item = *mut ()> {
        let entry = |record: &Record| record.at.load(Ordering::Acquire);
        self.iter().map(entry).filter(|at| !at.is_null())
    }

    fn iter(&self) -> impl Iterator<Item = &'static Record> + use<> {
        std::iter::successors(self.at(self.first.load(Ordering::Acquire)), |record| record.next)
    }

    #[expect(unsafe_code, reason = "the head of the list is an atomic pointer")]
    fn at(&self, first: *mut Record) -> Option<&'static Record> {
        // SAFETY: the pointer was loaded from `first`, which is null or was stored by `take`: it then points to a leaked
        // box, which lives for ever, and of which there are only shared references since then.
        unsafe { first.as_ref() }
    }
}
