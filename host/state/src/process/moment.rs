//! Instants on both clocks of the host.

/// One instant, read from both clocks at once. Durations are computed from `mono_ns`; `wall_ms` is for people only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: u64,
    /// Nanoseconds on the monotonic clock, from an origin that is fixed until the machine is started anew.
    pub mono_ns: u64,
}

impl Moment {
    /// Returns the instant `delay_ms` milliseconds later on both clocks; saturates.
    #[must_use]
    pub fn plus_ms(self, delay_ms: u64) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add(delay_ms),
            mono_ns: self.mono_ns.saturating_add(delay_ms.saturating_mul(1_000_000)),
        }
    }

    /// Returns the milliseconds from `earlier` to this instant on the monotonic clock; 0 if `earlier` is later.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.mono_ns.saturating_sub(earlier.mono_ns) / 1_000_000
    }
}
