//! The marks of an axis of time.

/// The steps between marks, in milliseconds: 1, 2 and 5 of each decimal unit, then those of clocks.
const STEPS: [u64; 26] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    7_200_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
];

/// The largest number of marks.
const MARKS_MAX: u64 = 10;

/// Returns the times between `from` and `to` (milliseconds) that get a mark: multiples of a round step, at most ten.
pub(super) fn marks(from: u64, to: u64) -> Vec<u64> {
    let span = to.saturating_sub(from);
    let longest = STEPS[STEPS.len() - 1];
    let step = STEPS.into_iter().find(|step| span / step < MARKS_MAX);
    let step = step.unwrap_or_else(|| longest * (span / longest / MARKS_MAX + 1));
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
