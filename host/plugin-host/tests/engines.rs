//! The parts of an engine that plugins share: memories, tables, stacks, and the engine itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, ask};
use parking_lot::{Mutex, MutexGuard};
use provost_plugin_host::Limits;
use provost_state::{Batch, FaultKind, Plugins, ViewRequest};
use provost_tests::{components, eventually};

/// Serializes the tests: fail points and thread counts are those of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock()
}

/// A policy whose only module has this many memories and tables.
fn policy_with(memories: usize, tables: usize) -> Vec<u8> {
    let module = components::policy_module("", "(call $drop (local.get $world)) (i32.const 64)");
    let more = "(memory 0)".repeat(memories - 1) + &"(table 1 funcref)".repeat(tables);
    let (before, after) = module.split_once("(func $deeper").unwrap();
    let module = format!("{before} {more} (func $deeper{after}");
    components::component(&components::contract(), "restart-judge", &module)
}

fn says(memories: usize, tables: usize, limits: Limits) -> Result<(), String> {
    let bench = Bench::new();
    let mut spec = bench.spec("p", &policy_with(memories, tables));
    spec.limits = limits;
    bench.load(spec).unwrap();
    ask(&bench.host.policy("p").unwrap()).map(drop).map_err(|fault| fault.to_string())
}

#[test]
fn a_module_has_as_many_memories_and_tables_as_its_limits_say_with_a_pool_and_without() {
    let _alone = alone();
    let scenario = fail::FailScenario::setup();
    for pooled in [true, false] {
        if !pooled {
            fail::cfg("plugin-pool.start", "return").unwrap();
        }
        assert_eq!(says(8, 64, guests::patient()), Ok(()), "the defaults; pooled: {pooled}");
        let most = Limits { memories_max: 64, tables_max: 256, ..guests::patient() };
        // A valid module has at most a hundred tables, though a component of several modules may have more.
        assert_eq!(says(64, 100, most), Ok(()), "the ceilings; pooled: {pooled}");
        for (memories, tables, limit) in [(9, 1, "8 memories"), (1, 65, "64 tables")] {
            let refused = says(memories, tables, guests::patient()).unwrap_err();
            assert!(refused.contains(limit), "{pooled}: {refused}");
        }
        let large = components::policy_module("", "(call $drop (local.get $world)) (i32.const 64)");
        let (before, after) = large.split_once("(func $deeper").unwrap();
        let large = format!("{before} (table 100001 funcref) (func $deeper{after}");
        let bench = Bench::new();
        let large = components::component(&components::contract(), "restart-judge", &large);
        let fault = ask(&bench.policy("large", &large)).unwrap_err();
        assert!(fault.message.contains("it wants more than a plugin can have"), "{pooled}: {fault}");
    }
    scenario.teardown();
}

#[test]
fn policies_decide_while_views_and_consumers_have_taken_all_of_their_part() {
    let _alone = alone();
    let bench = Bench::new();
    let module = components::consumer_module().replacen(
        "(global $calls",
        &("(memory 0)".repeat(7) + "(global $calls"),
        1,
    );
    let hungry = components::component(&components::contract(), "status-listener", &module);
    bench.load(bench.spec("hungry", &hungry)).unwrap();
    bench.load(bench.spec("page", &components::view("(i32.const 64)"))).unwrap();
    let policy = bench.policy("judge", &policy_with(8, 8));
    let (_registry, world) = guests::one_crash();
    let mut living = Vec::new();
    let fault = loop {
        let mut consumer = bench.host.consumer("hungry").unwrap();
        match consumer.on_change(&Batch::default(), &world) {
            Ok(()) => living.push(consumer),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.kind, FaultKind::Busy);
    assert_eq!(living.len(), 64, "of eight memories each");
    let view = bench.host.view("page").unwrap();
    assert_eq!(view.render(&ViewRequest::default(), &world).unwrap_err().kind, FaultKind::Busy);
    for _ in 0..8 {
        ask(&policy).unwrap();
    }
    living.pop();
    view.render(&ViewRequest::default(), &world).unwrap();
}

/// The number of clock threads of all engines in this process.
fn clocks() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
    };
    tasks.map(name).filter(|name| name.trim() == "plugin-clock").count()
}

#[test]
fn plugins_share_an_engine_for_each_step_of_the_stack_and_it_ends_with_the_last_of_them() {
    let _alone = alone();
    let none = |clocks: &usize| *clocks == 0;
    eventually("the engines of other tests have ended", clocks, none);
    let bench = Bench::new();
    for n in 0..20 {
        let mut spec = bench.spec(&format!("p{n}"), &components::good_policy());
        spec.limits.stack_bytes_max = (128 << 10) + n * 1_000;
        bench.load(spec).unwrap();
    }
    // A thread gives itself its name after it has started.
    eventually("128 KiB, and 192 KiB for all that is above", clocks, |clocks| *clocks == 2);
    for n in 0..20 {
        bench.host.unload(&format!("p{n}")).unwrap();
    }
    eventually("the engines have ended with the last plugin", clocks, none);
    bench.policy("again", &components::good_policy());
    eventually("another engine has started", clocks, |clocks| *clocks == 1);
}
