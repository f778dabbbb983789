//! The verdict on a target in words, computed from the ratios alone: whether it is met, and under which condition.

use crate::figures::{Block, times};

/// The ratio at one number of threads.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub threads: u64,
    pub ratio: f64,
    pub disturbed: bool,
}

impl Point {
    /// Returns the ratio of two designs in a block.
    pub fn of(block: &Block, design: &str, baseline: &str) -> Option<Self> {
        let ratio = block.ratio(design, baseline)?;
        Some(Self { threads: block.threads(), ratio, disturbed: block.is_disturbed() })
    }
}

/// Returns the points as text, each with its number of threads.
pub fn shown(points: &[Point]) -> String {
    let point =
        |it: &Point| format!("{}: {}{}", it.threads, times(it.ratio), if it.disturbed { "\\*" } else { "" });
    points.iter().map(point).collect::<Vec<_>>().join(", ")
}

/// Returns the verdict on a goal that is met or not.
pub fn met(is_met: bool) -> &'static str {
    if is_met { "**met**" } else { "**not met**" }
}

/// Returns the verdict on a target that ratios of at least `goal` meet.
pub fn verdict(points: &[Point], goal: f64) -> String {
    let clean: Vec<Point> = points.iter().copied().filter(|point| !point.disturbed).collect();
    if points.is_empty() {
        return "not measured".to_owned();
    }
    if clean.is_empty() {
        return format!("{}, but every block was disturbed", judged(points, goal));
    }
    judged(&clean, goal)
}

fn judged(points: &[Point], goal: f64) -> String {
    let is_met = |point: &&Point| point.ratio >= goal;
    let alone = points.iter().find(|point| point.threads == 1);
    let met: Vec<String> = points.iter().filter(is_met).map(|point| point.threads.to_string()).collect();
    let contended = || points.iter().filter(|point| point.threads > 1);
    if met.len() == points.len() {
        "**met**".to_owned()
    } else if met.is_empty() {
        let most = points.iter().map(|point| point.ratio).fold(f64::MIN, f64::max);
        format!("**not met**: {} at most", times(most))
    } else if alone.is_some_and(|alone| alone.ratio < goal) && contended().all(|it| is_met(&it)) {
        "**met only under contention** (>= 2 threads)".to_owned()
    } else {
        format!("**met only at {} threads**", met.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(ratios: &[(u64, f64)]) -> Vec<Point> {
        ratios
            .iter()
            .map(|(threads, ratio)| Point { threads: *threads, ratio: *ratio, disturbed: false })
            .collect()
    }

    #[test]
    fn a_verdict_says_under_which_condition_a_target_is_met() {
        assert_eq!(verdict(&points(&[(1, 31.0), (2, 40.0)]), 30.0), "**met**");
        assert_eq!(
            verdict(&points(&[(1, 3.0), (2, 40.0)]), 30.0),
            "**met only under contention** (>= 2 threads)"
        );
        assert_eq!(verdict(&points(&[(1, 31.0), (2, 3.0), (4, 30.0)]), 30.0), "**met only at 1, 4 threads**");
        assert_eq!(verdict(&points(&[(1, 3.0), (2, 4.0)]), 30.0), "**not met**: 4.00x at most");
        assert_eq!(verdict(&[], 30.0), "not measured");
    }

    #[test]
    fn a_disturbed_block_counts_only_if_there_is_no_other() {
        let mut two = points(&[(1, 3.0), (2, 40.0)]);
        two[0].disturbed = true;
        assert_eq!(verdict(&two, 30.0), "**met**");
        two[1].disturbed = true;
        assert!(verdict(&two, 30.0).ends_with("every block was disturbed"));
    }
}
