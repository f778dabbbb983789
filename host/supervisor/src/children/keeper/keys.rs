//! The keys under which the keeper keeps files and descriptors for the next host.

/// The key of the file of names.
pub(super) const NAMES_KEY: u32 = 1;

/// The key of the file of labels.
pub(super) const LABELS_KEY: u32 = 9;

/// The keys of the descriptors on the shelf. Each is used once.
pub(super) const SHELF_KEYS: std::ops::RangeFrom<u32> = 64..;

/// The key of the file of the ledger, which says what is being written of each output.
pub(super) const LEDGER_KEY: u32 = 48;

/// The keys of the files of a stash. There are two at a time at most, with numbers that follow each other.
pub(super) const STASH_KEYS: std::ops::Range<u32> = 16..48;
