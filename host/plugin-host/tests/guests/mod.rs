//! A host for trying components, and worlds to show them.

#![expect(dead_code, reason = "each test crate uses some of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_plugin_host::{Grants, HostOptions, Limits, LoadError, PluginHost, PluginSpec, Source};
use provost_state::{
    At, Cause, Consumer, Decision, Ended, Event, Exit, Fault, Identity, Incarnation, Moment, Plan,
    Plugins as _, Policy, Registry, RulingAction, Snapshot, registry,
};
use provost_tests::components;

/// The default limits, but with a deadline of a minute.
pub fn patient() -> Limits {
    Limits { call_ms_max: Some(60_000), ..Limits::default() }
}

/// The options of a host that keeps everything below `dir`.
pub fn options(dir: &Path) -> HostOptions {
    HostOptions {
        cache_dir: Some(dir.join("cache")),
        memory_dir: Some(dir.join("memory")),
        ..HostOptions::default()
    }
}

/// A host with its cache in a temporary directory, and the files of its plugins beside it.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub host: PluginHost,
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = PluginHost::new(options(dir.path()));
        Self { dir, host }
    }

    /// Another host on the same directories.
    pub fn again(&self) -> PluginHost {
        PluginHost::new(options(self.dir.path()))
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(format!("{name}.wasm"));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The spec of a plugin with a deadline that no busy test machine exceeds: tests of the deadline set their own.
    pub fn spec(&self, name: &str, bytes: &[u8]) -> PluginSpec {
        PluginSpec {
            name: name.into(),
            source: Source::Path(self.file(name, bytes)),
            settings_json: "{}".to_owned(),
            limits: patient(),
            sha256: None,
            grants: Grants::default(),
        }
    }

    /// Loads a plugin and ends a quarantine by its trial, because the tests are about later calls.
    pub fn load(&self, spec: PluginSpec) -> Result<(), LoadError> {
        let name = spec.name.clone();
        self.host.load(spec)?;
        self.host.revive(&name).unwrap();
        Ok(())
    }

    /// Returns a new consumer of each plugin that is one, in the order of loading.
    pub fn consumers(&self) -> Vec<Box<dyn Consumer>> {
        self.host.reports().iter().filter_map(|report| self.host.consumer(&report.name)).collect()
    }

    pub fn policy(&self, name: &str, bytes: &[u8]) -> Arc<dyn Policy> {
        self.load(self.spec(name, bytes)).unwrap();
        self.host.policy(name).unwrap()
    }
}

/// Asks about an exit of `web`.
pub fn ask(policy: &Arc<dyn Policy>) -> Result<Decision, Fault> {
    let (_registry, world) = one_crash();
    policy.on_exit(&ended(), &world)
}

/// The answer that restarts only the process, after `delay_ms`.
pub fn restart(delay_ms: u64) -> Option<RulingAction> {
    Some(RulingAction::restart(delay_ms))
}

pub fn ended() -> Ended {
    Ended {
        name: "web".into(),
        group: "site".into(),
        incarnation: Incarnation(1),
        exit: Exit::Code(3),
        uptime_ms: 1_500,
        was_ready: true,
        failures: 1,
        restarts: 0,
        now: at(2_500),
        seed: 42,
    }
}

/// A plan to start `web` again.
pub fn plan() -> Plan {
    Plan {
        name: "web".into(),
        group: "site".into(),
        incarnation: Incarnation(2),
        cause: Cause::User,
        waited_ms: 0,
        failures: 0,
        now: at(2_500),
        seed: 42,
    }
}

/// A policy that appends a byte to the value of `k`, answers with its length as the delay, and traps if `failures` is
/// 9.
pub fn counter() -> Vec<u8> {
    let module = components::policy_module(
        r#"(import "provost:plugin/memory@0.1.0" "get" (func $get (param i32 i32 i32)))
           (import "provost:plugin/memory@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))"#,
        r#"(i32.store8 (i32.const 128) (i32.const 107))
           ;; option<list<u8>> at 136: some at 136, its address at 140, its length at 144
           (call $get (i32.const 128) (i32.const 1) (i32.const 136))
           (if (i32.eqz (i32.load8_u (i32.const 136))) (then (i32.store (i32.const 144) (i32.const 0))))
           (i32.store (i32.const 144) (i32.add (i32.load (i32.const 144)) (i32.const 1)))
           (call $set (i32.const 128) (i32.const 1) (i32.const 2048) (i32.load (i32.const 144)) (i32.const 160))
           (if (i32.eq (local.get $failures) (i32.const 9)) (then unreachable))
           (i64.store (i32.const 72) (i64.extend_i32_u (i32.load (i32.const 144))))
           (call $drop (local.get $world)) (i32.const 64)"#,
    );
    components::component(&components::contract(), "restart-judge", &module)
}

/// Creates a pipe that has no reader and no writer.
pub fn pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// The moment `ms` milliseconds after zero, on both clocks.
pub fn at(ms: u64) -> Moment {
    Moment { wall_ms: ms, mono_ns: ms * 1_000_000 }
}

/// A world in which `web` was ready and exited with code 3.
pub fn one_crash() -> (Registry, Arc<Snapshot>) {
    let (registry, reader) = registry(|| 0);
    let identity = Identity::new("web", "site");
    let mut state = registry.add(identity, at(0)).unwrap();
    let events = [
        Event::Start { cause: Cause::Boot, reason: "the host started".into() },
        Event::Spawned { pid: 77, reason: "the host started".into() },
        Event::Ready { reason: "answers".into() },
        Event::Exited { exit: Exit::Code(3), out_of_memory: false },
    ];
    for (i, event) in events.iter().enumerate() {
        let expected = At { incarnation: state.incarnation, version: state.version };
        state = registry.commit(state.id, expected, event, at(i as u64 * 500 + 1_000)).unwrap();
    }
    (registry, reader.snapshot())
}
