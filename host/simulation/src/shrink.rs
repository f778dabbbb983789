//! Finds a smaller scenario that still breaks what is expected. It does not know what a scenario is: it tries the smaller ones that
//! it is given, takes the first that still breaks, and goes on from there.

/// The result of shrinking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk<T> {
    /// The smallest one that was found.
    pub smallest: T,
    /// How many were tried.
    pub tried: u32,
    /// Whether no smaller one was left to try.
    pub is_minimal: bool,
}

/// Shrinks `start`, which breaks an expectation. `smaller` returns the smaller ones to try, the most promising first; `still_breaks`
/// says whether one breaks the same expectation. At most `tries` are tried.
pub fn shrink<T>(
    start: T,
    tries: u32,
    smaller: impl Fn(&T) -> Vec<T>,
    mut still_breaks: impl FnMut(&T) -> bool,
) -> Shrunk<T> {
    let (mut smallest, mut tried) = (start, 0);
    'anew: loop {
        for candidate in smaller(&smallest) {
            if tried == tries {
                return Shrunk { smallest, tried, is_minimal: false };
            }
            tried += 1;
            if still_breaks(&candidate) {
                smallest = candidate;
                continue 'anew;
            }
        }
        return Shrunk { smallest, tried, is_minimal: true };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists without one element, and lists with one element halved.
    fn smaller(list: &[u32]) -> Vec<Vec<u32>> {
        let without = (0..list.len()).map(|at| {
            let mut list = list.to_vec();
            list.remove(at);
            list
        });
        let halved = (0..list.len()).filter(|at| list[*at] > 0).map(|at| {
            let mut list = list.to_vec();
            list[at] /= 2;
            list
        });
        without.chain(halved).collect()
    }

    #[test]
    fn what_is_left_still_breaks_and_nothing_smaller_does() {
        let breaks = |list: &Vec<u32>| list.iter().any(|one| *one >= 10);
        let shrunk = shrink(vec![3, 40, 7, 99], 1_000, |list| smaller(list), breaks);
        assert_eq!((shrunk.smallest, shrunk.is_minimal), (vec![12], true));
    }

    #[test]
    fn the_number_of_tries_is_bounded() {
        let shrunk = shrink(vec![1_000_000], 3, |list| smaller(list), |list: &Vec<u32>| !list.is_empty());
        assert_eq!((shrunk.tried, shrunk.is_minimal), (3, false));
    }
}
