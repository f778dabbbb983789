//! Commands that change something: `start`, `stop`, `restart`, `signal`, `down`.

use std::io;

use provost_control::wire::{Order, OrderCause, Outcome, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{Context, print};
use crate::args::{ActArgs, DownArgs, SignalArgs};
use crate::failure::Failure;
use crate::render;
use crate::render::humane::span;

pub(super) async fn order(context: &Context, action: &str, args: ActArgs) -> Result<(), Failure> {
    let client = context.client(args.config.file)?;
    let order = Order {
        select: args.targets,
        cause: OrderCause::User,
        wait: args.wait,
        timeout_ms: Some(args.timeout),
        signal: None,
    };
    tell(context, &client.order(action, &order).await?)
}

pub(super) async fn signal(context: &Context, args: SignalArgs) -> Result<(), Failure> {
    let client = context.client(args.config.file)?;
    let signal = Some(Signal::Number(args.signal.number()));
    let order = Order { select: args.targets, cause: OrderCause::User, signal, ..Order::default() };
    tell(context, &client.order("signal", &order).await?)
}

/// Shows what was done, and fails with what was not.
fn tell(context: &Context, outcome: &Outcome) -> Result<(), Failure> {
    print(render::outcome::text(outcome, context.paint))?;
    let errors: Vec<_> = outcome.results.iter().filter(|result| !result.ok).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let not_running = |error: &provost_control::wire::Error| error.code == "not_running";
    let all_down = errors.iter().all(|result| result.error.as_ref().is_some_and(not_running));
    Err(Failure::told(if all_down { 3 } else { 1 }, render::outcome::errors(outcome)))
}

pub(super) async fn down(context: &Context, args: DownArgs) -> Result<(), Failure> {
    let client = context.client(args.config.file)?;
    let pid = client.ping().await?.pid;
    // Before it is told, so that the number cannot be somebody else's by then.
    let host = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| Failure::failed(format!("the host says its pid is {pid}"), "is it a host?"))
        .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from)?))?;
    client.shutdown().await?;
    let timeout_ms = args.timeout;
    let ended = tokio::task::spawn_blocking(move || wait_for_end(&host, timeout_ms)).await;
    if !ended.map_err(io::Error::from)?? {
        let what = format!("the host (pid {pid}) is still stopping after {}", span(timeout_ms));
        return Err(Failure::failed(what, "`provost status` shows what it waits for; it goes on stopping"));
    }
    print(format!("down: the host (pid {pid}) and all its processes have ended\n"))
}

/// Waits until a process ends, at most `timeout_ms`. Did it?
fn wait_for_end(process: &impl std::os::fd::AsFd, timeout_ms: u64) -> io::Result<bool> {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout_ms / 1_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(timeout_ms % 1_000 * 1_000_000).unwrap_or(0),
    };
    let mut watched = [PollFd::new(process, PollFlags::IN)];
    Ok(poll(&mut watched, Some(&timeout))? > 0)
}
