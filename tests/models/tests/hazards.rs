//! Checks the hazard records of `provost-hazard` in every order that the memory model allows: a value that a writer drops
//! is not being read, and nobody reads it later.
//!
//! The models run the source of the records itself. The barrier of a writer for all threads, which the kernel makes, cannot
//! be modelled; the barrier that each thread makes for itself stands for it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Declares the records with these barriers, and a model of them as a function `check`.
macro_rules! records {
    ($name:ident, reader: $reader:expr, writer: $writer:expr) => {
        #[path = "."]
        mod $name {
            pub(crate) mod sync {
                pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
            }

            pub(crate) mod barrier {
                pub(crate) fn of_reader() {
                    $reader
                }

                pub(crate) fn of_writer() {
                    $writer
                }
            }

            #[path = "../../../host/hazard/src/records.rs"]
            pub(crate) mod records;

            use loom::cell::UnsafeCell;
            use loom::thread;

            use records::Records;
            use sync::{AtomicPtr, Ordering};

            /// A value that a reader may only look at while it is not dropped. Loom fails if both happen at once, or if
            /// nothing orders one after the other.
            struct Value(UnsafeCell<bool>);

            #[expect(
                unsafe_code,
                reason = "the values are behind raw pointers, as in the code that is modelled"
            )]
            fn living() -> *mut Value {
                let value = UnsafeCell::new(true);
                // SAFETY: nobody else has it. This is a write that a reader has to see.
                value.with_mut(|dropped| unsafe { *dropped = false });
                Box::leak(Box::new(Value(value)))
            }

            /// Everything of one run; its parts are shared by all threads and never freed.
            struct World {
                records: Records,
                published: AtomicPtr<Value>,
            }

            #[expect(
                unsafe_code,
                reason = "the values are behind raw pointers, as in the code that is modelled"
            )]
            fn read(world: &World) {
                let record = world.records.take();
                let value = record.protect(&world.published);
                // SAFETY: it is leaked, so it is memory that can be read.
                unsafe { &*value }.0.with(|dropped| assert!(!unsafe { *dropped }, "a dropped value is read"));
                record.clear();
                record.give_back();
            }

            #[expect(
                unsafe_code,
                reason = "the values are behind raw pointers, as in the code that is modelled"
            )]
            fn replace(world: &World) {
                let former = world.published.swap(living(), Ordering::AcqRel);
                barrier::of_writer();
                if world.records.read().all(|read| read != former.cast()) {
                    // SAFETY: as above; loom checks that nobody reads it now.
                    unsafe { &*former }.0.with_mut(|dropped| unsafe { *dropped = true });
                }
            }

            /// Each of `readers` threads reads `reads` times while one replaces the value `stores` times.
            pub(crate) fn check(readers: usize, reads: usize, stores: usize) {
                let mut builder = loom::model::Builder::new();
                builder.preemption_bound = Some(3);
                builder.check(move || {
                    let world: &'static World = Box::leak(Box::new(World {
                        records: Records::new(AtomicPtr::new(std::ptr::null_mut())),
                        published: AtomicPtr::new(living()),
                    }));
                    let reading = || thread::spawn(move || (0..reads).for_each(|_| read(world)));
                    let threads: Vec<_> = (0..readers).map(|_| reading()).collect();
                    (0..stores).for_each(|_| replace(world));
                    threads.into_iter().for_each(|thread| thread.join().unwrap());
                });
            }
        }
    };
}

fn full() {
    loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
}

records!(sound, reader: crate::full(), writer: crate::full());
records!(without_the_readers, reader: (), writer: crate::full());
records!(without_the_writers, reader: crate::full(), writer: ());

#[test]
fn a_value_is_dropped_only_when_nobody_reads_it() {
    sound::check(1, 2, 2);
    sound::check(2, 1, 1);
}

#[test]
#[should_panic(expected = "read")]
fn without_the_barrier_of_the_reader_a_dropped_value_is_read() {
    without_the_readers::check(1, 1, 1);
}

#[test]
#[should_panic(expected = "read")]
fn without_the_barrier_of_the_writer_a_dropped_value_is_read() {
    without_the_writers::check(1, 1, 1);
}
