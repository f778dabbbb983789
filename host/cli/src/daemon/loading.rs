//! Loads the plugins at the start of the host. They are compiled in the background, two at a time. The start waits for them for a
//! bounded time and then continues without those that are not ready, which become active as soon as they are.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use provost_plugin_host::{FetchedTogether, LoadError, Pending, PluginHost, trial_world};
use provost_state::{Consumer, Plugins, Snapshot};
use provost_supervisor::{Clock, Supervisor};

use super::errors::SHORTAGE_HINT;
use super::journal::loaded;
use super::noted::{FormerHost, ToLoad};
use super::plugins::problem;
use crate::compiling::SMALL_BYTES;
use crate::config::Config;
use crate::failure::Failure;
use crate::fetching::{Fetcher, Reach};

/// The threads that wait for compilations, and so the number of compilations at the same time.
const THREADS: usize = 2;

/// How long the start waits for small components, so that policies are active before anything starts, even on a busy machine.
const WAIT_FOR_SMALL: Duration = Duration::from_secs(10);
/// How long the start waits for large components, which compile for seconds but load from the cache in less.
const WAIT_FOR_LARGE: Duration = Duration::from_secs(2);

/// A plugin whose loading has ended, with success or not.
struct Done {
    /// Its index in the config.
    place: usize,
    name: Arc<str>,
    made: Result<Option<Box<dyn Consumer>>, LoadError>,
}

/// The receiver of plugins that are done.
enum Phase {
    /// The start, which waits for them.
    Booting(Vec<Done>),
    /// The running host.
    Serving(Supervisor),
}

/// The state that the threads and the start share.
struct Shared {
    phase: Mutex<Phase>,
    /// Notified when a plugin is done during the start.
    bell: Condvar,
    /// The snapshot that plugins are tried on before there are processes.
    trial_world: Arc<Snapshot>,
    plugins: PluginHost,
}

/// A plugin that the start waits for.
struct Waiting {
    place: usize,
    /// The message if it is not ready in time.
    note: String,
    /// How long the start waits for it.
    most: Duration,
}

impl Waiting {
    fn new(place: usize, pending: &Pending, config: &Config) -> Self {
        let by_size = if pending.size_bytes() <= SMALL_BYTES { WAIT_FOR_SMALL } else { WAIT_FOR_LARGE };
        let note = format!(
            "the plugin `{}` ({}) is not ready: it is compiled, its settings are checked, and it is tried; until then, the others in its \
             chains and the failsafe decide",
            pending.name(),
            pending.size()
        );
        Self { place, note, most: config.compile_wait_ms.map_or(by_size, Duration::from_millis) }
    }
}

impl Shared {
    /// Returns the snapshot that a plugin is tried on.
    fn world(&self) -> Arc<Snapshot> {
        match &*self.phase.lock() {
            Phase::Booting(_) => self.trial_world.clone(),
            Phase::Serving(supervisor) => supervisor.reader().snapshot(),
        }
    }

    fn done(&self, done: Done) {
        let supervisor = match &mut *self.phase.lock() {
            Phase::Booting(list) => {
                list.push(done);
                self.bell.notify_one();
                return;
            }
            Phase::Serving(supervisor) => supervisor.clone(),
        };
        self.put_to_work(done, &supervisor);
    }

    /// Puts a plugin to work that became ready after the start: a consumer is registered. A policy needs nothing, because it is
    /// already in its chains.
    fn put_to_work(&self, done: Done, supervisor: &Supervisor) {
        let name = &*done.name;
        match done.made {
            Ok(consumer) => {
                tracing::info!(plugin = name, "it is ready: from now on it answers");
                if let Some(report) = self.plugins.reports().iter().find(|report| *report.name == *name) {
                    supervisor.note(|| loaded(report));
                }
                if let Some(consumer) = consumer {
                    supervisor.consume(consumer);
                }
            }
            Err(error) => tracing::error!(plugin = name, "it cannot be loaded: {error}"),
        }
    }
}

/// The plugins that are still being loaded.
pub(super) struct Loading(Arc<Shared>);

/// The result of loading, after the start has waited.
pub(super) struct Loaded {
    pub(super) consumers: Vec<Box<dyn Consumer>>,
    /// The messages about plugins that are not ready.
    pub(super) notes: Vec<String>,
    pub(super) loading: Loading,
}

impl Loading {
    /// Registers all plugins of the config, or those that a former host has written down instead, and waits until they are
    /// ready, for as long as the config says. After a former host, a plugin without a usable component is refused and keeps
    /// the host from nothing.
    ///
    /// # Errors
    /// [`Failure`] with all problems of their components that are known by then.
    pub(super) fn load(
        config: &Config,
        plugins: &PluginHost,
        former: &FormerHost,
    ) -> Result<Loaded, Failure> {
        let shared = Arc::new(Shared {
            phase: Mutex::new(Phase::Booting(Vec::new())),
            bell: Condvar::new(),
            trial_world: trial_world(config.process_groups()),
            plugins: plugins.clone(),
        });
        let (begin, begun) = mpsc::channel();
        let begun = Arc::new(Mutex::new(begun));
        let all = former.plugins.to_load(config.plugins().cloned());
        if !all.is_empty() {
            for _ in 0..THREADS {
                start_thread(shared.clone(), begun.clone()).map_err(|error| {
                    Failure::failed(format!("plugins cannot be loaded: {error}"), SHORTAGE_HINT)
                })?;
            }
        }
        // They stay in the cache until all plugins have begun.
        let together = fetched(&all, config, plugins, former);
        let (mut problems, mut waiting) = (Vec::new(), Vec::new());
        for (place, ToLoad { spec, before, digest }) in all.into_iter().enumerate() {
            let (name, number) = (spec.name.clone(), before.number);
            let without = former.is_there().then(|| spec.clone());
            let missing = together.error(&spec.source);
            let begun = missing.map_or_else(|| plugins.begin_after(spec, before), |why| Err(why.into()));
            match begun {
                Ok(pending) => {
                    tell_changed(&pending, digest.as_deref());
                    waiting.push(Waiting::new(place, &pending, config));
                    // Cannot fail: the threads run until the sender is dropped.
                    let _ = begin.send((place, pending));
                }
                Err(error) => {
                    let refused =
                        without.is_some_and(|spec| plugins.begin_without(spec, number, &error).is_ok());
                    if !refused {
                        problems.push(problem(config, &name, &error));
                    }
                }
            }
        }
        drop(begin);
        let loading = Self(shared);
        // If there are problems already, they are reported without waiting.
        let mut done = loading.wait(if problems.is_empty() { &waiting } else { &[] });
        done.sort_by_key(|done| done.place);
        waiting.retain(|one| done.iter().all(|done| done.place != one.place));
        let mut consumers = Vec::new();
        for done in done {
            match done.made {
                Ok(consumer) => consumers.extend(consumer),
                // It is refused, and its processes run.
                Err(error) if former.is_there() => {
                    tracing::error!(plugin = &*done.name, "it cannot be loaded: {error}");
                }
                Err(error) => problems.push(problem(config, &done.name, &error)),
            }
        }
        if !problems.is_empty() {
            return Err(config.problems(problems).into());
        }
        let notes = waiting.into_iter().map(|one| one.note).collect();
        Ok(Loaded { consumers, notes, loading })
    }

    /// Waits until all of these are done, for each at most its own time, and returns those that are.
    fn wait(&self, all: &[Waiting]) -> Vec<Done> {
        let clock = Clock::new();
        let begun = clock.now().mono_ns;
        let mut phase = self.0.phase.lock();
        loop {
            let Phase::Booting(done) = &mut *phase else { return Vec::new() };
            let missing = all.iter().filter(|one| done.iter().all(|done| done.place != one.place));
            let most = missing.map(|one| one.most).max().unwrap_or_default();
            let left = most.saturating_sub(Duration::from_nanos(clock.now().mono_ns.saturating_sub(begun)));
            if left.is_zero() {
                return mem::take(done);
            }
            self.0.bell.wait_for(&mut phase, left);
        }
    }

    /// Puts plugins to work as soon as they are ready, from now on.
    pub(super) fn serve(self, supervisor: &Supervisor) {
        let before = mem::replace(&mut *self.0.phase.lock(), Phase::Serving(supervisor.clone()));
        if let Phase::Booting(done) = before {
            done.into_iter().for_each(|done| self.0.put_to_work(done, supervisor));
        }
    }
}

impl std::fmt::Debug for Loading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loading").finish_non_exhaustive()
    }
}

/// Fetches the components that are elsewhere, within one time limit for all of them. Processes of a former host do not wait for a
/// network: then only the cache is read.
fn fetched(all: &[ToLoad], config: &Config, plugins: &PluginHost, former: &FormerHost) -> FetchedTogether {
    let sources = all.iter().map(|one| &one.spec.source);
    match former.is_there() {
        true => FetchedTogether::of(sources, &*Fetcher::reading(config.store(), Reach::Cache)),
        false => FetchedTogether::of(sources, plugins.remote()),
    }
}

/// Says that the component of a plugin is another one than a former host had in force.
fn tell_changed(pending: &Pending, digest: Option<&str>) {
    if let Some(before) = digest.filter(|before| *before != pending.digest()) {
        tracing::warn!(
            plugin = &**pending.name(),
            "the file of its component has changed since the former host loaded it (SHA-256 {before} then, {} now): the host \
             goes on with what the file has now",
            pending.digest()
        );
    }
}

/// The queue of plugins to finish, each with its index in the config.
type Begun = Arc<Mutex<Receiver<(usize, Pending)>>>;

/// Starts a thread that finishes one plugin after another until none is left.
fn start_thread(shared: Arc<Shared>, begun: Begun) -> std::io::Result<()> {
    let life = move || {
        loop {
            let next = begun.lock().recv();
            let Ok((place, pending)) = next else { return };
            let name = pending.name().clone();
            let made = pending.finish(&shared.world());
            shared.done(Done { place, name, made });
        }
    };
    std::thread::Builder::new().name("provost-plugins".into()).spawn(life).map(drop)
}
