//! Another keeper in the place of one that has ended. The host starts it, gives it everything, and leaves; that keeper starts the
//! next host, which goes on in the background. Meanwhile the host supervises as before, except that it starts no process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use provost_files::Owners;
use provost_supervisor::{Degraded, HandedOver, Keeper, Supervisor};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::becoming::place;
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

/// How long the end of the host waits for a handover.
const LEFT_WITHIN: Duration = Duration::from_secs(15);

/// How another keeper is started.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    arguments: Vec<OsString>,
    runtime_dir: PathBuf,
    owners: Owners,
}

/// How the host ends: in order, or because another keeper has everything. Whichever comes first excludes the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Open,
    InOrder,
    Leaving,
}

/// Another keeper in the place of one that has ended.
#[derive(Debug)]
pub(crate) struct Successor {
    course: Arc<Mutex<Course>>,
    /// The process id of the keeper that has everything.
    keeper: watch::Receiver<Option<u32>>,
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

/// The option of `up` for a host in the background.
const BACKGROUND: &str = "--background";

impl Successor {
    /// Waits for the end of the keeper, and looks for another one then.
    pub(crate) fn await_need(keeper: Option<Keeper>, means: Means, supervisor: &Supervisor) -> Self {
        let (tell, told) = watch::channel(None);
        let course = Arc::new(Mutex::new(Course::Open));
        if let Some(keeper) = keeper {
            let (course, supervisor) = (course.clone(), supervisor.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                keeper.ended().await;
                let is_young = began.elapsed() < YOUNG;
                if let Some(pid) = replace(&keeper, &means, &supervisor, &course, is_young).await {
                    tell.send_replace(Some(pid));
                }
                // Kept, so that nobody takes its end for a message.
                std::future::pending::<()>().await;
            });
        }
        Self { course, keeper: told }
    }

    /// Resolves with the process id of another keeper when that has everything: this host has to end.
    pub(crate) async fn is_in_place(&mut self) -> u32 {
        match self.keeper.wait_for(Option::is_some).await.map(|keeper| *keeper) {
            Ok(Some(pid)) => pid,
            _ => std::future::pending().await,
        }
    }

    /// Waits until another keeper has everything, because the one that was to start the next host has ended. This host ends
    /// then, or when there is none after a while.
    pub(crate) async fn is_in_place_soon(&mut self) {
        tracing::warn!("the keeper that was to start the next host has ended: another one is awaited");
        if timeout(LEFT_WITHIN, self.is_in_place()).await.is_err() {
            tracing::error!("no other keeper can be started: `provost up` goes on with the processes");
        }
    }

    /// Says that the host ends in order. Returns false if another keeper has everything already: it was sent SIGTERM, and ends
    /// everything in order, by the host that it starts.
    pub(crate) async fn forestall(&mut self) -> bool {
        {
            let mut course = self.course.lock();
            if *course != Course::Leaving {
                *course = Course::InOrder;
                return true;
            }
        }
        let Ok(pid) = timeout(LEFT_WITHIN, self.is_in_place()).await else { return true };
        let keeper = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let _ = keeper.map(|keeper| kill_process(keeper, Signal::TERM));
        false
    }
}

/// Starts another keeper, gives it everything, and returns its process id; `None` if that is not possible, or not wanted any more.
async fn replace(
    keeper: &Keeper,
    means: &Means,
    supervisor: &Supervisor,
    course: &Mutex<Course>,
    is_young: bool,
) -> Option<u32> {
    let degraded: &Degraded = supervisor.degraded();
    let waits = "until there is another one, no process is started";
    degraded.set(LACK, format!("it has ended: {waits}"));
    if is_young {
        sleep(PAUSE_OF_YOUNG).await;
    }
    let mut why = String::new();
    for pause in PAUSES {
        sleep(pause).await;
        if *course.lock() != Course::Open {
            return None;
        }
        let (means, lost) = (means.clone(), keeper.clone());
        let handed = supervisor.jobs().reading.run(move || means.hand_over(&lost)).await;
        match handed {
            Ok(Ok(handed)) => return leave(handed, keeper.pid(), supervisor, course).await,
            Ok(Err(error)) => why = error,
            Err(lost) => why = lost.to_string(),
        }
        degraded.set(LACK, format!("it has ended, and another one cannot be started: {why}; {waits}"));
    }
    // Children that nobody knows of would be doubled.
    loop {
        let lost = keeper.clone();
        match supervisor.jobs().reading.run(move || lost.end_unborn()).await {
            Ok(Ok(())) => break,
            Ok(Err(error)) => degraded.set(
                LACK,
                format!("it has ended, and what it was starting cannot be found: {error}; {waits}"),
            ),
            Err(_) => return None,
        }
        sleep(Duration::from_secs(1)).await;
    }
    keeper.give_up();
    degraded.set(LACK, format!("it has ended, and another one cannot be started: {why}: {UNSAFE}"));
    None
}

/// Tells the other keeper that it has everything, unless the host ends in order.
async fn leave(
    handed: HandedOver,
    former: u32,
    supervisor: &Supervisor,
    course: &Mutex<Course>,
) -> Option<u32> {
    {
        let mut course = course.lock();
        if *course != Course::Open {
            return None;
        }
        *course = Course::Leaving;
    }
    let (pid, lives) = (handed.keeper(), handed.lives());
    tracing::warn!(
        "the keeper (pid {former}) has ended; another one (pid {pid}) has the {lives} processes, and starts a host that goes on in \
         the background: `provost status` shows it, `provost logs --host` its log"
    );
    // One that does not answer may have everything all the same, so this host ends in any case.
    if let Ok(Err(error)) = supervisor.jobs().reading.run(move || handed.leave()).await {
        tracing::error!("the new keeper has not confirmed that it goes on: {error}");
    }
    Some(pid)
}
