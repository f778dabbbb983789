//! The engines, one for each stack size in use (the stack is set per engine, everything else per store), each with a
//! clock that interrupts calls.
//!
//! Everything that could make two runs of the same call differ is off or pinned (threads, NaN bits, relaxed SIMD);
//! everything that no plugin needs is off (garbage collection, concurrency). Memory comes from a pool whose slots are
//! reset rather than unmapped, if the address space is large enough.

mod clock;
pub(crate) mod room;

use std::sync::Arc;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::ceilings::{
    CORE_INSTANCES_CEILING, MEMORIES_CEILING, MEMORY_BYTES_CEILING, TABLE_ELEMENTS_CEILING, TABLES_CEILING,
};
use crate::text::one_line;

use clock::{Clock, RunningCall, TICK_MS};
use room::Room;

/// The memories and tables of a pool. They are address space, which costs nothing until a plugin touches it. [`Room`]
/// keeps views and consumers to a part of it, and the rest is for policies.
const MEMORIES: u32 = 1024;
const TABLES: u32 = 4096;
/// The concurrent instances otherwise; these are counters, and only the two bounds above are ever reached.
const INSTANCES: u32 = 1 << 16;
/// The stacks of views and consumers, which run on separate stacks.
const STACKS: u32 = 256;

/// The WebAssembly engine cannot run on this machine.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the WebAssembly engine: {0}")]
pub struct EngineError(pub(crate) String);

/// The layout of an engine's memories in the address space. Code is compiled for one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In the slots of a pool.
    Pooled,
    /// Allocated one by one: on a machine without the address space for a pool (`ulimit -v`).
    OnDemand,
}

impl Layout {
    /// Returns the name of the layout.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::OnDemand => "on-demand",
        }
    }

    /// Returns the layout of this name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Pooled, Self::OnDemand].into_iter().find(|layout| layout.as_str() == word)
    }
}

/// Returns the settings that compiled code depends on.
fn compiled_for(layout: Layout) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .gc_support(false)
        .memory_init_cow(true)
        .memory_guard_size(64 << 10);
    // Threads (shared memory, atomics) are not switched off here but not compiled in: see the features of wasmtime in
    // the root Cargo.toml.
    match layout {
        Layout::Pooled => config.memory_reservation(MEMORY_BYTES_CEILING as u64),
        Layout::OnDemand => config.memory_reservation(0).memory_reservation_for_growth(16 << 20),
    };
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES)
        .max_core_instances_per_component(CORE_INSTANCES_CEILING)
        .total_memories(MEMORIES)
        .max_memories_per_component(MEMORIES_CEILING)
        .max_memories_per_module(MEMORIES_CEILING)
        .total_stacks(STACKS)
        .total_tables(TABLES)
        .max_tables_per_component(TABLES_CEILING)
        .max_tables_per_module(TABLES_CEILING)
        .max_memory_size(MEMORY_BYTES_CEILING)
        .table_elements(TABLE_ELEMENTS_CEILING)
        .max_unused_warm_slots(16)
        // Pages that a call has touched are reset in place instead of being unmapped and faulted in again, if the
        // kernel can report them (Linux 6.7).
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(128 << 10)
        .table_keep_resident(16 << 10);
    pool
}

/// Creates an engine with a pool, or one without if the address space is too small for it (`ulimit -v`).
pub(crate) fn build(stack_bytes_max: usize) -> Result<(Engine, Layout), EngineError> {
    let mut pooled = compiled_for(Layout::Pooled);
    pooled.max_wasm_stack(stack_bytes_max).allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    match with_pool(&pooled) {
        Ok(engine) => return Ok((engine, Layout::Pooled)),
        Err(error) => tracing::warn!(error = %one_line(&error), "no room for a pool of plugin memories"),
    }
    let mut on_demand = compiled_for(Layout::OnDemand);
    on_demand.max_wasm_stack(stack_bytes_max);
    let engine = Engine::new(&on_demand).map_err(|error| EngineError(one_line(&error)))?;
    Ok((engine, Layout::OnDemand))
}

fn with_pool(config: &Config) -> wasmtime::Result<Engine> {
    fail::fail_point!("plugin-pool.start", |_| Err(wasmtime::Error::msg("injected")));
    Engine::new(config)
}

/// Creates an engine that only compiles, for engines of this layout: it needs no pool.
pub(crate) fn compiling(layout: Layout) -> Result<Engine, EngineError> {
    Engine::new(&compiled_for(layout)).map_err(|error| EngineError(one_line(&error)))
}

/// The engine with its clock.
#[derive(Debug)]
pub(crate) struct TimedEngine {
    engine: Engine,
    layout: Layout,
    room: Arc<Room>,
    clock: Clock,
}

impl TimedEngine {
    pub(crate) fn new(stack_bytes_max: usize) -> Result<Self, EngineError> {
        let (engine, layout) = build(stack_bytes_max)?;
        let clock = Clock::start(engine.weak())
            .map_err(|error| EngineError(format!("its clock could not be started: {error}")))?;
        Ok(Self { engine, layout, room: Arc::default(), clock })
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the part of its pool that views and consumers share.
    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Keeps the clock running until the returned guard is dropped.
    pub(crate) fn enter(&self) -> RunningCall<'_> {
        self.clock.enter()
    }

    /// Returns the number of ticks that end a call after `budget_ms` milliseconds. It is one more than fits into them,
    /// because the first tick may come at once.
    pub(crate) fn ticks(budget_ms: u64) -> u64 {
        budget_ms.div_ceil(TICK_MS).saturating_add(1)
    }

    /// Returns the number of ticks that end a call before a caller that waits `most_ms` milliseconds gives up, by up to
    /// a tick.
    pub(crate) fn ticks_within(most_ms: u64) -> u64 {
        (most_ms / TICK_MS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_cut_short_by_an_early_tick() {
        assert_eq!(TimedEngine::ticks(100), 51);
        assert_eq!(TimedEngine::ticks(1), 2);
        assert_eq!(TimedEngine::ticks(0), 1);
        assert_eq!(TimedEngine::ticks(u64::MAX), u64::MAX / 2 + 2);
    }

    #[test]
    fn a_call_that_is_waited_for_ends_before_the_wait() {
        for most_ms in 2..100 {
            assert!(TimedEngine::ticks_within(most_ms) * TICK_MS <= most_ms, "{most_ms}");
        }
        assert_eq!(TimedEngine::ticks_within(0), 1);
    }

    #[test]
    fn code_is_compiled_for_the_engines_that_run_it() {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let hash = |engine: &Engine| {
            let mut hasher = DefaultHasher::new();
            engine.precompile_compatibility_hash().hash(&mut hasher);
            hasher.finish()
        };
        let (engine, layout) = build(512 << 10).unwrap();
        assert_eq!(hash(&compiling(layout).unwrap()), hash(&engine));
        let other = build(64 << 10).unwrap().0;
        assert_eq!(hash(&other), hash(&engine), "the code does not depend on the stack");
        let on_demand = compiling(Layout::OnDemand).unwrap();
        assert_ne!(hash(&on_demand), hash(&compiling(Layout::Pooled).unwrap()));
    }
}
