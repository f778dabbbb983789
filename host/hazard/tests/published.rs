//! What is published is read whole, is dropped when nobody reads it, and not before.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use provost_hazard::{BATCH, Published, Retired};

/// A value that counts those of its kind that live, and whose halves are equal as long as it does.
struct Value {
    halves: [usize; 2],
    living: Arc<AtomicUsize>,
}

impl Value {
    fn new(number: usize, living: &Arc<AtomicUsize>) -> Arc<Self> {
        living.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self { halves: [number; 2], living: living.clone() })
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.halves = [1, 2];
        self.living.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn a_value_that_is_read_outlives_its_successors_and_no_other_does() {
    let living = Arc::<AtomicUsize>::default();
    let published = Published::new(Value::new(0, &living));
    let mut retired = Retired::default();
    let first = published.read();
    for number in 1..=10 * BATCH {
        published.store(Value::new(number, &living), &mut retired);
        assert!(living.load(Ordering::SeqCst) <= BATCH + 2, "the first, the last, and a batch");
    }
    assert_eq!(first.halves, [0, 0]);
    let kept = first.share();
    drop(first);
    drop((published, retired));
    assert_eq!((kept.halves, living.load(Ordering::SeqCst)), ([0, 0], 1));
}

#[test]
fn reads_may_be_nested_and_end_in_any_order() {
    let living = Arc::<AtomicUsize>::default();
    let published: Vec<_> = (0..4).map(|number| Published::new(Value::new(number, &living))).collect();
    let mut retired = Retired::default();
    for turn in 0..4 {
        let mut reading: Vec<_> = published.iter().map(Published::read).collect();
        let before: Vec<_> = reading.iter().map(|value| value.halves).collect();
        for number in 0..BATCH {
            for cell in &published {
                cell.store(Value::new(number, &living), &mut retired);
            }
        }
        assert!(reading.iter().map(|value| value.halves).eq(before));
        drop(reading.remove(turn));
        drop(reading.remove(0));
    }
}

#[test]
fn what_is_being_read_when_the_writer_goes_is_never_dropped() {
    let living = Arc::<AtomicUsize>::default();
    let published = Published::new(Value::new(1, &living));
    let mut retired = Retired::default();
    let reading = published.read();
    published.store(Value::new(2, &living), &mut retired);
    drop(retired);
    assert_eq!(reading.halves, [1, 1]);
}

#[test]
fn a_value_is_recognized_while_it_is_the_published_one() {
    let (one, two) = (Arc::new(1), Arc::new(2));
    let published = Published::new(one.clone());
    assert!(published.is(&one) && !published.is(&two));
    published.store(two.clone(), &mut Retired::default());
    assert!(!published.is(&one) && published.is(&two));
}

#[test]
fn threads_read_whole_values_that_never_go_backwards_while_two_writers_replace_them() {
    let living = Arc::<AtomicUsize>::default();
    // Each writer has a value of its own.
    let published: Arc<[Published<Value>; 2]> =
        Arc::new([0, 0].map(|_| Published::new(Value::new(0, &living))));
    let stop = Arc::<AtomicBool>::default();
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (published, stop) = (published.clone(), stop.clone());
            thread::spawn(move || {
                let mut last = [0, 0];
                while !stop.load(Ordering::Relaxed) {
                    // A thread that comes and goes leaves its record to the next.
                    let reads = || thread::scope(|scope| scope.spawn(|| published[1].load().halves).join());
                    for halves in [published[0].read().halves, published[0].load().halves] {
                        assert!(halves[0] == halves[1] && halves[0] >= last[0], "{halves:?} {last:?}");
                        last[0] = halves[0];
                    }
                    let halves =
                        if last[0] % 64 == 0 { reads().unwrap() } else { published[1].read().halves };
                    assert!(halves[0] == halves[1] && halves[0] >= last[1], "{halves:?} {last:?}");
                    last[1] = halves[0];
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..2)
        .map(|of: usize| {
            let (published, living) = (published.clone(), living.clone());
            thread::spawn(move || {
                let mut retired = Retired::default();
                for number in 1..=40_000 {
                    published[of].store(Value::new(number, &living), &mut retired);
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    stop.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    // What a writer left because it was being read at its end is not dropped.
    assert!(living.load(Ordering::SeqCst) <= 2 + 2 * 4);
}
