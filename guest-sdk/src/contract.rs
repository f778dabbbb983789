//! The types that all roles share: processes with their ends and changes, and the snapshot of all of them. They are generated from
//! `wit/types.wit` and `wit/snapshots.wit`, and each is exported here with an example. The types of one role are beside its trait, and
//! those of a service of the host beside its functions.

/// The reason for a change of phase, such as a crash, an order or a dependency.
///
/// ```
/// use provost_guest::{Cause, Plan, Span, StartDecision, testing};
///
/// /// Starts at once what somebody asked for, and anything else after five seconds.
/// fn judge(plan: &Plan) -> StartDecision {
///     match &plan.cause {
///         Cause::User | Cause::Api => StartDecision::allow("somebody asked for it"),
///         cause if plan.waited < 5_000 => StartDecision::wait(Span::from_ms(5_000), format!("not yet: {cause}")),
///         _ => StartDecision::allow("it has waited"),
///     }
/// }
///
/// let crashed = Plan { cause: Cause::Crash, ..testing::plan("web") };
/// assert_eq!(judge(&crashed).reason, "not yet: crash");
/// let started = Plan { cause: Cause::User, ..testing::plan("web") };
/// assert_eq!(judge(&started).reason, "somebody asked for it");
/// ```
pub use crate::bindings::judge::provost::plugin::types::Cause;

/// An entry of the history that [`World::deaths`](crate::World::deaths) returns. [`rules`](crate::rules) counts such entries.
///
/// ```
/// use provost_guest::testing::MadeUpWorld;
/// use provost_guest::{Death, Exit, World};
///
/// /// Returns how the process ends, if its last three incarnations have ended alike.
/// fn habit(deaths: &[Death]) -> Option<&Exit> {
///     let (last, former) = deaths.get(..3)?.split_first()?;
///     former.iter().all(|death| death.exit == last.exit).then_some(&last.exit)
/// }
///
/// let world = MadeUpWorld::default()
///     .with_deaths("web", [(Exit::Code(78), 10), (Exit::Code(78), 12), (Exit::Code(78), 9)])
///     .with_deaths("db", [(Exit::Code(1), 10), (Exit::Signal(9), 5_000), (Exit::Code(1), 20)]);
/// assert_eq!(habit(&world.deaths("web", 3)), Some(&Exit::Code(78)));
/// assert_eq!(habit(&world.deaths("db", 3)), None);
/// ```
pub use crate::bindings::judge::provost::plugin::types::Death;

/// What operators and the config want of a process. It tells a process that was stopped on purpose from one that is missing.
///
/// ```
/// use provost_guest::{Desired, Phase, ProcessState, testing};
///
/// /// Whether a process should run and does not.
/// fn is_missing(process: &ProcessState) -> bool {
///     process.desired == Desired::Up && process.phase != Phase::Running
/// }
///
/// let fatal = testing::process("web", Phase::Fatal);
/// assert!(is_missing(&fatal));
/// let stopped = ProcessState { desired: Desired::Down, ..testing::process("web", Phase::Stopped) };
/// assert!(!is_missing(&stopped));
/// ```
pub use crate::bindings::judge::provost::plugin::types::Desired;

/// A change as a consumer receives it: its kind, the phase before it, and the process after it.
///
/// ```
/// use provost_guest::{Event, EventKind, Exit, Phase, ProcessState, testing};
///
/// /// Describes the changes that a person may want to read.
/// fn line(event: &Event) -> Option<String> {
///     let Event { kind, before, process, .. } = event;
///     match kind {
///         EventKind::Exited => Some(format!("{} {}", process.name, process.exit.as_ref()?)),
///         _ if *before == process.phase => None,
///         _ => Some(format!("{} was {before} and is {}", process.name, process.phase)),
///     }
/// }
///
/// let failed = ProcessState { exit: Some(Exit::Code(3)), ..testing::process("web", Phase::Exited) };
/// let exited = testing::event(EventKind::Exited, Phase::Running, failed);
/// assert_eq!(line(&exited).as_deref(), Some("web exited with code 3"));
/// let running = testing::process("web", Phase::Running);
/// let ready = testing::event(EventKind::Ready, Phase::Starting, running.clone());
/// assert_eq!(line(&ready).as_deref(), Some("web was starting and is running"));
/// assert_eq!(line(&testing::event(EventKind::Health, Phase::Running, running)), None);
/// ```
pub use crate::bindings::judge::provost::plugin::types::Event;

/// The kind of an [`Event`], by which a consumer selects. A kind of a later contract is `Other`, and keeps its word.
///
/// ```
/// use provost_guest::EventKind;
///
/// /// Whether a person should be called.
/// fn is_alarming(kind: &EventKind) -> bool {
///     matches!(kind, EventKind::SpawnFailed | EventKind::Overdue | EventKind::Refused)
/// }
///
/// assert!(is_alarming(&EventKind::SpawnFailed) && !is_alarming(&EventKind::Spawned));
/// assert_eq!(EventKind::SpawnFailed.to_string(), "spawn_failed");
/// assert_eq!(EventKind::Other("paused".to_owned()).name(), "paused");
/// ```
pub use crate::bindings::judge::provost::plugin::types::EventKind;

/// The end of an incarnation, which a policy matches. Its text is a phrase for reasons, such as `killed by SIGKILL`.
///
/// ```
/// use provost_guest::{Decision, Ended, Exit, Signal, testing};
///
/// /// Gives up on wrong arguments, and waits longer for what a fast restart would not mend.
/// fn judge(ended: &Ended) -> Decision {
///     match &ended.exit {
///         Exit::Code(2) => Decision::give_up("its arguments are wrong"),
///         Exit::NotSpawned(_) => Decision::restart(60_000, format!("it {}", ended.exit)),
///         Exit::Signal(number) if Signal::new(*number) == Some(Signal::KILL) => {
///             Decision::restart(10_000, "memory may be short")
///         }
///         exit => Decision::restart(500, format!("it {exit}")),
///     }
/// }
///
/// let missing = testing::ended("web", Exit::NotSpawned("no such file".to_owned()), 0);
/// assert_eq!(judge(&missing).reason, "it could not be started: no such file");
/// let killed = testing::ended("web", Exit::Signal(9), 10);
/// assert_eq!(judge(&killed).action.delay_ms(), Some(10_000));
/// let failed = testing::ended("web", Exit::Code(3), 10);
/// assert_eq!(judge(&failed).reason, "it exited with code 3");
/// ```
pub use crate::bindings::judge::provost::plugin::types::Exit;

/// The judgement of the health policies, as the state of a process and the trigger of a health policy have it.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Health, Phase, ProcessState, World};
///
/// /// Returns the names of the processes that run, but do not work as they should.
/// fn unwell(world: &dyn World) -> Vec<String> {
///     let processes = world.page(0, 1024).into_iter();
///     let unwell = processes.filter(|process| matches!(process.health, Health::Degraded | Health::Unhealthy));
///     unwell.map(|process| process.name).collect()
/// }
///
/// let slow = ProcessState { health: Health::Degraded, ..process("web", Phase::Running) };
/// assert_eq!(unwell(&MadeUpWorld::of([slow, process("db", Phase::Running)])), ["web"]);
/// ```
pub use crate::bindings::judge::provost::plugin::types::Health;

/// The phase of a process. Settings can contain its name, and its text is that name.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Phase, Plan, Span, StartDecision, StartPolicy, World, testing};
///
/// /// Holds a process back until another one is in a phase, which may be `"exited"` for a job.
/// #[derive(serde::Deserialize)]
/// struct After {
///     process: String,
///     phase: Phase,
/// }
///
/// impl StartPolicy for After {
///     fn before_start(&self, _plan: &Plan, world: &dyn World) -> StartDecision {
///         match world.get(&self.process).map(|other| other.phase) {
///             Some(phase) if phase == self.phase => StartDecision::allow(format!("{} is {phase}", self.process)),
///             Some(Phase::Fatal) => StartDecision::refuse(format!("{} was given up", self.process)),
///             _ => StartDecision::wait(Span::from_ms(500), format!("{} is not {}", self.process, self.phase)),
///         }
///     }
/// }
///
/// let policy: After = provost_guest::settings::parse(r#"{"process": "migrate", "phase": "exited"}"#)?;
/// let decide = |phase| policy.before_start(&testing::plan("web"), &MadeUpWorld::of([process("migrate", phase)]));
/// assert_eq!(decide(Phase::Running).reason, "migrate is not exited");
/// assert_eq!(decide(Phase::Exited).reason, "migrate is exited");
/// # Ok::<(), String>(())
/// ```
pub use crate::bindings::judge::provost::plugin::types::Phase;

/// The full state of a process, as the world and the changes contain it. A native test makes one with
/// [`testing::process`](crate::testing::process), and sets the fields that it is about.
///
/// ```
/// use provost_guest::{Phase, ProcessState, testing};
///
/// /// Describes a process in one line.
/// fn line(process: &ProcessState) -> String {
///     match (process.phase, process.pid) {
///         (Phase::Running, Some(pid)) => format!("{} runs with pid {pid}", process.name),
///         (phase, _) => format!("{} is {phase}: {}", process.name, process.reason),
///     }
/// }
///
/// let web = ProcessState { pid: Some(71), ..testing::process("web", Phase::Running) };
/// assert_eq!(line(&web), "web runs with pid 71");
/// let db = ProcessState { reason: "killed by SIGKILL".to_owned(), ..testing::process("db", Phase::Backoff) };
/// assert_eq!(line(&db), "db is backoff: killed by SIGKILL");
/// ```
pub use crate::bindings::judge::provost::plugin::types::ProcessState;

/// The last decision about a process, as its state contains it: in words, and with the name of the policy.
///
/// ```
/// use provost_guest::{Phase, ProcessState, Ruling, testing};
///
/// /// Describes who decided what, and why.
/// fn explained(process: &ProcessState) -> Option<String> {
///     let Ruling { action, by, reason } = process.decision.as_ref()?;
///     Some(format!("{by} decided to {action}: {reason}"))
/// }
///
/// let ruling = Ruling { action: "stay down".into(), by: "once".into(), reason: "its work is done".into() };
/// let job = ProcessState { decision: Some(ruling), ..testing::process("job", Phase::Exited) };
/// assert_eq!(explained(&job).as_deref(), Some("once decided to stay down: its work is done"));
/// assert_eq!(explained(&testing::process("web", Phase::Running)), None);
/// ```
pub use crate::bindings::judge::provost::plugin::types::Ruling;

/// The resources that a process used when they were read. Two values that the kernel may not tell are options.
///
/// ```
/// use provost_guest::{Usage, testing};
///
/// /// Describes the memory, shared memory divided where that is known, and the CPU.
/// fn described(usage: &Usage) -> String {
///     let bytes = usage.pss_bytes.unwrap_or(usage.rss_bytes);
///     format!("{} MiB, {} % of a core", bytes >> 20, usage.cpu_millis / 10)
/// }
///
/// let mut usage = Usage { cpu_millis: 250, ..testing::usage(64 << 20) };
/// assert_eq!(described(&usage), "64 MiB, 25 % of a core");
/// usage.pss_bytes = Some(48 << 20);
/// assert_eq!(described(&usage), "48 MiB, 25 % of a core");
/// ```
pub use crate::bindings::judge::provost::plugin::types::Usage;

/// A page of processes as [`World::columns`](crate::World::columns) returns it. For one process after the other, use
/// [`rows`](trait.World.html#method.rows); columns are for sums over one of them.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Columns, Fields, Phase, ProcessState, World};
///
/// /// Returns the number of restarts of all processes.
/// fn restarts(world: &dyn World) -> u64 {
///     let (mut offset, mut sum) = (0, 0);
///     while offset < world.size() {
///         let Columns { size, restarts, .. } = world.columns(Fields::RESTARTS, offset, 65_536);
///         sum += restarts.iter().sum::<u64>();
///         offset += size;
///     }
///     sum
/// }
///
/// let web = ProcessState { restarts: 3, ..process("web", Phase::Running) };
/// let db = ProcessState { restarts: 4, ..process("db", Phase::Running) };
/// assert_eq!(restarts(&MadeUpWorld::of([web, db])), 7);
/// ```
pub use crate::bindings::judge::provost::plugin::snapshots::Columns;

/// The sizes of the phases, which cost the same for ten processes and for ten thousand.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Counts, Phase, World};
///
/// /// Returns one word for all processes.
/// fn verdict(counts: &Counts) -> &'static str {
///     match counts {
///         Counts { fatal: 1.., .. } => "broken",
///         Counts { backoff: 1.., .. } | Counts { waiting: 1.., .. } => "recovering",
///         _ => "well",
///     }
/// }
///
/// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Backoff)]);
/// assert_eq!(verdict(&world.counts()), "recovering");
/// ```
pub use crate::bindings::judge::provost::plugin::snapshots::Counts;

/// A set of columns, as [`World::columns`](crate::World::columns) and [`rows`](trait.World.html#method.rows) fetch them.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Fields, Phase, World};
///
/// /// Renders a line for each process, and fetches no column that the line does not need.
/// fn render(world: &dyn World, with_pids: bool) -> Vec<String> {
///     let mut fields = Fields::NAMES | Fields::PHASES;
///     if with_pids {
///         fields |= Fields::PIDS;
///     }
///     let lines = world.rows(fields).map(|row| {
///         let phase = row.phase().map_or("unknown", Phase::name);
///         let pid = row.pid().map(|pid| format!(" ({pid})")).unwrap_or_default();
///         format!("{} {phase}{pid}", row.name())
///     });
///     lines.collect()
/// }
///
/// let mut web = process("web", Phase::Running);
/// web.pid = Some(71);
/// let world = MadeUpWorld::of([web]);
/// assert_eq!(render(&world, false), ["web running"]);
/// assert_eq!(render(&world, true), ["web running (71)"]);
/// ```
pub use crate::bindings::judge::provost::plugin::snapshots::Fields;

/// The name of a removed process, for a plugin that keeps something by name.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Phase, Removal, World};
///
/// /// Drops what is kept for the processes that were removed since the generation `seen`.
/// fn prune(kept: &mut BTreeMap<String, u64>, seen: u64, world: &dyn World) {
///     match world.removed_since(seen) {
///         Some(removals) => {
///             for Removal { name, .. } in removals {
///                 kept.remove(&name);
///             }
///         }
///         // They are not all known any more.
///         None => kept.retain(|name, _| world.get(name).is_some()),
///     }
/// }
///
/// let mut kept = BTreeMap::from([("web".to_owned(), 3), ("db".to_owned(), 4)]);
/// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Stopped)]);
/// let seen = world.generation();
/// prune(&mut kept, seen, &world.without("db"));
/// assert!(kept.keys().eq(["web"]));
/// ```
pub use crate::bindings::judge::provost::plugin::snapshots::Removal;

/// The snapshot that the host lends to a call. The traits of the roles get it as a [`World`](crate::World), which it implements, so
/// that the same function judges a made-up world in a native test.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Phase, Snapshot, World};
///
/// /// Returns the number of processes that were given up.
/// fn lost(world: &dyn World) -> u32 {
///     world.counts().fatal
/// }
///
/// /// In a component.
/// fn lost_in(snapshot: &Snapshot) -> u32 {
///     lost(snapshot)
/// }
///
/// // In a native test.
/// assert_eq!(lost(&MadeUpWorld::of([process("web", Phase::Fatal)])), 1);
/// ```
pub use crate::bindings::judge::provost::plugin::snapshots::Snapshot;

/// A column of texts, one behind the other. [`Row::name`](crate::Row::name) and [`Row::group`](crate::Row::group) cut it.
///
/// ```
/// use provost_guest::testing::{MadeUpWorld, process};
/// use provost_guest::{Fields, Phase, TextColumn, World};
///
/// /// Cuts a column into its texts.
/// fn texts(column: &TextColumn) -> Vec<&str> {
///     let mut start = 0;
///     let cut = column.ends.iter().map(|&end| {
///         let text = &column.text[start..end as usize];
///         start = end as usize;
///         text
///     });
///     cut.collect()
/// }
///
/// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Running)]);
/// let names = world.columns(Fields::NAMES, 0, 65_536).names;
/// assert_eq!((names.text.as_str(), names.ends.as_slice()), ("webdb", &[3, 5][..]));
/// assert_eq!(texts(&names), ["web", "db"]);
/// ```
pub use crate::bindings::judge::provost::plugin::snapshots::TextColumn;
