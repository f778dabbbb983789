//! The most that any plugin may have, whatever the operator says: what the engines and their pools are built for.

/// The most memory that one plugin may be given: a slot of the pool, in bytes.
pub(crate) const MEMORY_BYTES_CEILING: usize = 256 << 20;
/// The most linear memories of one instance.
pub(crate) const MEMORIES_CEILING: u32 = 64;
/// The most tables of one instance.
pub(crate) const TABLES_CEILING: u32 = 256;
/// The most core instances of one component.
pub(crate) const CORE_INSTANCES_CEILING: u32 = 1024;
/// The most elements of one table. A JavaScript or Python component has some ten thousand.
pub(crate) const TABLE_ELEMENTS_CEILING: usize = 100_000;
/// A thread that runs calls has 2 MiB of stack, of which the host needs some itself.
pub(super) const STACK_BYTES_CEILING: u64 = 1 << 20;
/// The smallest stack.
pub(super) const STACK_BYTES_FLOOR: u64 = 64 << 10;
/// Stacks come in steps of this size.
pub(super) const STACK_BYTES_STEP: usize = 64 << 10;
