//! The delays, in milliseconds: from five seconds to a minute, doubled with each failure, and a fifth shorter or longer at random.

const FIRST_MS: u32 = 5_000;
const MAX_MS: u32 = 60_000;
const SPREAD: f64 = 0.2;

/// Returns the delay after the `nth` failure of a streak, from 1.
pub(crate) fn doubled(nth: u32) -> u64 {
    u64::from(FIRST_MS.saturating_mul(2_u32.saturating_pow(nth - 1)).min(MAX_MS))
}

/// Returns what comes out of that in 32 bits that overflow: 0 from the thirtieth failure on.
pub(crate) fn wrapping(nth: u32) -> u64 {
    u64::from(FIRST_MS.wrapping_mul(2_u32.wrapping_pow(nth - 1)).min(MAX_MS))
}

/// Moves a delay by what `by` says, and never above the longest one.
pub(crate) fn spread(plain_ms: u64, by: u64) -> u64 {
    // The finalizer of splitmix64: neighbouring numbers give unrelated ones.
    let mixed = (by ^ (by >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64;
    let moved = plain_ms as f64 * (1.0 + SPREAD * (2.0 * share - 1.0));
    (moved.round() as u64).min(u64::from(MAX_MS))
}
