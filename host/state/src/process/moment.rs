//! Instants, as both clocks of the host show them.

/// One instant, read once from both clocks. Durations come from `mono_ns`; `wall_ms` is for people only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: u64,
    /// Nanoseconds of the monotonic clock, from an origin that is fixed for the life of the host.
    pub mono_ns: u64,
}

impl Moment {
    /// The instant `delay_ms` milliseconds later on both clocks, or the end of time.
    #[must_use]
    pub fn plus_ms(self, delay_ms: u64) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add(delay_ms),
            mono_ns: self.mono_ns.saturating_add(delay_ms.saturating_mul(1_000_000)),
        }
    }

    /// Milliseconds from `earlier` to this instant on the monotonic clock; 0 if it lies in the future.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.mono_ns.saturating_sub(earlier.mono_ns) / 1_000_000
    }
}
