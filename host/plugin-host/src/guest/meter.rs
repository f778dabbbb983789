//! Measures what the memories and tables of one store use together, and remembers a refusal.

use wasmtime::ResourceLimiter;

use crate::limits::Limits;
use crate::limits::ceilings::TABLE_ELEMENTS_CEILING;

/// The size of an element of a table, in bytes.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Measures what all memories and tables of one store use together (`wasmtime::StoreLimits` bounds each alone), and
/// remembers a refusal.
#[derive(Debug)]
pub(crate) struct Meter {
    bytes: usize,
    /// The peak of `bytes`.
    high_water: usize,
    bytes_max: usize,
    instances_max: usize,
    memories_max: usize,
    tables_max: usize,
    /// The bytes that the last growth added, to undo it if it fails after it was allowed.
    last: usize,
    /// The total that was refused, in bytes.
    refused: Option<usize>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bytes: 0,
            high_water: 0,
            bytes_max: limits.memory_bytes_max,
            instances_max: limits.instances_max,
            memories_max: limits.memories_max,
            tables_max: limits.tables_max,
            last: 0,
            refused: None,
        }
    }

    /// Returns the total that was refused in this call, in bytes.
    pub(crate) fn refused(&self) -> Option<usize> {
        self.refused
    }

    /// Returns the peak usage, in bytes.
    pub(crate) fn high_water(&self) -> usize {
        self.high_water
    }

    /// Forgets a refusal: the instance of a consumer lives on, and an earlier call says nothing about the next.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// Decides whether something may grow from `current` to `desired` bytes; `maximum` is its own declared bound.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let added = desired.saturating_sub(current);
        let total = self.bytes.saturating_add(added);
        self.last = 0;
        if total > self.bytes_max {
            self.refused = Some(total);
            return false;
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            // This is the plugin's own bound, not a limit of the host.
            return false;
        }
        self.bytes = total;
        self.high_water = self.high_water.max(total);
        self.last = added;
        true
    }

    fn undo(&mut self) {
        self.bytes = self.bytes.saturating_sub(self.last);
        self.last = 0;
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS_CEILING {
            // This bound holds with and without a pool.
            return Ok(false);
        }
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired), maximum.map(bytes)))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances_max
    }

    fn tables(&self) -> usize {
        self.tables_max
    }

    fn memories(&self) -> usize {
        self.memories_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(memory_bytes_max: usize) -> Meter {
        Meter::new(&Limits { memory_bytes_max, ..Limits::default() })
    }

    #[test]
    fn two_memories_and_a_table_share_one_limit() {
        let mut meter = meter(3 << 16);
        assert!(meter.memory_growing(0, 1 << 16, None).unwrap());
        assert!(meter.memory_growing(0, 1 << 16, None).unwrap());
        assert!(meter.table_growing(0, (1 << 16) / TABLE_ELEMENT_BYTES, None).unwrap());
        assert_eq!(meter.refused(), None);
        assert!(!meter.table_growing(0, 1, None).unwrap());
        assert_eq!(meter.refused(), Some((3 << 16) + TABLE_ELEMENT_BYTES));
    }

    #[test]
    fn a_growth_beyond_the_plugins_own_maximum_is_no_fault() {
        let mut meter = meter(1 << 20);
        assert!(!meter.memory_growing(0, 2 << 16, Some(1 << 16)).unwrap());
        assert_eq!(meter.refused(), None);
        assert_eq!(meter.bytes, 0);
    }

    #[test]
    fn a_growth_that_fails_after_it_was_allowed_is_not_charged() {
        let mut meter = meter(1 << 20);
        assert!(meter.memory_growing(0, 1 << 16, None).unwrap());
        assert!(meter.memory_growing(1 << 16, 1 << 20, None).unwrap());
        meter.memory_grow_failed(wasmtime::Error::msg("no memory left")).unwrap();
        assert_eq!(meter.bytes, 1 << 16);
        assert_eq!(meter.high_water(), 1 << 20);
    }
}
