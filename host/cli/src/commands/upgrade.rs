//! `upgrade`: another program takes the place of the host, and all processes go on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_api::client::{Client, ClientError};
use provost_api::{Host, HostEnding, Ping, UpgradeOrder, Upgrading};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};

use super::context::Context;
use super::printing::{pretty, print};
use crate::args::{LineFormat, UpgradeArgs};
use crate::failure::Failure;
use crate::render::humane::{counted, span};

/// The pause between two questions while no host answers.
const PAUSE: Duration = Duration::from_millis(2);

/// How long one question may take: a host that is ending may have accepted it and not answer.
const QUESTION: Duration = Duration::from_secs(2);

/// How much longer than the deadline of the new program this command waits: for the end of the host before, and for the
/// former program to be in service again.
const MARGIN: Duration = Duration::from_secs(60);

/// How an upgrade has ended, as JSON.
#[derive(Debug, Serialize)]
struct Upgraded {
    former: Ping,
    now: Ping,
    /// For how long no host answered.
    silent_ms: u64,
    processes: usize,
    /// The process id of the keeper, if its program was replaced, too.
    keeper: Option<u32>,
}

pub(super) async fn upgrade(context: &Context, args: UpgradeArgs) -> Result<(), Failure> {
    let program = program(args.binary.as_deref())?;
    let client = context.client()?;
    let order = UpgradeOrder { program, timeout_ms: Some(args.timeout) };
    let former = client.upgrade(&order).await?;
    let patience = Duration::from_millis(args.timeout).saturating_add(MARGIN);
    let Some(Back { host, silent, processes }) =
        timeout(patience, until_back(&client, &former)).await.ok().flatten()
    else {
        let what = format!("no host is in service {} after the upgrade began", span(millis(patience)));
        return Err(Failure::failed(what, "`provost status` shows whether one runs; the processes go on"));
    };
    if let Some(end) = host.last_end.as_ref().filter(|end| end.kind == HostEnding::RolledBack) {
        let what = format!(
            "the upgrade to version {} was rolled back: {} (version {}, pid {})",
            former.next_version, end.reason, host.version, host.pid
        );
        return Err(Failure::failed(what, "all processes go on; `provost logs --host` may say more"));
    }
    let keeper = if args.keeper { Some(client.upgrade_keeper().await?.pid) } else { None };
    let upgraded = Upgraded {
        former: Ping { pid: former.pid, version: former.version },
        now: Ping { pid: host.pid, version: host.version },
        silent_ms: millis(silent),
        processes,
        keeper,
    };
    print(match args.output {
        LineFormat::Json => pretty(&upgraded)?,
        LineFormat::Text => format!(
            "upgraded: version {} (pid {}) has taken the place of version {} (pid {}); the API was silent for {} ms, and {} \
             went on{}\n",
            upgraded.now.version,
            upgraded.now.pid,
            upgraded.former.version,
            upgraded.former.pid,
            upgraded.silent_ms,
            counted(processes as u64, "process"),
            keeper.map_or_else(String::new, |pid| format!(
                "; so did the keeper (pid {pid}), with a new program"
            )),
        ),
    })
}

/// A host that is in service after an upgrade.
struct Back {
    host: Host,
    /// For how long no host answered.
    silent: Duration,
    /// How many processes have a process id.
    processes: usize,
}

/// Waits until another host than the former one is in service.
async fn until_back(client: &Client, former: &Upgrading) -> Option<Back> {
    let mut last_answer = Instant::now();
    let mut silent = None;
    loop {
        let answer: Result<Ping, ClientError> = match timeout(QUESTION, client.ping()).await {
            Ok(answer) => answer,
            Err(_) => continue,
        };
        match answer {
            Ok(ping) if ping.pid == former.pid => last_answer = Instant::now(),
            Ok(_) => {
                let silent = *silent.get_or_insert_with(|| last_answer.elapsed());
                let status = timeout(QUESTION, client.status(&[])).await;
                if let Ok(Ok(status)) = status
                    && status.host.pid != former.pid
                    && !status.host.trial
                {
                    let processes = status.processes.iter().filter(|process| process.pid.is_some()).count();
                    return Some(Back { host: status.host, silent, processes });
                }
            }
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

/// Returns the absolute path of the new program; by default that of this one.
fn program(named: Option<&Path>) -> Result<String, Failure> {
    let path = match named {
        Some(path) => std::path::absolute(path).map_err(Failure::without_directory)?,
        None => this_program()?,
    };
    path.into_os_string().into_string().map_err(|path| {
        let what = format!("the path {} is not valid UTF-8", path.display());
        Failure::usage(what, "use another path for the program, or a link to it")
    })
}

fn this_program() -> Result<PathBuf, Failure> {
    let replaced = "name the new program: `provost upgrade PATH`";
    let own = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("cannot find this program: {error}"), replaced))?;
    if own.exists() {
        return Ok(own);
    }
    Err(Failure::failed(format!("this program is not at {} any more", own.display()), replaced))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
