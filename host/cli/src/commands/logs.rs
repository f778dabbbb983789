//! `logs`: prints the output of processes and the log of the host, from the host or, when it is down, from its files; also asks
//! the host to clear logs.

use std::io::{self, Write};

use provost_api::client::{ClientError, LogsAsked, LogsOf, Unconnected};
use provost_api::{LogItem, Outcome, PluginList, columns};
use provost_control::log_item;
use provost_state::naming::replica_of;
use provost_supervisor::{LogItem as Line, LogPattern, LogQuery, StoredFiles, StoredLines, rfc3339};

use super::context::Context;
use super::printing::{self, NAME_WIDTH, json, pretty, write_line};
use crate::args::{LineFormat, LogsArgs};
use crate::config::Outline;
use crate::daemon::HOST_LOG_NAME;
use crate::failure::Failure;
use crate::render;
use crate::render::output::{Look, Printer};

/// The default number of past lines.
const LINES: usize = 100;

/// The mark of lines of the host's own log, as on its standard error.
const HOST_MARK: &str = "◆";

pub(super) async fn logs(context: &Context, args: LogsArgs) -> Result<(), Failure> {
    if args.clear { clear(context, &args).await } else { show(context, args).await }
}

/// Asks the host to clear logs. It is not done without a host, because another one might be about to write them.
async fn clear(context: &Context, args: &LogsArgs) -> Result<(), Failure> {
    let outcome = match context.client()?.clear_logs(&args.targets).await.map_err(Unanswered::from) {
        Ok(outcome) => outcome,
        Err(Unanswered::Failed(failure)) => return Err(failure),
        Err(Unanswered::NoHost(why)) => {
            let dir = context.outline()?.log_dir;
            let hint =
                format!("`provost up` starts one; without a host, delete the files in {}", dir.display());
            return Err(Failure::not_running(why, hint));
        }
    };
    printing::print(match args.output {
        LineFormat::Text => cleared(&outcome),
        LineFormat::Json => pretty(&outcome)?,
    })?;
    match outcome.results.iter().all(|result| result.ok) {
        true => Ok(()),
        false => Err(Failure::with_report(1, render::outcome::errors(&outcome))),
    }
}

fn cleared(outcome: &Outcome) -> String {
    let done = outcome.results.iter().filter(|result| result.ok);
    done.map(|result| format!("{}: the log was cleared\n", result.name)).collect()
}

async fn show(context: &Context, args: LogsArgs) -> Result<(), Failure> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        let what =
            "no line can be of `--since` or later and of before `--until`: `--until` is not after `--since`";
        return Err(Failure::usage(
            what,
            "spans count back from now: `--since 20m --until 10m` are ten minutes",
        ));
    }
    match ask(context, &args).await {
        Err(Unanswered::NoHost(why)) if args.follow => {
            let hint = "`provost up` starts one; without `-f` its log files are read";
            Err(Failure::not_running(why, hint))
        }
        Err(Unanswered::NoHost(_)) => read_files(context, &args),
        Err(Unanswered::Failed(failure)) => Err(failure),
        Ok(()) => Ok(()),
    }
}

/// The reason why the host did not answer.
enum Unanswered {
    NoHost(Unconnected),
    Failed(Failure),
}

impl From<ClientError> for Unanswered {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unconnected(why @ (Unconnected::Missing(_) | Unconnected::Abandoned(_))) => {
                Self::NoHost(why)
            }
            error => Self::Failed(error.into()),
        }
    }
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn ask(context: &Context, args: &LogsArgs) -> Result<(), Unanswered> {
    let client = context.client()?;
    let (of, names) = match (&args.plugin, args.host) {
        (Some(plugin), _) => (LogsOf::Plugin(plugin.clone()), vec![plugin.clone()]),
        (None, true) => (LogsOf::Host, Vec::new()),
        (None, false) => {
            let processes = client.status(&args.targets).await?.processes;
            let names = processes.into_iter().map(|process| process.name).collect();
            (LogsOf::Processes(args.targets.clone()), names)
        }
    };
    let asked = LogsAsked {
        of,
        lines: lines(args),
        follow: args.follow,
        since: args.since.map(rfc3339),
        until: args.until.map(rfc3339),
        grep: args.grep.clone(),
    };
    let mut printer = Printer::new(look(context, args, &names));
    let mut items = client.logs(&asked).await?;
    let mut nothing = true;
    while let Some(item) = items.next().await? {
        nothing = false;
        print(args, &mut printer, &item)?;
    }
    if let (Some(plugin), true) = (&args.plugin, nothing) {
        known(&client.plugins().await?, plugin)?;
    }
    Ok(write_line(printer.end())?)
}

/// Fails if there is no such plugin. Called when the log has no line of it, because an unloaded plugin may still have some.
fn known(loaded: &PluginList, plugin: &str) -> Result<(), Failure> {
    if loaded.plugins.iter().any(|it| it.name == plugin) {
        return Ok(());
    }
    let what = format!("there is no plugin called `{plugin}`, and no line of one in the host's log");
    Err(Failure::usage(what, "`provost plugin list` names them all"))
}

fn lines(args: &LogsArgs) -> usize {
    args.lines.unwrap_or(if args.since.is_some() { usize::MAX } else { LINES })
}

fn look(context: &Context, args: &LogsArgs, names: &[String]) -> Look {
    let longest = names.iter().map(|name| columns::width(name)).max().unwrap_or(NAME_WIDTH);
    let of_host = args.host || args.plugin.is_some();
    Look {
        paint: context.page.paint,
        width: if names.len() == 1 && !of_host {
            0
        } else {
            longest.max("provost".len() * usize::from(args.host))
        },
        timestamps: args.timestamps.then(|| context.page.zone.clone()),
        raw: args.raw,
        mark: of_host.then_some(HOST_MARK),
    }
}

fn print(args: &LogsArgs, printer: &mut Printer, item: &LogItem) -> Result<(), Failure> {
    let line = match args.output {
        LineFormat::Text => printer.next(item),
        LineFormat::Json => json(item)?,
    };
    write_line(&line)?;
    if line.last() != Some(&b'\n') {
        // Output without a newline may be a prompt, which has to be visible before it is answered.
        io::stdout().lock().flush()?;
    }
    Ok(())
}

/// Returns the processes with a log that the targets name.
fn names_of(targets: &[String], outline: &Outline) -> Result<Vec<String>, Failure> {
    let there = StoredFiles::names_in(&outline.log_dir).unwrap_or_default();
    let mut names = Vec::new();
    for target in targets {
        let members = match target.strip_suffix(":*") {
            Some(group) => outline.members(group),
            None => vec![target.clone()],
        };
        let is_meant = |name: &&String| {
            let base = replica_of(name).map(|(base, _)| base);
            target == "all" || members.iter().any(|member| member == *name || base == Some(member))
        };
        let before = names.len();
        names.extend(there.iter().filter(is_meant).cloned());
        if names.len() == before {
            let what = format!(
                "no host is running, and there is no log of `{target}` in {}",
                outline.log_dir.display()
            );
            return Err(match there.as_slice() {
                // If there is no log at all, the name may well be right.
                [] => Failure::not_running(what, "`provost up` starts a host"),
                there => Failure::usage(what, format!("there are logs of {}", there.join(", "))),
            });
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn read_files(context: &Context, args: &LogsArgs) -> Result<(), Failure> {
    let outline = context.outline()?;
    let query = LogQuery {
        lines: lines(args),
        since_ms: args.since,
        until_ms: args.until,
        pattern: args.grep.as_deref().and_then(|pattern| LogPattern::new(pattern).ok()),
        plugin: args.plugin.clone(),
    };
    let (stored, names) = if args.host || args.plugin.is_some() {
        let path = outline.runtime_dir.join(HOST_LOG_NAME);
        (StoredFiles::of_host(&path), args.plugin.iter().cloned().collect())
    } else {
        let names = names_of(&args.targets, &outline)?;
        (StoredFiles::of_processes(&outline.log_dir, names.clone()), names)
    };
    context.note("no host is running: these lines are from its log files");
    let mut printer = Printer::new(look(context, args, &names));
    let mut lines = stored.read(query);
    for line in lines.by_ref() {
        print(args, &mut printer, &log_item(Line::Line(line)))?;
    }
    write_line(printer.end())?;
    unreadable(&lines)
}

/// Fails if logs could not be read, and names them.
fn unreadable(lines: &StoredLines) -> Result<(), Failure> {
    let refused = lines.unreadable();
    let Some((name, why)) = refused.first() else { return Ok(()) };
    let more = match refused.len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    let what = format!("the log of {name} cannot be read{more}: {why}");
    Err(Failure::failed(
        what,
        "only regular files that belong to the caller are read, and no links are followed",
    ))
}
