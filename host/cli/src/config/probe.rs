//! The first stage of `ready` and `health`: what is checked, how often, and with which timeout.

use provost_supervisor::{Check, HealthCheck, Readiness, VariableError, fill};

use super::command::read_command;
use super::section::Section;

/// The default pause between two tries of `ready`, in milliseconds.
const READY_EVERY_MS: u64 = 500;

/// The default pause between two tries of `health`, in milliseconds.
const HEALTH_EVERY_MS: u64 = 10_000;

/// The default time limit of one try, in milliseconds.
const TIMEOUT_MS: u64 = 1_000;

/// The default number of failures in a row that make a process unhealthy.
const HEALTH_FAILURES: u32 = 3;

/// A table that describes a check: `ready` or `health`.
struct Kind {
    /// The kinds of checks that it accepts.
    keys: &'static [&'static str],
    hint: &'static str,
}

const READY: Kind = Kind {
    keys: &["tcp", "http", "exec", "log", "notify", "fd"],
    hint: "write ready = { http = \"http://127.0.0.1:8731/\", every = \"500ms\" }",
};

const HEALTH: Kind = Kind {
    keys: &["tcp", "http", "exec"],
    hint: "write health = { http = \"http://127.0.0.1:8731/\", every = \"10s\", failures = 3 }",
};

const VARIABLE_HINT: &str = "write $NAME or ${NAME} for a variable of the process, and $$ for a dollar";

pub(super) fn read_ready(process: &mut Section<'_>) -> Option<Readiness> {
    let mut ready = process.table("ready", READY.hint)?;
    let check = read_check(&mut ready, &READY);
    let (every_ms, timeout_ms) = read_times(&mut ready, &READY);
    let within_ms = ready.duration_ms("within");
    if within_ms == Some(0) {
        let hint = "write within = \"30s\", or leave it out to wait for as long as it takes";
        ready.problem(ready.key_span("within"), "`within` must be more than 0", hint);
    }
    let own_port = ready.flag("own_port").unwrap_or(false);
    let knows_port = matches!(check, Some(Check::Tcp(_) | Check::Http(_)) | None);
    if own_port && !knows_port {
        let what = "`own_port` goes with `tcp` and `http` only: no other check knows a port";
        ready.problem(ready.key_span("own_port"), what, READY.hint);
    }
    ready.finish();
    Some(Readiness {
        check: check?,
        every_ms: every_ms.unwrap_or(READY_EVERY_MS),
        timeout_ms: timeout_ms.unwrap_or(TIMEOUT_MS),
        within_ms,
        own_port,
    })
}

pub(super) fn read_health(process: &mut Section<'_>) -> Option<HealthCheck> {
    let mut health = process.table("health", HEALTH.hint)?;
    let check = read_check(&mut health, &HEALTH);
    let (every_ms, timeout_ms) = read_times(&mut health, &HEALTH);
    let failures = health.count("failures").map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    health.finish();
    Some(HealthCheck {
        check: check?,
        every_ms: every_ms.unwrap_or(HEALTH_EVERY_MS),
        timeout_ms: timeout_ms.unwrap_or(TIMEOUT_MS),
        failures: failures.unwrap_or(HEALTH_FAILURES),
    })
}

fn read_check(section: &mut Section<'_>, kind: &Kind) -> Option<Check> {
    let tcp = section.text("tcp");
    let http = section.text("http");
    let exec = read_command(section, "exec");
    let log = if kind.keys.contains(&"log") { section.text("log") } else { None };
    let said = if kind.keys.contains(&"notify") { read_said(section) } else { [None, None] };
    for text in [&tcp, &http, &log].into_iter().flatten() {
        if let Err(error) = standing_in(text.get_ref()) {
            section.problem(text.span(), error.to_string(), VARIABLE_HINT);
        }
    }
    if let Some(tcp) = &tcp
        && let Ok(standing_in) = standing_in(tcp.get_ref())
        && !is_endpoint(&standing_in)
        && !is_all_variable(tcp.get_ref())
    {
        let what = format!("`{}` is not a host and a port", tcp.get_ref());
        section.problem(tcp.span(), what, "write tcp = \"127.0.0.1:5432\"");
    }
    if let Some(http) = &http
        && let Ok(standing_in) = standing_in(http.get_ref())
        && let Err(hint) = check_url(&standing_in)
        && !is_all_variable(http.get_ref())
    {
        section.problem(http.span(), format!("`{}` is not a URL that can be checked", http.get_ref()), hint);
    }
    if let Some(log) = &log
        && log.get_ref().is_empty()
    {
        section.problem(log.span(), "`log` is empty", "write a part of the line that says it is ready");
    }
    let mut checks: Vec<Check> = [
        tcp.map(|tcp| Check::Tcp(tcp.into_inner())),
        http.map(|http| Check::Http(http.into_inner())),
        exec.map(Check::Exec),
        log.map(|log| Check::LogLine(log.into_inner())),
    ]
    .into_iter()
    .chain(said)
    .flatten()
    .collect();
    let asked = kind.keys.iter().filter(|key| section.has(key)).count();
    let misnamed = asked == 0 && kind.keys.iter().any(|key| section.has_another_name_for(key));
    if asked != 1 && !misnamed {
        let (last, others) = kind.keys.split_last().unwrap_or((&"", &[]));
        let others = others.join("`, `");
        let what = format!("{} needs exactly one of `{others}` and `{last}`", section.title());
        section.problem(section.span.clone(), what, kind.hint);
    }
    checks.pop()
}

/// Reads `notify` and `fd`: the process says itself that it is ready.
fn read_said(section: &mut Section<'_>) -> [Option<Check>; 2] {
    let notify = section.flag("notify");
    if notify == Some(false) {
        let what = "`notify` is false, which is the same as no check";
        section.problem(section.key_span("notify"), what, "write ready = { notify = true }, or remove it");
    }
    let fd = section.count("fd");
    if fd.is_some_and(|fd| fd < 3) {
        let what = "`fd` is a standard stream, which is in use";
        section.problem(section.key_span("fd"), what, "write ready = { fd = 3 }");
    }
    let fd = fd.map(|fd| Check::Descriptor(u32::try_from(fd).unwrap_or(u32::MAX)));
    [notify.map(|_| Check::Notified), fd]
}

/// Reads `every` and `timeout`, in milliseconds.
fn read_times(section: &mut Section<'_>, kind: &Kind) -> (Option<u64>, Option<u64>) {
    let times = (section.duration_ms("every"), section.duration_ms("timeout"));
    for (key, value) in [("every", times.0), ("timeout", times.1)] {
        if value == Some(0) {
            section.problem(section.key_span(key), format!("`{key}` must be more than 0"), kind.hint);
        }
    }
    times
}

/// Returns the text with `1` in place of each variable, because the values are only known when the process runs.
fn standing_in(text: &str) -> Result<String, VariableError> {
    fill(text, |_| Some("1".into()))
}

/// Whether the text begins with a variable, whose value may then contain whatever is missing.
fn is_all_variable(text: &str) -> bool {
    let mut first = None;
    let known = fill(text, |name| {
        first.get_or_insert_with(|| {
            text.starts_with(&format!("${name}")) || text.starts_with(&format!("${{{name}}}"))
        });
        Some("1".into())
    });
    known.is_ok() && first == Some(true)
}

/// Whether the text is `host:port`.
fn is_endpoint(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        !host.is_empty()
            && (bracketed || !host.contains(':'))
            && !host.contains(char::is_whitespace)
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// Checks that the text is `http://host[:port][/path]`, and returns a hint if it is not.
fn check_url(text: &str) -> Result<(), &'static str> {
    if text.starts_with("https://") {
        return Err("TLS is not supported here: use exec = [\"curl\", \"--fail\", \"https://…\"]");
    }
    let usage = "write http = \"http://127.0.0.1:8731/\"";
    let rest = text.strip_prefix("http://").ok_or(usage)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host_only = !authority.contains(':') || authority.ends_with(']');
    let sound = !authority.is_empty()
        && !authority.contains('@')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && (host_only || is_endpoint(authority));
    if sound { Ok(()) } else { Err(usage) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        for good in ["127.0.0.1:80", "localhost:5432", "[::1]:80"] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in ["", "localhost", ":80", "a:0", "a:99999", "::1:80", "a b:80"] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

    #[test]
    fn a_url_is_plain_http_with_a_host() {
        for good in ["http://localhost", "http://127.0.0.1:8731/", "http://[::1]/x?y", "http://a:1?b"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in
            ["localhost", "http://", "http:///x", "https://a/", "http://a:b/", "http://a b/", "http://u@h/"]
        {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_variable_may_replace_the_host_the_port_or_both() {
        for good in ["$HOST:$PORT", "127.0.0.1:${PORT}", "$ADDRESS", "${ADDRESS}"] {
            let sound = standing_in(good).is_ok_and(|text| is_endpoint(&text)) || is_all_variable(good);
            assert!(sound, "{good}");
        }
        for bad in ["localhost$PORT", "localhost", "a$PORT", "$$:"] {
            let sound = standing_in(bad).is_ok_and(|text| is_endpoint(&text)) || is_all_variable(bad);
            assert!(!sound, "{bad}");
        }
        assert!(check_url(&standing_in("http://127.0.0.1:$PORT/$PATH").unwrap()).is_ok());
    }
}
