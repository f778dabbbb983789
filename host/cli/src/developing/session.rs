//! The rounds of a session, one after the other: build, test, put in force; and the wait for the next change of the sources.

use std::io::Write;
use std::path::{Path, PathBuf};

use provost_plugin_host::hex;
use provost_supervisor::{Clock, hangup_is_ignored};
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};

use super::bell::Bell;
use super::feed::{self, Feed};
use super::host::{Found, Host, Place, Taken, hint};
use super::sample::Subject;
use super::screen::Screen;
use super::sources::Look;
use crate::args::CompileArgs;
use crate::config::{CONFIG_NAME, Outline};
use crate::failure::Failure;
use crate::guests::{Built, Known, Progress};
use crate::render::humane::{one_line, precise, size};
use crate::render::page::Page;
use crate::render::style::{Paint, Style};
use crate::trying::{Report, failed_text, failures, passes};

/// The steps of a round that other commands have, too. They block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tools {
    /// Returns the folders with the sources of the project in a folder.
    pub(crate) folders: fn(&Path) -> Result<Vec<PathBuf>, Failure>,
    /// Builds the project in a folder, with what is known from the build before; nothing is written.
    pub(crate) build: fn(&Path, Progress, &mut Known) -> Result<Built, Failure>,
    /// Runs the native tests of the project in a folder, which say what fails.
    pub(crate) native: fn(&Path) -> Result<bool, Failure>,
    /// Runs the vectors and plays the scenarios of the project in a folder with a component that is not written
    /// to its place yet, whose compilation may use this.
    pub(crate) test: fn(&Path, &Path, &Path, CompileArgs) -> Result<Report, Failure>,
}

/// What the user wants.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The folder of the project, absolute.
    pub(crate) dir: PathBuf,
    /// Where a host is looked for, if anywhere.
    pub(crate) place: Option<Place>,
    /// The name of the plugin in the host; by default that of the component.
    pub(crate) name: Option<String>,
    /// Whether the native tests are run in each round.
    pub(crate) native: bool,
    /// Whether a version may ask for more than the one before, in a host that was not started here.
    pub(crate) accept: bool,
    /// Whether one round is enough.
    pub(crate) once: bool,
    /// What the compilation of a version may use before it is put into the host.
    pub(crate) compile: CompileArgs,
    /// Standard output.
    pub(crate) page: Page,
    /// The colours of standard error.
    pub(crate) paint: Paint,
}

/// Runs a session until it is interrupted, or for one round.
///
/// # Errors
/// [`Failure`] if there is no project, if its folder cannot be watched or nothing can be printed, or if the only round fails.
pub(crate) async fn develop(wanted: Wanted, tools: Tools) -> Result<(), Failure> {
    // One that is ignored, as by nohup, stays so.
    let hangup = if hangup_is_ignored() { SignalKind::terminate() } else { SignalKind::hangup() };
    let mut interrupts = [SignalKind::interrupt(), SignalKind::terminate(), hangup].map(signal);
    let [interrupt, terminate, hangup] = &mut interrupts;
    let (Ok(interrupt), Ok(terminate), Ok(hangup)) = (interrupt, terminate, hangup) else {
        return Err(Failure::failed("signals cannot be received", "are too many files open?"));
    };
    let mut session = Session::new(wanted, tools)?;
    let outcome = tokio::select! {
        outcome = session.run() => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    };
    session.leave().await;
    outcome
}

struct Session {
    wanted: Wanted,
    tools: Tools,
    screen: Screen,
    bell: Bell,
    /// The folders with the sources.
    folders: Vec<PathBuf>,
    /// The sources of the last round.
    seen: Look,
    /// The sources when the host was started or has reloaded its config.
    configured: Look,
    rounds: u64,
    /// What the last build has found out, while only code changes.
    known: Known,
    host: Option<Host>,
    feed: Option<Feed>,
    /// The name of the plugin in the host, and its version in force, once they are known.
    name: Option<String>,
    version: Option<u64>,
}

impl Session {
    fn new(wanted: Wanted, tools: Tools) -> Result<Self, Failure> {
        let folders = (tools.folders)(&wanted.dir)?;
        let screen = Screen { page: wanted.page.clone(), paint: wanted.paint };
        let bell = Bell::new().map_err(|error| unwatched(&error))?;
        let name = wanted.name.clone();
        Ok(Self {
            wanted,
            tools,
            screen,
            bell,
            folders,
            seen: Look::default(),
            configured: Look::default(),
            rounds: 0,
            known: Known::default(),
            host: None,
            feed: None,
            name,
            version: None,
        })
    }

    async fn run(&mut self) -> Result<(), Failure> {
        loop {
            // Before the build, so that a change during it leads to another round.
            let now = self.look()?;
            let is_code_only = self.seen.differs_in_code_only(&now);
            if !is_code_only {
                self.known = Known::default();
            }
            self.seen = now;
            let outcome = self.round().await;
            self.rounds += 1;
            if self.wanted.once {
                return outcome;
            }
            if let Err(failure) = outcome {
                self.screen.failure(&failure);
                let kept = match self.version {
                    Some(version) => format!("the former version stays loaded: version {version}"),
                    None => "nothing is loaded yet: it is tried again at the next change".to_owned(),
                };
                self.screen.line(Style::Yellow, &kept)?;
            } else if self.rounds == 1 {
                let watched = format!("watching {}; Ctrl-C ends", self.wanted.dir.display());
                self.screen.line(Style::Dim, &one_line(&watched))?;
            }
            if !is_code_only {
                self.find_folders().await;
            }
            self.seen.built();
            self.until_changed().await?;
        }
    }

    /// Looks at the sources, and watches all of their folders.
    fn look(&self) -> Result<Look, Failure> {
        Look::at(&self.folders, |folder| self.bell.add(folder)).map_err(|error| unwatched(&error))
    }

    /// Finds the folders with the sources again, because a manifest may name other crates now. One that is broken changes nothing.
    async fn find_folders(&mut self) {
        let (find, dir) = (self.tools.folders, self.wanted.dir.clone());
        if let Ok(folders) = blocking(move || find(&dir)).await {
            self.folders = folders;
        }
    }

    /// Waits for another state of the sources than that of the last round.
    async fn until_changed(&mut self) -> Result<(), Failure> {
        loop {
            if self.seen.differs(&self.look()?) {
                return Ok(());
            }
            let gone = async {
                match &mut self.feed {
                    Some(feed) => feed.ended().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                rung = self.bell.rung() => rung.map_err(|error| unwatched(&error))?,
                () = gone => {
                    self.again().await?;
                    continue;
                }
            }
            self.bell.quiet().await.map_err(|error| unwatched(&error))?;
        }
    }

    /// Does everything for the sources as they are now.
    async fn round(&mut self) -> Result<(), Failure> {
        let clock = Clock::new();
        let (tools, dir) = (self.tools, self.wanted.dir.clone());
        let progress = if self.rounds == 0 { Progress::Shown } else { Progress::Hidden };
        let begun = clock.now().mono_ns;
        let built = self.built(tools, dir, progress).await?;
        let file = built.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = size(built.component.len() as u64);
        self.step(&format!("built {file}, {bytes}"), &clock, begun)?;
        if self.wanted.native {
            let (begun, dir) = (clock.now().mono_ns, self.wanted.dir.clone());
            if !blocking(move || (tools.native)(&dir)).await? {
                return Err(Failure::silent(1));
            }
            self.step("the native tests have passed", &clock, begun)?;
        }
        self.test(&built, &clock).await?;
        let former = std::fs::read(&built.path).ok();
        built.write().map_err(unwritten)?;
        let outcome = self.put_in_force(&built, &clock).await;
        if let (Err(_), Some(former)) = (&outcome, former) {
            // The component in the folder is the one in force, also for the next start of the host.
            built.put_back(&former).map_err(unwritten)?;
        }
        outcome
    }

    /// Builds the project. After a failure everything is found out again.
    async fn built(&mut self, tools: Tools, dir: PathBuf, progress: Progress) -> Result<Built, Failure> {
        let mut known = std::mem::take(&mut self.known);
        let (built, known) = blocking(move || {
            let built = (tools.build)(&dir, progress, &mut known)?;
            Ok((built, known))
        })
        .await?;
        self.known = known;
        Ok(built)
    }

    /// Runs the vectors and plays the scenarios with a component that is not written yet.
    async fn test(&self, built: &Built, clock: &Clock) -> Result<(), Failure> {
        let candidate = candidate(&built.component)?;
        let (test, compile) = (self.tools.test, self.wanted.compile);
        let (dir, path, place) = (self.wanted.dir.clone(), candidate.path().to_owned(), built.path.clone());
        let begun = clock.now().mono_ns;
        let report = blocking(move || test(&dir, &path, &place, compile)).await?;
        if !report.is_good() {
            let told = failed_text(&report, self.wanted.paint);
            return Err(Failure::with_report(1, format!("{told}error: {}", failures(&report))));
        }
        if report.is_empty() {
            let told = "no vectors (tests/vectors/*.toml) and no scenarios (scenarios/*.toml): the plugin is not tested";
            return self.screen.line(Style::Yellow, told);
        }
        self.step(&passes(&report), clock, begun)
    }

    /// Prints a step that was done, and the time since `begun`.
    fn step(&self, done: &str, clock: &Clock, begun: u64) -> Result<(), Failure> {
        let took = clock.now().mono_ns.saturating_sub(begun) / 1_000_000;
        self.screen.line(Style::Green, &format!("{done} ({})", precise(took)))
    }

    /// Puts a component in force in the host. If the session has none yet, one is looked for, or else started.
    async fn put_in_force(&mut self, built: &Built, clock: &Clock) -> Result<(), Failure> {
        let begun = clock.now();
        let name = match &self.name {
            Some(name) => name.clone(),
            None => built.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        if let Some(host) = &self.host
            && !host.answers().await
        {
            self.screen.line(Style::Yellow, "the host has gone away")?;
            (self.host, self.feed) = (None, None);
        }
        let digest = hex(&Sha256::digest(&built.component));
        let host = match self.host.take() {
            Some(host) => host,
            None => self.host_for(&name, built).await?,
        };
        let is_own = host.own.is_some();
        let is_reconfigured =
            host.own.as_deref().is_some_and(|config| self.configured.differs_in(&self.seen, config));
        let host = self.host.insert(host);
        if is_reconfigured {
            host.reload().await?;
            self.configured = self.seen.clone();
            self.screen.line(Style::Green, &format!("{CONFIG_NAME} is reloaded"))?;
        }
        let accept = is_own || self.wanted.accept;
        let (taken, plugin) = host.take(&name, &built.path, &digest, accept).await?;
        if self.feed.is_none() {
            self.feed = Some(begin(host, &name, begun.wall_ms, &self.screen).await?);
            if let Some(hint) = hint(&name, &plugin) {
                self.screen.line(Style::Dim, &hint)?;
            }
        }
        let told = match taken {
            Taken::Same(version) => format!("version {version} is in force, with this component"),
            Taken::Swapped(before, now) => format!("swapped: version {before} -> {now}"),
        };
        self.version = Some(plugin.active.version);
        self.name = Some(name);
        self.step(&told, clock, begun.mono_ns)?;
        if is_own && let Some(host) = &self.host {
            let started = host.start_what_is_down().await?;
            if !started.is_empty() {
                self.screen.line(Style::Dim, &format!("started again: {}", started.join(", ")))?;
            }
        }
        Ok(())
    }

    /// Returns the host that has the plugin, or one that is started for it.
    async fn host_for(&mut self, name: &str, built: &Built) -> Result<Host, Failure> {
        let mut is_free = true;
        if let Some(place) = &self.wanted.place {
            match Host::find(place, name).await? {
                Found::Host(host) => {
                    let told = format!("the host at {} has {name}", place.socket.display());
                    self.screen.line(Style::Dim, &one_line(&told))?;
                    return Ok(host);
                }
                Found::Stranger => {
                    let told = format!("the host at {} has no plugin {name}", place.socket.display());
                    self.screen.line(Style::Yellow, &one_line(&told))?;
                    is_free = Outline::of(&self.wanted.dir.join(CONFIG_NAME)).socket() != place.socket;
                }
                Found::Nobody => {}
            }
        }
        let (bytes, exports) = (built.component.len(), &built.exports);
        let compile = self.wanted.compile.options();
        let subject = Subject { name, component: &built.path, bytes, exports, compile };
        let host = Host::start(&self.wanted.dir, &subject, is_free).await?;
        self.configured = self.seen.clone();
        if let Some(config) = &host.own {
            let shown = config.strip_prefix(&self.wanted.dir).unwrap_or(config).display();
            let told =
                format!("started a host with {shown}: `provost -c {} status` shows it", config.display());
            self.screen.line(Style::Dim, &one_line(&told))?;
        }
        Ok(host)
    }

    /// Follows a host that has gone away: it comes again, or one that was started here is started again.
    async fn again(&mut self) -> Result<(), Failure> {
        self.feed = None;
        let (Some(host), Some(name)) = (&self.host, &self.name) else { return Ok(()) };
        self.screen.line(Style::Yellow, "the host has gone away")?;
        if host.answers().await {
            let now_ms = Clock::new().now().wall_ms;
            match begin(host, name, now_ms, &self.screen).await {
                Ok(feed) => {
                    self.feed = Some(feed);
                    return self.screen.line(Style::Green, "the host is back");
                }
                Err(failure) => self.screen.failure(&failure),
            }
        }
        let what = if host.own.is_some() { "another one is started" } else { "it is looked for again" };
        self.host = None;
        self.screen.line(Style::Yellow, &format!("{what} at the next change"))
    }

    /// Ends the host that was started here.
    async fn leave(&mut self) {
        self.feed = None;
        let Some(host) = self.host.take().filter(|host| host.own.is_some()) else { return };
        let told = if host.end().await { "the host has ended" } else { "the host is still ending" };
        // There may be nobody left to read this.
        let _ = self.screen.line(Style::Dim, told);
    }
}

async fn begin(host: &Host, name: &str, since_ms: u64, screen: &Screen) -> Result<Feed, Failure> {
    let (client, journal) = (host.client.clone(), host.journal.clone());
    Feed::begin(feed::Subject { client, name: name.to_owned(), journal, since_ms }, screen).await
}

/// Runs something that blocks beside everything else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::failed(error, "this is a defect; please report it")))
}

/// Writes a component to a file that ends with the value.
fn candidate(component: &[u8]) -> Result<tempfile::NamedTempFile, Failure> {
    let made = tempfile::Builder::new().prefix("provost-").suffix(".wasm").tempfile();
    let written = made.and_then(|mut file| file.write_all(component).map(|()| file));
    written.map_err(|error| {
        let dir = std::env::temp_dir();
        Failure::failed(
            format_args!("cannot write the component to a file in {}: {error}", dir.display()),
            "free some space there, or name another directory in TMPDIR",
        )
    })
}

fn unwatched(error: &std::io::Error) -> Failure {
    Failure::failed(
        format_args!("the sources cannot be watched: {error}"),
        "`sysctl fs.inotify` shows how many folders and instances this user may have",
    )
}

fn unwritten(error: crate::guests::BuildError) -> Failure {
    Failure::failed(error, "check that you may write there")
}
