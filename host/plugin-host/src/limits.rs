//! What a plugin may use, and the meter that counts it.

use wasmtime::ResourceLimiter;

use crate::admission::Role;

/// What a plugin may use. A limit that is hit is a fault of that call, counted and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All linear memories and tables of an instance together, in bytes; at most 256 MiB. 16 MiB by default;
    /// a JavaScript or Python component wants 64.
    pub memory_bytes_max: usize,
    /// How long one call may take, in milliseconds. `None`: 100 for a policy, 1000 for a view and a consumer.
    pub call_ms_max: Option<u64>,
    /// The largest body that a view may render, in bytes. 8 MiB by default.
    pub answer_bytes_max: usize,
    /// Core instances within the component: each of the modules that it is composed of. 64 by default.
    pub instances_max: usize,
    /// Linear memories. 8 by default.
    pub memories_max: usize,
    /// Tables. 64 by default.
    pub tables_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 16 << 20,
            call_ms_max: None,
            answer_bytes_max: 8 << 20,
            instances_max: 64,
            memories_max: 8,
            tables_max: 64,
        }
    }
}

/// What a policy or a consumer may hand to the host at once (an answer, a line for the log), in bytes.
const HANDED_BYTES_MAX: usize = 256 << 10;

impl Limits {
    /// How long a call in this role may take, in milliseconds.
    #[must_use]
    pub fn call_ms(&self, role: Role) -> u64 {
        self.call_ms_max.unwrap_or(match role {
            Role::RestartPolicy => 100,
            Role::StatusView | Role::StatusConsumer => 1_000,
        })
    }

    /// How much the plugin may hand to the host at once in this role, in bytes.
    pub(crate) fn handed_bytes(&self, role: Role) -> usize {
        match role {
            Role::RestartPolicy | Role::StatusConsumer => HANDED_BYTES_MAX,
            Role::StatusView => self.answer_bytes_max.saturating_add(HANDED_BYTES_MAX),
        }
    }
}

/// A size as people write it: whole MiB or KiB where it is one.
pub(crate) fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

/// What an element of a table costs, in bytes.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Counts what all memories and tables of one store use together (`wasmtime::StoreLimits` counts each by
/// itself), and remembers when it had to refuse.
#[derive(Debug)]
pub(crate) struct Meter {
    bytes: usize,
    bytes_max: usize,
    instances_max: usize,
    memories_max: usize,
    tables_max: usize,
    /// What the last growth added, in case that it fails after it was allowed.
    last: usize,
    /// What was wanted in all when it was refused, in bytes.
    refused: Option<usize>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bytes: 0,
            bytes_max: limits.memory_bytes_max,
            instances_max: limits.instances_max,
            memories_max: limits.memories_max,
            tables_max: limits.tables_max,
            last: 0,
            refused: None,
        }
    }

    /// What was wanted in all when it was refused, in bytes.
    pub(crate) fn refused(&self) -> Option<usize> {
        self.refused
    }

    /// A consumer lives on: what it was refused in an earlier call says nothing of the next.
    pub(crate) fn forget_refusal(&mut self) {
        self.refused = None;
    }

    /// Something grows from `current` to `desired` bytes, whose own maximum is `maximum`.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let added = desired.saturating_sub(current);
        let total = self.bytes.saturating_add(added);
        self.last = 0;
        if total > self.bytes_max {
            self.refused = Some(total);
            return false;
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The plugin's own bound, not ours.
            return false;
        }
        self.bytes = total;
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
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(size(16 << 20), "16 MiB");
        assert_eq!(size(64 << 10), "64 KiB");
        assert_eq!(size(1_000), "1000 bytes");
    }
}
