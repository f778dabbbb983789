//! Hashes that are the same on every machine and for ever: what was hashed once may be on a disk, and a name keeps its place. Those
//! of the standard library may differ between its versions.

/// The hash of no bytes.
pub const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// Computes FNV-1a in 64 bits (Fowler, Noll and Vo) over the bytes that had the hash `before` ([`EMPTY`] for none), and these.
#[must_use]
pub fn fnv(before: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(before, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Computes FNV-1a with the finaliser of SplitMix64, so that all bits are mixed: the hashes of neighbours are far apart.
#[must_use]
pub fn mixed(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let hash = fnv(EMPTY, bytes);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_one_that_was_published_also_in_parts() {
        assert_eq!(fnv(EMPTY, *b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(fnv(fnv(EMPTY, *b"foo"), *b"bar"), fnv(EMPTY, *b"foobar"));
    }
}
