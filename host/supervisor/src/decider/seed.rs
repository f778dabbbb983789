//! Seeds for policies, which have no randomness: the seed is the same for the same trigger, on every machine and with
//! every compiler.

use provost_state::{Moment, hash};

/// Computes a hash over the name, the number and the wall-clock time, the numbers in little-endian bytes. It is mixed, so that
/// neighbouring triggers have seeds far apart.
pub(crate) fn seed(name: &str, number: u64, now: Moment) -> u64 {
    let numbers = number.to_le_bytes().into_iter().chain(now.wall_ms.to_le_bytes());
    hash::mixed(name.bytes().chain(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_for_ever() {
        let now = Moment { wall_ms: 1_700_000_000_000, mono_ns: 7 };
        assert_eq!(seed("web", 3, now), SEED);
        assert_ne!(seed("web", 4, now), SEED);
    }

    /// A fixed value: replays of old journals depend on it.
    const SEED: u64 = 10_181_912_040_584_271_870;
}
