//! The ceilings on what any plugin may have, regardless of the operator's limits: the engines and their pools are built
//! for them.

/// The most memory of one plugin, in bytes: the size of a slot of the pool.
pub(crate) const MEMORY_BYTES_CEILING: usize = 256 << 20;
/// The most linear memories of an instance.
pub(crate) const MEMORIES_CEILING: u32 = 64;
/// The most tables of an instance.
pub(crate) const TABLES_CEILING: u32 = 256;
/// The most core instances of a component.
pub(crate) const CORE_INSTANCES_CEILING: u32 = 1024;
/// The most elements of a table. A JavaScript or Python component has about ten thousand.
pub(crate) const TABLE_ELEMENTS_CEILING: usize = 100_000;
/// The largest stack, in bytes. A thread that runs calls has 2 MiB of stack, and the host itself needs some of that.
pub(super) const STACK_BYTES_CEILING: u64 = 1 << 20;
/// The smallest stack, in bytes.
pub(super) const STACK_BYTES_FLOOR: u64 = 64 << 10;
/// The step between two sizes of a stack, in bytes.
pub(super) const STACK_BYTES_STEP: usize = 64 << 10;
