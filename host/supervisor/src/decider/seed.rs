//! Seeds for policies, which have no randomness: the seed is the same for the same trigger, on every machine and with
//! every compiler.

use provost_state::Moment;

/// Computes FNV-1a in 64 bits (Fowler, Noll and Vo) over the name, the number and the wall-clock time, each in
/// little-endian bytes, with the finaliser of SplitMix64, so that neighbouring triggers have seeds far apart.
pub(crate) fn seed(name: &str, number: u64, now: Moment) -> u64 {
    let numbers = number.to_le_bytes().into_iter().chain(now.wall_ms.to_le_bytes());
    let hash = name.bytes().chain(numbers).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
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
