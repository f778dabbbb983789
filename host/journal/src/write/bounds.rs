//! How much is kept, and when it is synced.

use std::time::Duration;

use provost_state::hash;

/// When what was written is synced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// At the latest this time after it was written.
    Within(Duration),
    /// Also at once after each decision and each exit, with everything before it.
    Decision,
}

impl Sync {
    /// The longest time until a sync, whatever else is configured.
    pub(crate) fn longest(self) -> Duration {
        match self {
            Self::Within(time) => time,
            Self::Decision => Duration::from_secs(1),
        }
    }
}

/// The bounds of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most bytes of all segments. The oldest is removed when a segment is complete and they have more.
    pub bytes_max: u64,
    /// How long a segment is kept after it was written last, in milliseconds.
    pub age_ms_max: u64,
    /// When it is synced.
    pub sync: Sync,
}

impl Default for Bounds {
    /// Returns 256 MiB, 30 days, and a sync within one second.
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            age_ms_max: 30 * 24 * 3_600_000,
            sync: Sync::Within(Duration::from_secs(1)),
        }
    }
}

/// The size at which a segment is complete, in bytes.
const SEGMENT_BYTES: u64 = 8 << 20;

/// The age at which a segment is complete, in nanoseconds.
pub(super) const SEGMENT_AGE_NS: u64 = 3_600 * 1_000_000_000;

/// The most segments that are kept: each start of a host begins one.
pub(super) const SEGMENTS_MAX: usize = 4_096;

impl Bounds {
    /// Returns the size at which a segment is complete: small enough that the bound can be kept.
    pub(super) fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES.min(self.bytes_max / 4)
    }
}

/// Who writes a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// A number of the boot of the machine.
    pub boot: u64,
    /// A number of the life of the host, within which monotonic times can be compared.
    pub life: u64,
}

impl Life {
    /// Returns the numbers of a host with these ids.
    #[must_use]
    pub fn of(boot_id: &str, host_id: &str) -> Self {
        Self { boot: hash::mixed(boot_id.bytes()), life: hash::mixed(host_id.bytes()) }
    }
}
