//! The marks of an axis of time.

/// The steps between marks: units in milliseconds, and the numbers of each that a step has.
const STEPS: [(u64, &[u64]); 5] = [
    (1, &[1, 2, 5, 10, 20, 50, 100, 200, 500]),
    (1_000, &[1, 2, 5, 10, 20, 30]),
    (60_000, &[1, 2, 5, 10, 30]),
    (3_600_000, &[1, 2, 6, 12]),
    (WEEK / 7, &[1, 7]),
];

/// The longest of these steps, multiples of which are used for longer times.
const WEEK: u64 = 604_800_000;

/// The largest number of marks.
const MARKS_MAX: u64 = 10;

/// Returns the times between `from` and `to` (milliseconds) that get a mark: multiples of a round step, at most ten.
pub(super) fn marks(from: u64, to: u64) -> Vec<u64> {
    let span = to.saturating_sub(from);
    let mut steps = STEPS.iter().flat_map(|(unit, numbers)| numbers.iter().map(move |number| unit * number));
    let step = steps.find(|step| span / step < MARKS_MAX);
    let step = step.unwrap_or_else(|| WEEK * (span / WEEK / MARKS_MAX + 1));
    let first = from.div_ceil(step) * step;
    (0..=MARKS_MAX).map(|at| first + at * step).take_while(|at| *at <= to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_are_round_and_few() {
        assert_eq!(marks(0, 514), [0, 100, 200, 300, 400, 500]);
        assert_eq!(marks(61_000, 190_000), [80_000, 100_000, 120_000, 140_000, 160_000, 180_000]);
        assert_eq!(marks(7, 7), [7]);
        for span in [0, 1, 9, 10, 999, 3_599_999, 86_400_000, 1 << 40, 1 << 60] {
            let marks = marks(1_792_736_777_123, 1_792_736_777_123 + span);
            assert!(marks.len() <= 11, "{span}: {marks:?}");
        }
    }
}
