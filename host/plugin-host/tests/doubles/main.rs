//! The stand-ins of the SDK, with which plugins are tested natively, answer as the host does: the same questions are asked in both, in
//! equal worlds.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../guests/mod.rs"]
mod guests;
mod outside;

use std::path::Path;
use std::sync::Arc;

use guests::{Bench, at};
use provost_guest::testing::{self, MadeUpWorld, forget, logged, process};
use provost_guest::{self as guest, memory, plugins, usages};
use provost_plugin_host::{InProcess, Reply, Setup, Source, Workbench};
use provost_state::{
    At, Cause, Desired, Event, Exit, Generation, Identity, Incarnation, PluginInput, PluginReport,
    PluginStatus, PluginVersion, Plugins as _, ProcessState, Registry, Replacement, Ruling, RulingAction,
    Snapshot, Usage, ViewRequest, ViewUsage, registry,
};
use provost_test_guest_reads::CASES;

/// More processes than the columns hold that are read at once.
const PROCESSES: u64 = 65_540;

/// Adds a process, and commits these events.
fn add(registry: &Registry, name: &str, group: &str, events: &[Event]) -> Arc<ProcessState> {
    let mut state = registry.add(Identity::new(name, group), at(10)).unwrap();
    for (i, event) in (0..).zip(events) {
        let expected = At { incarnation: state.incarnation, version: state.version };
        state = registry.commit(state.id, expected, event, at(1_000 + i * 700)).unwrap();
    }
    state
}

/// Returns a world with a process in most phases, with each kind of end, and with many idle processes behind them.
fn world() -> (Registry, Arc<Snapshot>) {
    let (registry, reader) = registry(|| 0);
    let start = || Event::Start { cause: Cause::User, reason: "asked".into() };
    let spawned = |pid| Event::Spawned { pid, reason: "its turn".into() };
    let exited = |exit| Event::Exited { exit, out_of_memory: false };
    let ready = || Event::Ready { reason: "answers".into() };
    let decided = || Event::Decided {
        ruling: Arc::new(Ruling {
            action: RulingAction::restart(100),
            by: "backoff".into(),
            reason: "failure 1".into(),
            overruled: None,
        }),
    };
    add(
        &registry,
        "a",
        "site",
        &[start(), spawned(7), exited(Exit::Code(3)), decided(), spawned(8), exited(Exit::Signal(9))],
    );
    add(&registry, "b", "site", &[start(), spawned(9), ready()]);
    add(&registry, "c", "", &[start(), spawned(10)]);
    add(&registry, "d", "jobs", &[start(), Event::SpawnFailed { error: "no such file".into() }]);
    add(&registry, "e", "jobs", &[start(), Event::Wait { cause: Cause::Dependency, reason: "waits".into() }]);
    add(&registry, "f", "site", &[start(), spawned(11), ready(), exited(Exit::Unobserved)]);
    let gone = add(&registry, "gone", "", &[]);
    registry.remove(gone.id, at(9_000)).unwrap();
    for number in 0..PROCESSES - 6 {
        registry.add(Identity::new(format!("idle-{number}").as_str(), ""), at(5)).unwrap();
    }
    (registry, reader.snapshot())
}

fn exit(exit: &Exit) -> guest::Exit {
    match exit {
        Exit::Code(code) => guest::Exit::Code(*code),
        Exit::Signal(number) => guest::Exit::Signal(*number),
        Exit::NotSpawned(why) => guest::Exit::NotSpawned(why.to_string()),
        Exit::NotReady(why) => guest::Exit::NotReady(why.to_string()),
        Exit::Unobserved => guest::Exit::Unobserved,
    }
}

fn cause(cause: Cause) -> guest::Cause {
    match cause {
        Cause::Boot => guest::Cause::Boot,
        Cause::User => guest::Cause::User,
        Cause::Policy => guest::Cause::Policy,
        Cause::Crash => guest::Cause::Crash,
        Cause::Dependency => guest::Cause::Dependency,
        other => panic!("no process has the cause {other:?}"),
    }
}

/// Returns the state of a process as a test of a plugin would write it.
fn made_up(state: &ProcessState) -> guest::ProcessState {
    guest::ProcessState {
        group: state.group().to_string(),
        incarnation: state.incarnation.0,
        version: state.version.0,
        generation: state.generation.0,
        desired: match state.desired {
            Desired::Up => guest::Desired::Up,
            Desired::Down => guest::Desired::Down,
        },
        cause: cause(state.cause),
        reason: state.reason.to_string(),
        pid: state.pid(),
        ready: state.ready(),
        exit: state.exit.as_ref().map(exit),
        restarts: state.restarts,
        failures: state.failures,
        started_at: state.started_at.map(|at| at.wall_ms),
        ended_at: state.ended_at.map(|at| at.wall_ms),
        next_action_at: state.next_action_at().map(|at| at.wall_ms),
        decision: state.decision.as_ref().map(|ruling| guest::Ruling {
            action: ruling.action.to_string(),
            by: ruling.by.to_string(),
            reason: ruling.reason.to_string(),
        }),
        ..process(state.name(), guest::Phase::ALL[state.phase.kind() as usize])
    }
}

/// Returns the world as a test of a plugin would make it up.
fn double(world: &Snapshot) -> MadeUpWorld {
    let death = |death: &provost_state::Death| guest::Death {
        incarnation: death.incarnation.0,
        exit: exit(&death.exit),
        at: death.at.wall_ms,
        uptime: death.uptime_ms,
    };
    let removed = world.removed_since(Generation(0)).unwrap();
    MadeUpWorld {
        generation: world.generation().0,
        taken_at: world.taken_at().wall_ms,
        processes: world.iter().map(|state| made_up(state)).collect(),
        deaths: world
            .iter()
            .map(|state| (state.name().to_string(), state.deaths.iter().map(death).collect()))
            .collect(),
        removals: removed
            .iter()
            .map(|removed| guest::Removal {
                name: removed.name.to_string(),
                generation: removed.generation.0,
            })
            .collect(),
    }
}

/// Returns what a process uses, which differs from number to number.
fn used(number: u64) -> Usage {
    let figure = u32::try_from(number).unwrap();
    Usage {
        at: at(number * 1_000),
        cpu_ms: number * 7,
        cpu_millis: figure * 11,
        rss_bytes: number << 20,
        pss_bytes: number.is_multiple_of(2).then_some(number << 19),
        fds: number.is_multiple_of(2).then_some(figure * 3),
        threads: figure,
        members: figure + 1,
    }
}

fn made_up_usage(usage: &Usage) -> guest::Usage {
    guest::Usage {
        at: usage.at.wall_ms,
        cpu: usage.cpu_ms,
        cpu_millis: usage.cpu_millis,
        rss_bytes: usage.rss_bytes,
        pss_bytes: usage.pss_bytes,
        fds: usage.fds,
        threads: usage.threads,
        members: usage.members,
    }
}

/// Returns the request for a case, with what the processes `b` and `f` and the host use, and tells the stand-in the same.
fn request(case: &str) -> ViewRequest {
    let of = |name: &str, group: &str, number| ViewUsage {
        name: name.into(),
        group: group.into(),
        incarnation: Incarnation(number),
        usage: used(number),
    };
    let processes = [of("b", "site", 1), of("c", "", 2)];
    let made_up = processes.each_ref().map(|one| usages::ProcessUsage {
        name: one.name.to_string(),
        group: one.group.to_string(),
        incarnation: one.incarnation.0,
        usage: made_up_usage(&one.usage),
    });
    testing::use_resources(Some(made_up_usage(&used(4))), made_up);
    ViewRequest {
        path: "case".to_owned(),
        query: case.to_owned(),
        usages: processes.into(),
        host_usage: Some(used(4)),
    }
}

#[test]
fn the_stand_ins_of_the_sdk_answer_as_the_host_does() {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/reads/reads.wasm");
    let workbench = Workbench::open(Source::Path(component), Arc::new(InProcess)).unwrap();
    let bench = workbench.set_up(&Setup { limits: guests::patient(), ..Setup::default() }).unwrap();
    let (_registry, world) = world();
    let double = double(&world);
    for (name, ask) in CASES {
        let outcome = bench.ask(&PluginInput::Request(request(name)), &world);
        let Ok(Reply::View(response)) = &outcome.reply else { panic!("{name}: {outcome:?}") };
        forget();
        drop(logged());
        let answer = ask(&double);
        assert_eq!(answer, String::from_utf8_lossy(&response.body), "{name}");
        let kept: Vec<&str> =
            outcome.written.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| &**key).collect();
        assert_eq!(memory::keys(), kept, "{name}");
        let lines: Vec<(String, String)> =
            outcome.lines.iter().map(|line| (line.level.to_owned(), line.text.clone())).collect();
        let logged = logged().into_iter().map(|(level, text)| (format!("{level:?}"), text));
        let logged: Vec<_> =
            logged.map(|(level, text)| (level.replace("Level::", "").to_lowercase(), text)).collect();
        assert_eq!(logged, lines, "{name}");
    }
}

/// Returns the versions of a plugin as a test of a view would write them.
fn made_up_versions(report: &PluginReport, now: Generation) -> Vec<plugins::PluginVersion> {
    let standing = match report.status {
        PluginStatus::Active => plugins::Standing::Active,
        PluginStatus::Refused(_) => plugins::Standing::Refused,
        PluginStatus::Compiling(_) => plugins::Standing::Compiling,
        PluginStatus::Quarantined(_) => plugins::Standing::Quarantined,
    };
    let made_up = |version: &PluginVersion, in_force| {
        let figures = &version.figures;
        plugins::PluginVersion {
            version: version.number,
            in_force,
            standing: if in_force { standing.clone() } else { plugins::Standing::Active },
            roles: version.roles.iter().map(ToString::to_string).collect(),
            calls: figures.calls,
            faults: figures
                .faults
                .iter()
                .map(|(kind, count)| plugins::FaultCount { kind: kind.as_str().to_owned(), count: *count })
                .collect(),
            clamps: figures.clamps,
            call: plugins::Latency {
                p50: figures.call.p50_ns,
                p95: figures.call.p95_ns,
                p99: figures.call.p99_ns,
                max: figures.call.max_ns,
            },
            fuel_max: figures.fuel_max,
            memory_bytes_max: figures.memory_bytes_max,
            stored_bytes: figures.stored_bytes,
            queued: if in_force { report.queued(now) } else { 0 },
            missed: figures.missed,
            lines_dropped: figures.lines_dropped,
            denials: figures.denials,
            ..testing::plugin_version(&report.name)
        }
    };
    let former = report.former.as_ref().map(|former| made_up(former, false));
    [made_up(&report.active, true)].into_iter().chain(former).collect()
}

#[test]
fn the_plugins_that_a_view_sees_are_those_of_the_host_and_of_the_stand_in() {
    let bench = Bench::new();
    let guest = |name: &str| std::fs::read(provost_tests::guest(name)).unwrap();
    let (_registry, world) = guests::one_crash();
    bench.load(bench.spec("reads", &guest("reads"))).unwrap();
    bench.load(bench.spec("judge", &guest("moody"))).unwrap();
    guests::ask(&bench.host.policy("judge").unwrap()).unwrap_err();
    let other = bench.file("other", &provost_tests::components::policy_with_delay(7));
    let by = Replacement { component: Some(other.display().to_string()), ..Replacement::default() };
    bench.host.swap("judge", &by, &world).unwrap();
    // Its trial fails, so it is not called.
    bench.host.load(bench.spec("trap", &guest("traps"))).unwrap();

    let reports = bench.host.reports();
    assert!(
        reports.iter().any(|report| matches!(report.status, PluginStatus::Quarantined(_))),
        "{reports:#?}"
    );
    let response = bench.host.view("reads").unwrap().render(&request("plugins"), &world).unwrap();
    let versions = reports.iter().flat_map(|report| made_up_versions(report, world.generation()));
    testing::load(versions);
    assert_eq!(plugins::loaded().len(), 4, "the judge has a former version");
    let (_, ask) = CASES.into_iter().find(|(name, _)| *name == "plugins").unwrap();
    assert_eq!(ask(&double(&world)), String::from_utf8_lossy(&response.body));
}
