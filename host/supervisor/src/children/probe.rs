//! Runs checks: until a process answers (readiness), or once (health).
//!
//! For readiness a failing try is not news: the process may just need longer. What a failed health check means is for a
//! health policy to decide.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Exit, Incarnation, span};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::LifeEnv;
use super::Spawner;
use super::command::values_of;
use super::http_get::{self, Url};
use super::own_port;
use super::resolver::Resolver;
use super::variables::{self, VariableError};
use crate::children::os::OsSpawner;
use crate::jobs::Lane;
use crate::spec::{Check, CommandLine, ProcessSpec, Readiness};

/// The maximum number of addresses of one name that are tried.
const ADDRESSES_MAX: usize = 16;

/// The process that is checked, and what its checks need.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The spec that it was spawned with.
    pub(crate) spec: Arc<ProcessSpec>,
    pub(crate) incarnation: Incarnation,
    /// Whether its checks may have changed since.
    pub(crate) is_reconfigured: bool,
    pub(crate) env: LifeEnv,
    /// Its main process.
    pub(crate) pid: Option<u32>,
    /// What [`variables::of_checks`] names, with the values of this life.
    pub(crate) vars: LifeEnv,
    /// Holds the child that is checked.
    pub(crate) spawner: Arc<dyn Spawner>,
    pub(crate) helpers: OsSpawner,
    pub(crate) resolver: Resolver,
    pub(crate) reading: Lane,
    /// Held while a program that checks this process is started or runs, or while its sockets are looked for: there is never a
    /// second one, however long the first takes to start, to die or to look.
    pub(crate) turn: Arc<Semaphore>,
}

impl Checked {
    /// Looks up the variables that `check` names, if it may be newer than the life that it checks.
    pub(crate) async fn knowing(mut self, check: &Check) -> Self {
        if !self.is_reconfigured {
            return self;
        }
        let mut names = variables::of_check(check);
        names.retain(|name| !self.vars.iter().any(|(known, _)| known == name));
        if names.is_empty() {
            return self;
        }
        let (spec, incarnation, env) = (self.spec.clone(), self.incarnation, self.env.clone());
        let found = self.reading.run(move || values_of(names, &spec, incarnation, &env)).await;
        // What was not found is reported by the check that names it.
        let found = found.unwrap_or_default();
        self.vars = self.vars.iter().chain(found.iter()).cloned().collect();
        self
    }
}

/// Why a check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) why: Arc<str>,
    /// Whether waiting alone will not help, so that it is logged.
    pub(crate) lasting: bool,
}

impl Failed {
    pub(crate) fn yet(why: impl Into<Arc<str>>) -> Self {
        Self { why: why.into(), lasting: false }
    }

    pub(crate) fn lasting(why: impl Into<Arc<str>>) -> Self {
        Self { why: why.into(), lasting: true }
    }
}

/// Returns the text by which a process is known to be ready, if there is one, with the variables of its life.
pub(crate) fn awaited_text(check: &Check, vars: &LifeEnv) -> Option<Result<String, VariableError>> {
    match check {
        Check::LogLine(text) => Some(variables::fill_from(text, vars)),
        _ => None,
    }
}

/// Resolves with the reason once the process is ready; never if it never is. What a failing try finds is put into
/// `report`, whose reader is woken when it changes; `tried` is called with the finding of each try, and whether it passed.
pub(crate) async fn until_ready(
    readiness: Readiness,
    text_seen: Option<oneshot::Receiver<()>>,
    of: Checked,
    report: watch::Sender<Option<Failed>>,
    tried: impl Fn(bool, Arc<str>) + Send,
) -> String {
    if let Check::LogLine(_) = &readiness.check {
        let said = until_said(&readiness.check, text_seen, &of, &report).await;
        tried(true, said.as_str().into());
        return format!("ready: {said}");
    }
    let of = of.knowing(&readiness.check).await;
    let begun = format!("{}: the first try has not ended yet", named(&readiness.check, &of));
    report.send_replace(Some(Failed::yet(begun)));
    let mut every = tokio::time::interval(Duration::from_millis(readiness.every_ms.max(1)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match once(&readiness.check, readiness.own_port, readiness.timeout_ms, &of).await {
            Ok(found) => {
                tried(true, found.as_str().into());
                return format!("ready: {found}");
            }
            Err(failed) => {
                tried(false, failed.why.clone());
                report.send_if_modified(|last| {
                    let is_other = last.as_ref() != Some(&failed);
                    *last = Some(failed);
                    is_other
                });
            }
        }
    }
}

/// Resolves with what the process has said, once it has said the text of its check; never if it never does.
async fn until_said(
    check: &Check,
    text_seen: Option<oneshot::Receiver<()>>,
    of: &Checked,
    report: &watch::Sender<Option<Failed>>,
) -> String {
    match awaited_text(check, &of.vars) {
        Some(Ok(text)) => {
            report.send_replace(Some(Failed::yet(format!("it has not said `{text}`"))));
            if let Some(seen) = text_seen
                && seen.await.is_ok()
            {
                return format!("it said `{text}`");
            }
        }
        Some(Err(error)) => {
            report.send_replace(Some(Failed::lasting(format!("the text of its check: {error}"))));
        }
        None => {}
    }
    std::future::pending().await
}

/// Makes one try of at most `timeout_ms` milliseconds; returns what it found, or what is wrong.
pub(crate) async fn once(
    check: &Check,
    own_port: bool,
    timeout_ms: u64,
    of: &Checked,
) -> Result<String, Failed> {
    let limit = Duration::from_millis(timeout_ms.max(1));
    let deadline = Instant::now() + limit;
    match timeout_at(deadline, attempt(check, own_port, of, deadline)).await {
        Ok(found) => found,
        Err(_) => {
            let within = span::exact(timeout_ms.max(1));
            Err(Failed::yet(format!("{}: no answer within {within}", named(check, of))))
        }
    }
}

/// Returns what is checked, with the variables of its life.
fn named(check: &Check, of: &Checked) -> String {
    match check {
        Check::Tcp(text) | Check::Http(text) => {
            variables::fill_from(text, &of.vars).unwrap_or_else(|_| text.clone())
        }
        Check::Exec(_) | Check::LogLine(_) | Check::Notified | Check::Descriptor(_) => "its check".to_owned(),
    }
}

async fn attempt(check: &Check, own_port: bool, of: &Checked, deadline: Instant) -> Result<String, Failed> {
    if let Some(answer) = of.spawner.answer(&of.spec.name, of.incarnation) {
        return answer.map(|()| "it answers".to_owned()).map_err(Failed::yet);
    }
    let filled = |text: &str| {
        variables::fill_from(text, &of.vars).map_err(|error| Failed::lasting(format!("{text}: {error}")))
    };
    match check {
        Check::Tcp(address) => {
            let address = filled(address)?;
            let (host, port) = http_get::endpoint(&address)
                .ok_or_else(|| Failed::lasting(format!("`{address}` is not a host and a port")))?;
            let (_, peer) = connect(host, port, of, deadline).await?;
            owned(own_port, peer, of).await?;
            Ok(format!("{address} accepts connections"))
        }
        Check::Http(url) => {
            let url = filled(url)?;
            let parts = Url::parse(&url)
                .ok_or_else(|| Failed::lasting(format!("`{url}` is not a URL that can be checked")))?;
            let (stream, peer) = connect(parts.host, parts.port, of, deadline).await?;
            owned(own_port, peer, of).await?;
            match http_get::get(stream, parts).await {
                Some(status) if (200..400).contains(&status) => Ok(format!("{url} answers {status}")),
                Some(status) => Err(Failed::yet(format!("{url} answers {status}"))),
                None => Err(Failed::yet(format!("{url} does not answer in HTTP"))),
            }
        }
        Check::Exec(command) => exec(command.clone(), of).await,
        Check::LogLine(_) => Err(Failed::yet("a log line can show readiness only, not health")),
        Check::Notified | Check::Descriptor(_) => {
            Err(Failed::yet("what a process says can show readiness only, not health"))
        }
    }
}

/// Connects to the first address of `host` that accepts a connection. Each has an equal share of the time that is left,
/// so that one that drops what it is sent leaves time for the next.
async fn connect(
    host: &str,
    port: u16,
    of: &Checked,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), Failed> {
    let addresses = match timeout_at(deadline, of.resolver.resolve(host)).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(Failed::yet(format!("cannot look up {host}: {error}"))),
        Err(_) => return Err(Failed::yet(format!("the look-up of {host} has not been answered in time"))),
    };
    let mut why = "it has no address".to_owned();
    let tried = addresses.len().min(ADDRESSES_MAX);
    for (at, address) in addresses.iter().take(tried).enumerate() {
        let mut address = *address;
        address.set_port(port);
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(tried - at).unwrap_or(1);
        why = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) if is_connected_to_itself(&stream) => {
                format!("nothing listens on {address}: the connection led back to itself")
            }
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{address} does not answer"),
        };
    }
    Err(Failed::yet(format!("cannot connect to {host}:{port}: {why}")))
}

/// Whether the connection leads to itself: a port that the kernel also gives to outgoing connections may be connected
/// to itself by chance (a simultaneous open), although nobody listens on it.
fn is_connected_to_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(local), Ok(peer)) if local == peer)
}

/// Checks that the process itself listens at `peer`, if only its own port counts.
async fn owned(own_port: bool, peer: SocketAddr, of: &Checked) -> Result<(), Failed> {
    if !own_port {
        return Ok(());
    }
    let pid = of.pid.ok_or_else(|| Failed::yet("it is not running"))?;
    // A look that takes longer than the check may take is not joined by a second one.
    let turn = of.turn.clone().acquire_owned().await;
    let turn = turn.map_err(|_| Failed::yet("the host is ending"))?;
    let look = move || (own_port::check(peer, pid), drop(turn)).0;
    let found = of.reading.run(look).await;
    found.unwrap_or_else(|lost| Err(lost.to_string())).map_err(Failed::lasting)
}

async fn exec(command: CommandLine, of: &Checked) -> Result<String, Failed> {
    let turn = of.turn.clone().acquire_owned().await;
    let turn = turn.map_err(|_| Failed::yet("the host is ending"))?;
    let (report, outcome) = oneshot::channel();
    tokio::spawn(carry_out(command, of.clone(), report, turn));
    match outcome.await.unwrap_or_else(|_| Err(Arc::from("the host is ending"))) {
        Ok(exit) if exit.is_success() => Ok("its check exited with code 0".to_owned()),
        Ok(exit) => Err(Failed::yet(format!("its check {exit}"))),
        Err(error) => Err(Failed::yet(format!("its check could not be started: {error}"))),
    }
}

/// Runs the program of a check from its start until it is reaped. Its group is killed when nobody waits for the outcome
/// any more.
async fn carry_out(
    command: CommandLine,
    of: Checked,
    mut report: oneshot::Sender<Result<Exit, Arc<str>>>,
    turn: OwnedSemaphorePermit,
) {
    let outcome = match of.helpers.run(command, of.spec, of.env).await {
        Err(error) => Err(error),
        Ok(mut child) => Ok(tokio::select! {
            end = &mut child.exit => end.exit,
            () = report.closed() => {
                let _ = of.helpers.kill(child.pid);
                child.exit.await.exit
            }
        }),
    };
    drop(turn);
    // The caller may be gone.
    let _ = report.send(outcome);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::leftovers::Leftovers;
    use crate::children::os::OsSettings;
    use crate::degraded::Degraded;
    use crate::jobs::Jobs;

    /// Returns a life with these variables, whose checks have their own resolver.
    fn of(vars: &[(&str, &str)]) -> Checked {
        let jobs = Jobs::start(&Degraded::default());
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let helpers = OsSpawner::new(&jobs, Degraded::default(), Leftovers::default(), OsSettings::default());
        Checked {
            spec: Arc::new(ProcessSpec::new("web", CommandLine::Shell("true".into()))),
            incarnation: Incarnation(1),
            is_reconfigured: false,
            env: Arc::default(),
            pid: Some(std::process::id()),
            vars: vars.collect(),
            spawner: Arc::new(helpers.clone()),
            helpers,
            resolver: Resolver::of_system(jobs.names.clone()),
            reading: jobs.reading.clone(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    async fn tried(check: Check, of: &Checked) -> Result<String, String> {
        once(&check, false, 60_000, of).await.map_err(|failed| failed.why.to_string())
    }

    #[tokio::test]
    async fn a_connection_to_itself_is_no_server() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        assert!(is_connected_to_itself(&stream));
    }

    #[tokio::test]
    async fn variables_are_those_of_the_life_and_one_that_is_not_set_is_named() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let of = of(&[("PORT", &port), ("ODD", "a b")]);
        let found = tried(Check::Tcp("localhost:$PORT".into()), &of).await;
        assert_eq!(found, Ok(format!("localhost:{port} accepts connections")), "the second address answers");
        let unset = tried(Check::Tcp("127.0.0.1:${PORTS}".into()), &of).await;
        assert_eq!(unset, Err("127.0.0.1:${PORTS}: the variable PORTS is not set".into()));
        let odd = tried(Check::Http("http://127.0.0.1/$ODD".into()), &of).await;
        assert_eq!(odd, Err("`http://127.0.0.1/a b` is not a URL that can be checked".into()));
    }

    #[tokio::test]
    async fn a_port_of_another_process_does_not_count_and_its_owner_is_named() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let mine = of(&[]);
        assert!(once(&Check::Tcp(address.clone()), true, 60_000, &mine).await.is_ok());
        let foreign = Checked { pid: Some(u32::MAX), ..mine };
        let failed = once(&Check::Tcp(address), true, 60_000, &foreign).await.unwrap_err();
        assert!(
            failed.lasting && failed.why.contains(&format!("pid {} (", std::process::id())),
            "{failed:?}"
        );
    }

    #[tokio::test]
    async fn a_second_checking_program_is_not_started_before_the_first_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let tries = dir.path().join("tries");
        let slow = CommandLine::Shell(format!("echo >> {}; exec sleep 1000", tries.display()));
        let of = of(&[]);
        let first = {
            let (of, slow) = (of.clone(), Check::Exec(slow.clone()));
            tokio::spawn(async move { once(&slow, false, 600_000, &of).await })
        };
        while !tries.exists() {
            tokio::task::yield_now().await;
        }
        let second = once(&Check::Exec(slow), false, 20, &of).await.unwrap_err();
        assert_eq!(&*second.why, "its check: no answer within 20ms");
        assert_eq!(std::fs::read_to_string(&tries).unwrap(), "\n");
        first.abort();
        assert!(
            tried(Check::Exec(CommandLine::Shell("true".into())), &of).await.is_ok(),
            "the turn is free again"
        );
    }
}
