//! Another keeper in the place of one that has ended. The host starts it, gives it everything, and leaves; that keeper starts the
//! next host, which goes on in the background. Meanwhile the host supervises as before, except that it starts no process.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use provost_files::Owners;
use provost_supervisor::{Degraded, HandedOver, Keeper, Lost, NotHandedOver, Supervisor};
use rustix::process::{Pid, Signal, getppid, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::becoming::place;
use super::course::{Course, Next, Stage};
use super::parent::{LACK, UNSAFE};
use super::program;
use crate::config::{Config, KEEPER_SOCKET_NAME};

/// The pauses before each attempt to start another keeper.
const PAUSES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// A host that loses its keeper earlier than this waits [`PAUSE_OF_YOUNG`] first, so that keepers that end again and again do not
/// follow each other without a pause.
const YOUNG: Duration = Duration::from_secs(10);

/// See [`YOUNG`].
const PAUSE_OF_YOUNG: Duration = Duration::from_secs(1);

/// How long the end of the host waits for another keeper.
const LEFT_WITHIN: Duration = Duration::from_secs(15);

/// What was found before the end of a host that leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeenOff {
    /// Whether another keeper was waited for.
    pub(crate) has_waited: bool,
    /// Whether the keeper ends everything.
    pub(crate) ends: bool,
}

/// How another keeper is started.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    arguments: Vec<OsString>,
    runtime_dir: PathBuf,
    owners: Owners,
}

/// What is known of another keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    /// None is needed, or it does not have everything yet.
    Awaited,
    /// The one with this process id has everything.
    InPlace(u32),
    /// There is none: none can be started, or everything is being stopped.
    Missing,
}

/// Another keeper in the place of one that has ended.
#[derive(Debug)]
pub(crate) struct Successor {
    /// The keeper that this host has at first.
    keeper: Option<Keeper>,
    other: watch::Receiver<Other>,
}

impl Means {
    /// Returns how the keeper of a host with this config is started. Its children get the soft limit `open_files`, if the host
    /// has another one.
    pub(crate) fn of(config: &Config, open_files: Option<u64>) -> Self {
        let (runtime_dir, owners) = (config.runtime_dir.clone(), config.owners());
        let socket = place(&runtime_dir.join(KEEPER_SOCKET_NAME), &runtime_dir, owners);
        let socket = socket.into_iter().flat_map(|path| ["--socket".into(), path]);
        let limit = open_files.map(|limit| ["--open-files".into(), limit.to_string().into()]);
        // The program of this host, whatever has become of its file.
        let program = format!("/proc/{}/exe", std::process::id()).into();
        let mut host: Vec<OsString> = std::env::args_os().collect();
        if !host.iter().any(|argument| argument == BACKGROUND) {
            host.push(BACKGROUND.into());
        }
        let options = ["--handed".into()].into_iter().chain(socket).chain(limit.into_iter().flatten());
        let arguments = options.chain(["--".into(), program]).chain(host).collect();
        Self { arguments, runtime_dir, owners }
    }

    /// Starts a keeper and gives it everything. Blocks until it has answered.
    fn hand_over(&self, keeper: &Keeper) -> Result<HandedOver, String> {
        fail::fail_point!("keeper.successor", |_| Err("a test says so".to_owned()));
        let mut started = None;
        let handed = keeper.hand_over(env!("CARGO_PKG_VERSION"), |connection| {
            let child = program::start(&self.arguments, &self.runtime_dir, self.owners, connection);
            started = Some(child.map_err(std::io::Error::other)?);
            Ok(())
        });
        handed.map_err(|error| {
            if let Some(mut child) = started {
                // It is about to end, and nobody waits for it.
                let _ = child.kill().and_then(|()| child.wait());
            }
            error.to_string()
        })
    }
}

impl Other {
    fn pid(self) -> Option<u32> {
        match self {
            Self::InPlace(pid) => Some(pid),
            Self::Awaited | Self::Missing => None,
        }
    }
}

/// The option of `up` for a host in the background.
const BACKGROUND: &str = "--background";

impl Successor {
    /// Waits for the end of the keeper, and looks for another one then.
    pub(crate) fn await_need(
        keeper: Option<Keeper>,
        means: Means,
        supervisor: &Supervisor,
        course: Course,
    ) -> Self {
        let (tell, other) = watch::channel(Other::Awaited);
        if let Some(keeper) = keeper.clone() {
            let supervisor = supervisor.clone();
            tokio::spawn(async move {
                let began = Instant::now();
                keeper.ended().await;
                let is_young = began.elapsed() < YOUNG;
                let pid = replace(&keeper, &means, &supervisor, &course, is_young).await;
                tell.send_replace(pid.map_or(Other::Missing, Other::InPlace));
                // Kept, so that nobody takes its end for a message.
                std::future::pending::<()>().await;
            });
        }
        Self { keeper, other }
    }

    /// Resolves with the process id of another keeper when that has everything: this host has to end.
    pub(crate) async fn is_in_place(&mut self) -> u32 {
        match self.other.wait_for(|other| matches!(other, Other::InPlace(_))).await.map(|other| *other) {
            Ok(Other::InPlace(pid)) => pid,
            _ => std::future::pending().await,
        }
    }

    /// Waits until there is a keeper that starts the next host: if the one has ended that was to do so, until another one has
    /// everything. If `ends`, the keeper is sent SIGTERM, starts no host, and ends everything by the ranks. This is the
    /// last look before the end.
    pub(crate) async fn see_off(&mut self, ends: bool) -> SeenOff {
        let Some(keeper) = &self.keeper else { return SeenOff::default() };
        let mut pid = Some(keeper.pid());
        // The children of a keeper have another parent before the connection ends.
        let is_gone = keeper.is_gone() || getppid() != pid_of(keeper.pid());
        if is_gone {
            let known = self.other.wait_for(|other| *other != Other::Awaited);
            pid = match timeout(LEFT_WITHIN, known).await {
                Ok(Ok(other)) => other.pid(),
                _ => None,
            };
        }
        if pid.is_none() {
            tracing::error!(
                "the keeper has ended, and there is no other one to start the next host: all processes go on, and `provost up` \
                 takes them over"
            );
        }
        let told = pid.filter(|_| ends).and_then(pid_of).map(|keeper| kill_process(keeper, Signal::TERM));
        SeenOff { has_waited: is_gone, ends: matches!(told, Some(Ok(()))) }
    }
}

fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// Starts another keeper, gives it everything, and returns its process id; `None` if that is not possible, or not wanted any more.
async fn replace(
    keeper: &Keeper,
    means: &Means,
    supervisor: &Supervisor,
    course: &Course,
    is_young: bool,
) -> Option<u32> {
    let degraded: &Degraded = supervisor.degraded();
    let waits = "until there is another one, no process is started";
    degraded.set(LACK, format!("it has ended: {waits}"));
    if is_young {
        sleep(PAUSE_OF_YOUNG).await;
    }
    let mut why = String::new();
    // Set from the moment on at which the host has to leave: the program of the next one, if it is another one.
    let mut left: Option<Option<Next>> = None;
    for pause in PAUSES {
        sleep(pause).await;
        if course.stage().await == Stage::Stopping {
            return None;
        }
        let (means, lost) = (means.clone(), keeper.clone());
        let handed = supervisor.jobs().handing.run(move || means.hand_over(&lost)).await;
        why = match handed {
            Ok(Ok(handed)) => {
                let next = match left.take() {
                    Some(next) => next,
                    None => course.hand_over().await?,
                };
                left = Some(next.clone());
                match leave(handed, next, keeper.pid(), supervisor).await {
                    Ok(pid) => return Some(pid),
                    Err(error) => error,
                }
            }
            Ok(Err(error)) => error,
            Err(lost) => lost.to_string(),
        };
        degraded.set(LACK, format!("it has ended, and another one cannot be started: {why}; {waits}"));
    }
    course.take_back().await;
    // Children that nobody knows of would be doubled.
    loop {
        let lost = keeper.clone();
        let error = match supervisor.jobs().handing.run(move || lost.end_unborn()).await {
            Ok(Ok(())) => break,
            Ok(Err(error)) => error.to_string(),
            Err(panicked @ Lost::Panicked(_)) => panicked.to_string(),
            Err(Lost::Ending) => return None,
        };
        let reason = format!("it has ended, and what it was starting cannot be found: {error}; {waits}");
        degraded.set(LACK, reason);
        sleep(Duration::from_secs(1)).await;
    }
    keeper.give_up();
    degraded.set(LACK, format!("it has ended, and another one cannot be started: {why}: {UNSAFE}"));
    None
}

/// Tells the other keeper that it has everything, and returns its process id.
///
/// # Errors
/// It could not be told, so it does not go on.
async fn leave(
    handed: HandedOver,
    next: Option<Next>,
    former: u32,
    supervisor: &Supervisor,
) -> Result<u32, String> {
    let (pid, lives) = (handed.keeper(), handed.lives());
    let leave = move || {
        let next = next.as_ref().map(|next| (next.program.as_fd(), next.deadline));
        handed.leave(next)
    };
    match supervisor.jobs().handing.run(leave).await {
        Ok(Err(error @ NotHandedOver::NotSent(_))) => return Err(error.to_string()),
        // One that does not answer may have everything all the same, so this host ends in any case.
        Ok(Err(error)) => tracing::error!("the new keeper has not confirmed that it goes on: {error}"),
        Ok(Ok(())) | Err(_) => {}
    }
    tracing::warn!(
        "the keeper (pid {former}) has ended; another one (pid {pid}) has the {lives} processes, and starts a host that goes on in \
         the background: `provost status` shows it, `provost logs --host` its log"
    );
    Ok(pid)
}
