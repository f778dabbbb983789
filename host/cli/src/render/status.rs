//! Renders `status`: processes, and below them the plugins and the host if they need attention.

use std::collections::HashMap;

use provost_api::{Exit, Health, Host, Left, Phase, Process, ProcessUsage, Status};

use super::humane::{ago, cpu, delay, one_line, size, unix_ms};
use super::page::Page;
use super::plugins;
use super::style::Style;
use super::table::{Cell, Table, Width};

/// The scope of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The host and everything that it runs.
    Everything,
    /// The named processes only.
    Named,
}

/// The columns that are dropped first when there is no room, in this order.
const LEAVING: &[&str] = &["GROUP", "PID", "EXIT", "RESTARTS", "SINCE", "NEXT"];

/// The maximum number of lines of a reason; `explain` shows all of it.
const REASON_LINES: usize = 3;

/// Renders the tables at the time `now_ms` (milliseconds since the Unix epoch).
pub(crate) fn text(status: &Status, width: Width, scope: Scope, now_ms: u64, page: &Page) -> String {
    let page = &if width == Width::Wide { page.endless() } else { page.clone() };
    let grouped = width == Width::Wide || status.processes.iter().any(|process| process.group.is_some());
    let mut head = vec!["NAME"];
    if grouped {
        head.push("GROUP");
    }
    head.extend(["PHASE", "PID", "SINCE", "RESTARTS", "NEXT", "EXIT"]);
    if width == Width::Wide {
        head.extend(["CPU", "RSS", "FDS", "THREADS"]);
        head.extend(["HEALTH", "DESIRED", "INCARNATION", "FAILURES", "CAUSE", "DECIDED BY"]);
    }
    head.push("REASON");
    let mut table = Table::new(&head).leaving(LEAVING).lines_max(REASON_LINES);
    let used: HashMap<&str, &ProcessUsage> =
        status.usage.iter().flatten().filter(|one| !one.host).map(|one| (&*one.process, one)).collect();
    for process in &status.processes {
        let usage = used.get(&*process.name).copied();
        let usage = usage.filter(|usage| process.pid.is_some() && usage.incarnation == process.incarnation);
        table.row(row(process, grouped, width, usage, now_ms));
    }
    let mut text = table.render(page);
    text.push_str(&replicas(status, width, page));
    if scope == Scope::Named {
        let concerned =
            |left: &&Left| status.processes.iter().any(|one| Some(&one.name) == left.process.as_ref());
        text.push_str(&leftovers(status.host.left.iter().filter(concerned), page));
        return text;
    }
    let troubled = status.plugins.iter().any(plugins::is_troubled);
    if troubled || width == Width::Wide && !status.plugins.is_empty() {
        text.push('\n');
        text.push_str(&plugins::text(&status.plugins, width, page));
    }
    text.push_str(&host_usage(status, page));
    text.push_str(&lacks(&status.host, now_ms, page));
    text.push_str(&leftovers(status.host.left.iter(), page));
    text.push_str(&changed_config(&status.host, now_ms));
    text
}

/// Says that the file of the config is not the one that was loaded.
fn changed_config(host: &Host, now_ms: u64) -> String {
    if host.config_changed != Some(true) {
        return String::new();
    }
    let loaded = ago(&host.config_loaded_at, now_ms).map(|ago| format!(" ({ago} ago)")).unwrap_or_default();
    format!(
        "\n{} has changed since it was loaded{loaded}: `provost diff` shows what differs, `provost reload` applies it\n",
        one_line(&host.config)
    )
}

/// Renders the replica counts; unless the table is wide, only those that may change.
fn replicas(status: &Status, width: Width, page: &Page) -> String {
    let mut table = Table::new(&["REPLICAS", "WANTED", "RUNNING", "LEAST", "MOST"]);
    let sets = status.replicas.iter().filter(|set| width == Width::Wide || set.least < set.most);
    let mut any = false;
    for set in sets {
        let counts = [set.wanted, set.running, set.least, set.most];
        let counts = counts.map(|count| Cell::new(count.to_string()));
        table.row([vec![Cell::new(&set.name)], counts.to_vec()].concat());
        any = true;
    }
    if any { format!("\n{}", table.render(page)) } else { String::new() }
}

/// Renders what the host itself uses, if that was asked for.
fn host_usage(status: &Status, page: &Page) -> String {
    let Some(host) = status.usage.iter().flatten().find(|one| one.host) else { return String::new() };
    let mut table = Table::new(&["HOST", "CPU", "RSS", "FDS", "THREADS", "KEEPER"]);
    let keeper =
        Cell::new(status.host.keeper_pid.map_or_else(|| "none".to_owned(), |pid| format!("pid {pid}")));
    table.row([vec![Cell::new(&host.process)], usage_cells(Some(host)).to_vec(), vec![keeper]].concat());
    format!("\n{}", table.render(page))
}

/// Renders the shortages of the host.
fn lacks(host: &Host, now_ms: u64, page: &Page) -> String {
    let mut text = String::new();
    if !host.degraded.is_empty() {
        let mut table = Table::new(&["DEGRADED", "SINCE", "REASON"]);
        for lack in &host.degraded {
            table.row(vec![
                Cell::styled(&lack.what, Style::Yellow),
                Cell::maybe(ago(&lack.since, now_ms)),
                Cell::new(&lack.reason),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render(page));
    }
    text
}

/// Renders what is left of processes although it should be gone.
fn leftovers<'s>(left: impl Iterator<Item = &'s Left>, page: &Page) -> String {
    let mut table = Table::new(&["LEFT OF", "PID", "REASON"]);
    let mut any = false;
    for one in left {
        table.row(vec![
            Cell::maybe(one.process.as_deref()),
            Cell::maybe(one.pid.map(|pid| pid.to_string())),
            Cell::styled(&one.reason, Style::Red),
        ]);
        any = true;
    }
    if any { format!("\n{}", table.render(page)) } else { String::new() }
}

/// Renders one leftover process on one line: `web (pid 7): why`.
pub(crate) fn left(left: &Left) -> String {
    let name = left.process.as_deref().unwrap_or("a process whose owner is unknown");
    let pid = left.pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    one_line(&format!("{name}{pid}: {}", left.reason))
}

/// Renders what a process uses: the CPU in percent of a core, its memory, descriptors and threads.
fn usage_cells(usage: Option<&ProcessUsage>) -> [Cell; 4] {
    [
        Cell::maybe(usage.map(|usage| cpu(usage.cpu))),
        Cell::maybe(usage.map(|usage| size(usage.rss_bytes))),
        Cell::maybe(usage.and_then(|usage| usage.fds).map(|fds| fds.to_string())),
        Cell::maybe(usage.map(|usage| usage.threads.to_string())),
    ]
}

/// Renders one process; in a wide table with what it uses, if that is known.
fn row(
    process: &Process,
    grouped: bool,
    width: Width,
    usage: Option<&ProcessUsage>,
    now_ms: u64,
) -> Vec<Cell> {
    let mut cells = vec![Cell::new(&process.name)];
    if grouped {
        cells.push(Cell::maybe(process.group.as_ref()));
    }
    let lives = process.pid.is_some();
    let since = if lives { &process.started_at } else { &process.ended_at };
    cells.extend([
        phase(process),
        Cell::maybe(process.pid.map(|pid| pid.to_string())),
        Cell::maybe(since.as_deref().and_then(|since| ago(since, now_ms))),
        Cell::new(process.restarts.to_string()),
        Cell::maybe(next(process, now_ms)),
        process.exit.as_ref().map_or_else(|| Cell::maybe(None::<String>), exit_cell),
    ]);
    if width == Width::Wide {
        cells.extend(usage_cells(usage));
        cells.extend([
            Cell::maybe(checked(process).then(|| process.health.to_string())),
            Cell::new(process.desired.as_str()),
            Cell::new(process.incarnation.to_string()),
            Cell::new(process.failures.to_string()),
            Cell::new(process.cause.as_str()),
            Cell::maybe(process.decision.as_ref().map(|decision| &decision.by)),
        ]);
    }
    cells.push(Cell::new(reason(process, now_ms)));
    cells
}

/// Renders the reason of the phase, and how long a check has been failing.
fn reason(process: &Process, now_ms: u64) -> String {
    let failing = process.failing.as_ref().and_then(|failing| ago(&failing.since, now_ms));
    let since = failing.map(|since| format!(" (for {since})")).unwrap_or_default();
    format!("{}{since}", one_line(&process.reason))
}

/// Renders the phase, and the health unless it is good.
fn phase(process: &Process) -> Cell {
    if checked(process) && process.health != Health::Healthy {
        return Cell::styled(format!("{} ({})", process.phase, process.health), Style::Red);
    }
    Cell::styled(process.phase.as_str(), Style::of_phase(&process.phase))
}

/// Whether its health checks have a result.
fn checked(process: &Process) -> bool {
    match &process.health {
        Health::Unknown => false,
        Health::Healthy | Health::Degraded | Health::Unhealthy => true,
        Health::Other(word) => !word.is_empty(),
    }
}

/// Renders the next action of the host: `start in 1.2s`.
pub(crate) fn next(process: &Process, now_ms: u64) -> Option<String> {
    let at = unix_ms(process.next_action_at.as_deref()?)?;
    let action = if process.phase == Phase::Stopping { "kill" } else { "start" };
    Some(match at.saturating_sub(now_ms) {
        0 => format!("{action} now"),
        ms => format!("{action} in {}", delay(ms)),
    })
}

fn exit_cell(exit: &Exit) -> Cell {
    match exit {
        Exit::Code { code: 0 } => Cell::new("0"),
        Exit::Code { code } => Cell::styled(code.to_string(), Style::Red),
        Exit::Signal { name, .. } => Cell::styled(name, Style::Red),
        Exit::Error { .. } => Cell::styled("error", Style::Red),
        Exit::Unknown => Cell::styled("unknown", Style::Red),
    }
}

#[cfg(test)]
mod tests {
    use provost_api::{
        Action, Cause, Decision, Desired, Failing, Fault, FaultKind, Lack, Plugin, PluginRole, PluginStatus,
        PluginVersion, ProcessType, Replicas, Scope as Restarted,
    };

    use super::*;

    const NOW: u64 = 1_792_736_777_123;

    fn at(ms_from_now: i64) -> Option<String> {
        Some(provost_supervisor::rfc3339(NOW.checked_add_signed(ms_from_now).unwrap()))
    }

    fn process(name: &str, phase: Phase, reason: &str) -> Process {
        Process {
            name: name.into(),
            phase,
            desired: Desired::Up,
            cause: Cause::Policy,
            reason: reason.into(),
            ..Process::default()
        }
    }

    fn status() -> Status {
        let decision = Decision {
            action: Action::Restart,
            delay_ms: Some(2_000),
            scope: Some(Restarted::Itself),
            escalation: None,
            by: "backoff".into(),
            reason: "third failure".into(),
            overruled: None,
        };
        Status {
            generation: 7,
            taken_at: at(0).unwrap(),
            processes: vec![
                Process {
                    pid: Some(4711),
                    incarnation: 1,
                    started_at: at(-192_000),
                    cause: Cause::Boot,
                    ..process("web", Phase::Running, "http://127.0.0.1:8731/ answers")
                },
                Process {
                    group: Some("workers".into()),
                    incarnation: 4,
                    restarts: 3,
                    failures: 3,
                    started_at: at(-5_800),
                    ended_at: at(-800),
                    next_action_at: at(1_200),
                    exit: Some(Exit::Code { code: 3 }),
                    decision: Some(decision),
                    ..process("a-worker-with-a-name", Phase::Backoff, "third failure\nin a row")
                },
                Process {
                    exit: Some(Exit::Error { error: "no such file".into() }),
                    ..process("gone", Phase::Fatal, "could not be started: no such file")
                },
            ],
            replicas: Vec::new(),
            plugins: vec![Plugin {
                name: "backoff".into(),
                status: PluginStatus::Active,
                active: PluginVersion {
                    version: 1,
                    source: "bundled:backoff".into(),
                    digest: "0123456789abcdef".into(),
                    roles: vec![PluginRole::RestartPolicy],
                    calls: 3,
                    ..PluginVersion::default()
                },
                ..Plugin::default()
            }],
            host: Host::default(),
            ..Status::default()
        }
    }

    #[test]
    fn the_table_shows_the_state_and_the_next_action() {
        assert_eq!(
            text(&status(), Width::Normal, Scope::Everything, NOW, &Page::plain()),
            "\
NAME                  GROUP    PHASE    PID   SINCE  RESTARTS  NEXT           EXIT   REASON
web                   -        running  4711  3m12s  0         -              -      http://127.0.0.1:8731/ answers
a-worker-with-a-name  workers  backoff  -     800ms  3         start in 1.2s  3      third failure\u{fffd}in a row
gone                  -        fatal    -     -      0         -              error  could not be started: no such file
"
        );
    }

    #[test]
    fn a_failing_check_shows_why_and_for_how_long_and_a_job_shows_that_it_is_done() {
        let mut status = status();
        let failing = Failing { why: "no answer".into(), since: at(-12_000).unwrap() };
        status.processes = vec![
            Process {
                pid: Some(7),
                started_at: at(-12_000),
                failing: Some(failing),
                ..process("web", Phase::Starting, "not ready: http://127.0.0.1:8731/ answers 503")
            },
            Process {
                process_type: ProcessType::Job,
                ready: true,
                ended_at: at(-65_000),
                exit: Some(Exit::Code { code: 0 }),
                ..process("migrate", Phase::Exited, "done: exited with code 0")
            },
        ];
        insta::assert_snapshot!(text(&status, Width::Normal, Scope::Everything, NOW, &Page::plain()), @r"
        NAME     PHASE     PID  SINCE  RESTARTS  NEXT  EXIT  REASON
        web      starting  7    12s    0         -     -     not ready: http://127.0.0.1:8731/ answers 503 (for 12s)
        migrate  exited    -    1m05s  0         -     0     done: exited with code 0
        ");
    }

    #[test]
    fn wide_shows_more_and_the_plugins_and_what_processes_use() {
        let mut status = status();
        let usage = ProcessUsage {
            process: "web".into(),
            incarnation: 1,
            cpu: 1.234,
            rss_bytes: 100 << 20,
            fds: Some(17),
            threads: 9,
            ..ProcessUsage::default()
        };
        let host = ProcessUsage { process: "provost".into(), host: true, fds: None, ..usage.clone() };
        let former = ProcessUsage { process: "a-worker-with-a-name".into(), incarnation: 3, ..usage.clone() };
        status.usage = Some(vec![host, usage, former]);
        let shown = text(&status, Width::Wide, Scope::Everything, NOW, &Page::narrow(40));
        assert_eq!(
            shown,
            "\
NAME                  GROUP    PHASE    PID   SINCE  RESTARTS  NEXT           EXIT   CPU     RSS      FDS  THREADS  HEALTH  DESIRED  INCARNATION  FAILURES  CAUSE   DECIDED BY  REASON
web                   -        running  4711  3m12s  0         -              -      123.4%  100 MiB  17   9        -       up       1            0         boot    -           http://127.0.0.1:8731/ answers
a-worker-with-a-name  workers  backoff  -     800ms  3         start in 1.2s  3      -       -        -    -        -       up       4            3         policy  backoff     third failure\u{fffd}in a row
gone                  -        fatal    -     -      0         -              error  -       -        -    -        -       up       0            0         policy  -           could not be started: no such file

PLUGIN   STATUS  VERSION  CALLS  FAULTS  CLAMPS  P50  P99  ROLES           P95  FUEL  MEMORY  STORED  QUEUED  MISSED  SIGNED BY  COMPONENT        SHA-256
backoff  active  1        3      0       0       -    -    restart-policy  -    -     -       -       0       0       -          bundled:backoff  0123456789ab

HOST     CPU     RSS      FDS  THREADS  KEEPER
provost  123.4%  100 MiB  -    9        none
"
        );
    }

    #[test]
    fn replica_counts_are_shown_where_they_may_change() {
        let mut status = status();
        status.processes.truncate(1);
        let set = |name: &str, most| Replicas { name: name.into(), wanted: 2, running: 1, least: 2, most };
        status.replicas = vec![set("fixed", 2), set("web", 5)];
        let shown = text(&status, Width::Normal, Scope::Everything, NOW, &Page::plain());
        assert!(
            shown.ends_with(
                "\n\nREPLICAS  WANTED  RUNNING  LEAST  MOST\nweb       2       1        2      5\n"
            ),
            "{shown}"
        );
        assert!(text(&status, Width::Wide, Scope::Everything, NOW, &Page::plain()).contains("\nfixed "));
    }

    #[test]
    fn a_plugin_in_trouble_is_shown_below() {
        let mut status = status();
        status.processes.truncate(1);
        status.plugins[0].active.faults = 2;
        let message = "ran for longer than 100 ms".into();
        status.plugins[0].active.last_fault = Some(Fault { kind: FaultKind::Deadline, message });
        assert_eq!(
            text(&status, Width::Normal, Scope::Everything, NOW, &Page::plain()),
            "\
NAME  PHASE    PID   SINCE  RESTARTS  NEXT  EXIT  REASON
web   running  4711  3m12s  0         -     -     http://127.0.0.1:8731/ answers

PLUGIN   STATUS  VERSION  CALLS  FAULTS  CLAMPS  P50  P99  ROLES           TROUBLE
backoff  active  1        3      2       0       -    -    restart-policy  deadline: ran for longer than 100 ms
"
        );
    }

    #[test]
    fn shortages_and_leftover_processes_are_shown_below() {
        let mut status = status();
        status.processes.truncate(1);
        status.host.degraded = vec![Lack {
            what: "the host's log".into(),
            reason: "cannot be written: No space left on device".into(),
            since: at(-65_000).unwrap(),
        }];
        let one = |process: Option<&str>, pid| Left {
            process: process.map(Into::into),
            pid,
            reason: "it did not end after SIGKILL".into(),
        };
        status.host.left = vec![one(Some("web"), Some(4_712)), one(None, None)];
        insta::assert_snapshot!(text(&status, Width::Normal, Scope::Everything, NOW, &Page::plain()), @r"
        NAME  PHASE    PID   SINCE  RESTARTS  NEXT  EXIT  REASON
        web   running  4711  3m12s  0         -     -     http://127.0.0.1:8731/ answers

        DEGRADED        SINCE  REASON
        the host's log  1m05s  cannot be written: No space left on device

        LEFT OF  PID   REASON
        web      4712  it did not end after SIGKILL
        -        -     it did not end after SIGKILL
        ");
        insta::assert_snapshot!(left(&status.host.left[0]), @"web (pid 4712): it did not end after SIGKILL");
        insta::assert_snapshot!(
            left(&status.host.left[1]),
            @"a process whose owner is unknown: it did not end after SIGKILL"
        );
    }

    #[test]
    fn on_eighty_columns_the_reasons_wrap_and_the_least_important_columns_are_dropped() {
        insta::assert_snapshot!(text(&status(), Width::Normal, Scope::Everything, NOW, &Page::narrow(80)), @"
        NAME                  PHASE    SINCE  NEXT           REASON
        web                   running  3m12s  -              http://127.0.0.1:8731/
                                                             answers
        a-worker-with-a-name  backoff  800ms  start in 1.2s  third failure�in a row
        gone                  fatal    -      -              could not be started: no
                                                             such file
        ");
    }

    #[test]
    fn a_status_of_one_process_shows_only_its_own_leftovers() {
        let mut status = status();
        status.processes.truncate(1);
        status.plugins[0].status = PluginStatus::Quarantined;
        let one =
            |name: &str| Left { process: Some(name.into()), pid: Some(7), reason: "it is stuck".into() };
        status.host.left = vec![one("web"), one("db")];
        insta::assert_snapshot!(text(&status, Width::Normal, Scope::Named, NOW, &Page::plain()), @"
        NAME  PHASE    PID   SINCE  RESTARTS  NEXT  EXIT  REASON
        web   running  4711  3m12s  0         -     -     http://127.0.0.1:8731/ answers

        LEFT OF  PID  REASON
        web      7    it is stuck
        ");
    }

    #[test]
    fn a_status_without_processes_is_only_the_heading() {
        let mut status = status();
        status.processes.clear();
        assert_eq!(
            text(&status, Width::Normal, Scope::Everything, NOW, &Page::plain()),
            "NAME  PHASE  PID  SINCE  RESTARTS  NEXT  EXIT  REASON\n"
        );
    }
}
