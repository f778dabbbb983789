//! When the faults of a scenario have affected a process: then it cannot be expected to run.

use std::sync::Arc;

/// A time in which a fault has affected a process: from `from_ms` on, and before `until_ms`; a moment if the two are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The process.
    pub process: Arc<str>,
    /// The name of the fault; empty if it has none.
    pub fault: Arc<str>,
    /// The first millisecond.
    pub from_ms: u64,
    /// The first millisecond after it.
    pub until_ms: u64,
}

/// Returns the times in which nothing affects a process, of a scenario that lasts `lasts_ms`: each with its beginning and its end.
pub(crate) fn calm(affected: &[&Affected], lasts_ms: u64) -> Vec<(u64, u64)> {
    let mut times: Vec<(u64, u64)> = affected.iter().map(|one| (one.from_ms, one.until_ms)).collect();
    times.sort_unstable();
    let (mut calm, mut since) = (Vec::new(), 0);
    for (from_ms, until_ms) in times {
        if from_ms > since {
            calm.push((since, from_ms));
        }
        since = since.max(until_ms);
    }
    if since < lasts_ms {
        calm.push((since, lasts_ms));
    }
    calm
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm_of(times: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let one = |&(from_ms, until_ms): &(u64, u64)| Affected {
            process: "web".into(),
            fault: "".into(),
            from_ms,
            until_ms,
        };
        let affected: Vec<Affected> = times.iter().map(one).collect();
        calm(&affected.iter().collect::<Vec<_>>(), 100)
    }

    #[test]
    fn it_is_calm_between_the_times_of_faults() {
        assert_eq!(calm_of(&[]), [(0, 100)]);
        assert_eq!(calm_of(&[(20, 30), (10, 25), (50, 50)]), [(0, 10), (30, 50), (50, 100)]);
        assert_eq!(calm_of(&[(0, 100)]), []);
        assert_eq!(calm_of(&[(90, 200)]), [(0, 90)]);
    }
}
