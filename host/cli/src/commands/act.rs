//! Commands that change something: `start`, `stop`, `restart`, `signal`, `down`.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use provost_api::client::ClientError;
use provost_api::{Ended, ErrorCode, OrderCause, Outcome, ProcessOrder, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::time::{Instant, timeout};

use super::context::Context;
use super::printing::{pretty, print};
use crate::args::{ActArgs, DownArgs, LineFormat, SignalArgs};
use crate::failure::Failure;
use crate::progress::Goal;
use crate::render;
use crate::render::humane::span;

pub(super) async fn order(context: &Context, action: &'static str, args: ActArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let order = ProcessOrder {
        select: args.targets,
        cause: OrderCause::User,
        wait: args.wait,
        timeout_ms: Some(args.timeout),
        signal: None,
    };
    let asked = client.order(action, &order);
    let outcome = match args.wait {
        false => asked.await?,
        true => {
            let goal = match action {
                "stop" => Goal::Down,
                "restart" => Goal::ReadyAgain,
                _ => Goal::Ready,
            };
            let mut progress = context.progress(&client, &order.select, (action, goal), args.output).await;
            let outcome = progress.until(asked).await;
            progress.finish(false).await;
            outcome?
        }
    };
    tell(context, &outcome, args.output)
}

pub(super) async fn signal(context: &Context, args: SignalArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let signal = Some(Signal::Number(args.signal.number()));
    let order =
        ProcessOrder { select: args.targets, cause: OrderCause::User, signal, ..ProcessOrder::default() };
    tell(context, &client.order("signal", &order).await?, args.output)
}

/// Prints what was done, and fails if anything was not.
fn tell(context: &Context, outcome: &Outcome, output: LineFormat) -> Result<(), Failure> {
    print(match output {
        LineFormat::Text => render::outcome::text(outcome, context.page.paint),
        LineFormat::Json => pretty(outcome)?,
    })?;
    let errors: Vec<_> = outcome.results.iter().filter(|result| !result.ok).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let not_running = |error: &provost_api::Error| error.code == ErrorCode::NotRunning;
    let all_down = errors.iter().all(|result| result.error.as_ref().is_some_and(not_running));
    Err(Failure::with_report(if all_down { 3 } else { 1 }, render::outcome::errors(outcome)))
}

pub(super) async fn down(context: &Context, args: DownArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let patience = Duration::from_millis(args.timeout);
    let Ok(answer) = timeout(patience, client.ping()).await else {
        let what = format!("the host does not answer within {}", span(args.timeout));
        return Err(Failure::failed(what, "is it suspended? `kill -CONT` lets it go on"));
    };
    let pid = answer?.pid;
    // Opened before the shutdown, so that the number cannot belong to another process by then.
    let unwatched = |error: io::Error| {
        Failure::failed(
            format_args!("the end of the host (pid {pid}) cannot be waited for: {error}"),
            "`provost status` shows whether it runs",
        )
    };
    let host = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| Failure::failed(format!("the host says its pid is {pid}"), "is it a host?"))
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| unwatched(errno.into())))?;
    let begun = Instant::now();
    let still_stopping = || {
        let what = format!("the host (pid {pid}) is still stopping after {}", span(args.timeout));
        Failure::failed(what, "`provost status` shows what it waits for; it continues to stop")
    };
    let mut progress = context.progress(&client, &[], ("down", Goal::Down), args.output).await;
    let report = progress.until(timeout(patience, client.shutdown_and_wait())).await;
    progress.finish(report.is_ok()).await;
    let Ok(report) = report else { return Err(still_stopping()) };
    if let Err(refused @ (ClientError::Refused { .. } | ClientError::Unconnected(_))) = report {
        return Err(refused.into());
    }
    if !wait_for_end(&host, patience.saturating_sub(begun.elapsed())).map_err(unwatched)? {
        return Err(still_stopping());
    }
    tell_end(pid, report, args.output)
}

/// Waits until a process has ended, for at most `limit`, and returns whether it has.
fn wait_for_end(process: &impl AsFd, limit: Duration) -> io::Result<bool> {
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    Ok(poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit))? > 0)
}

/// Prints how the host has ended, according to its report.
fn tell_end(pid: u32, report: Result<Ended, ClientError>, output: LineFormat) -> Result<(), Failure> {
    if let (LineFormat::Json, Ok(report)) = (output, &report) {
        print(pretty(report)?)?;
    }
    match report {
        Ok(report) if report.left.is_empty() && output == LineFormat::Json => Ok(()),
        Ok(report) if report.left.is_empty() => {
            print(format!("down: the host (pid {pid}) and all its processes have ended\n"))
        }
        Ok(report) => {
            let left: Vec<String> =
                report.left.iter().map(|one| format!("  {}", render::status::left(one))).collect();
            let what = format!("the host (pid {pid}) has ended, and this is left:\n{}", left.join("\n"));
            Err(Failure::failed(what, "end it by hand, or find out what holds it; then `provost up`"))
        }
        Err(_) => {
            let what = format!("the host (pid {pid}) ended without a report: its processes may be alive");
            Err(Failure::failed(what, "look for them with `ps`; the log of the host may say why it ended"))
        }
    }
}
