//! Processes and logs as resources: their URIs, their list and their contents.

use provost_api::client::LogsOf;
use provost_api::{ErrorCode, Process};
use rmcp::model::{Resource, ResourceContents, ResourceTemplate};

use crate::caller::Caller;
use crate::fault::Fault;
use crate::page::{self, Page};
use crate::reading::processes;
use crate::reading::search::{LogsWanted, read};
use crate::time;
use crate::tools::row;

const PROCESSES: &str = "provost://processes";
const PROCESS: &str = "provost://processes/";
const LOGS: &str = "provost://logs/";
const JSON: &str = "application/json";

/// The number of lines of a log resource.
const LOG_LINES: usize = 200;

/// The number of processes on one page of the list.
const PROCESSES_MAX: usize = 100;

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Uri {
    /// The list of all processes.
    Processes,
    /// One process.
    Process(String),
    /// The last lines of output of one process.
    Logs(String),
}

impl Uri {
    /// Reads the URI of a resource; whether there is such a process is another matter.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let name =
            |rest: &str| (!rest.is_empty() && !rest.contains(['/', '?', '#'])).then(|| rest.to_owned());
        match uri.strip_prefix(PROCESS) {
            Some(rest) => name(rest).map(Self::Process),
            None if uri == PROCESSES => Some(Self::Processes),
            None => uri.strip_prefix(LOGS).and_then(name).map(Self::Logs),
        }
    }

    /// Returns the name of the process that the resource is about.
    pub(crate) fn process(&self) -> Option<&str> {
        match self {
            Self::Processes => None,
            Self::Process(name) | Self::Logs(name) => Some(name),
        }
    }
}

impl std::fmt::Display for Uri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Processes => f.write_str(PROCESSES),
            Self::Process(name) => write!(f, "{PROCESS}{name}"),
            Self::Logs(name) => write!(f, "{LOGS}{name}"),
        }
    }
}

/// Refuses a URI of another form.
pub(crate) fn unknown(uri: &str) -> Fault {
    let message = format!("there is no resource {}", page::shown(uri));
    let hint = "there are provost://processes, provost://processes/NAME and provost://logs/NAME";
    Fault::unknown(ErrorCode::UnknownProcess, message, hint)
}

/// Returns the templates of resources.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("provost://processes/{name}", "process")
            .with_title("A process")
            .with_description("Everything that is known of a process.")
            .with_mime_type(JSON),
        ResourceTemplate::new("provost://logs/{name}", "log")
            .with_title("The output of a process")
            .with_description("The last 200 lines of output of a process.")
            .with_mime_type("text/plain"),
    ]
}

/// Returns one page of resources, and the cursor of the next one.
///
/// # Errors
/// [`Fault`] of the API, or of a cursor that no page ended with.
pub(crate) async fn list(
    caller: &Caller,
    cursor: Option<&str>,
) -> Result<(Vec<Resource>, Option<String>), Fault> {
    let mut status = processes::read(&caller.client, &[]).await?;
    let mut resources = Vec::new();
    if cursor.is_none() {
        resources.push(
            Resource::new(PROCESSES, "processes")
                .with_title("All processes")
                .with_description("The list of all processes, as `process_list` returns it.")
                .with_mime_type(JSON),
        );
    }
    page::resume(&mut status.processes, cursor, |process| &process.name)?;
    let names = status.processes.into_iter().map(|process| process.name);
    let page = page::first(names, PROCESSES_MAX);
    for name in &page.items {
        resources.push(
            Resource::new(Uri::Process(name.clone()).to_string(), name.clone())
                .with_title(format!("Process {name}"))
                .with_mime_type(JSON),
        );
        resources.push(
            Resource::new(Uri::Logs(name.clone()).to_string(), format!("{name}.log"))
                .with_title(format!("Output of {name}"))
                .with_mime_type("text/plain"),
        );
    }
    Ok((resources, page.next_cursor(|name| name)))
}

/// Reads a resource.
///
/// # Errors
/// [`Fault`] of the API, or of a URI of another form.
pub(crate) async fn contents(caller: &Caller, uri: &str) -> Result<ResourceContents, Fault> {
    let json = |value: serde_json::Value| ResourceContents::text(value.to_string(), uri).with_mime_type(JSON);
    match Uri::parse(uri).ok_or_else(|| unknown(uri))? {
        Uri::Processes => {
            let status = processes::read(&caller.client, &[]).await?;
            let (total, now) = (status.processes.len(), time::now());
            let rows = status.processes.into_iter().map(|process| row(process, now));
            let Page { items: processes, .. } = page::first(rows, page::ITEMS_MAX);
            let left_out = total - processes.len();
            Ok(json(serde_json::json!({
                "generation": status.generation, "total": total, "processes": processes, "left_out": left_out,
            })))
        }
        Uri::Process(name) => {
            let process = one(caller, &name).await?;
            Ok(json(serde_json::to_value(process).unwrap_or_default()))
        }
        Uri::Logs(name) => {
            // A name of a group or of replicas has no log.
            one(caller, &name).await?;
            Ok(ResourceContents::text(tail(caller, &name, LOG_LINES).await?, uri))
        }
    }
}

/// Returns the process with exactly this name.
///
/// # Errors
/// [`Fault`] of the API, or of a name of several.
pub(crate) async fn one(caller: &Caller, name: &str) -> Result<Process, Fault> {
    let processes = processes::read(&caller.client, &[name.to_owned()]).await?.processes;
    processes.into_iter().find(|process| process.name == name).ok_or_else(|| {
        let message = format!("`{}` names several processes", page::shown(name));
        Fault::unknown(ErrorCode::UnknownProcess, message, "name one of them: `process_list` lists them all")
    })
}

/// Returns the last lines of output of a process as text, oldest first.
///
/// # Errors
/// [`Fault`] of the API.
pub(crate) async fn tail(caller: &Caller, name: &str, limit: usize) -> Result<String, Fault> {
    let of = LogsOf::Processes(vec![name.to_owned()]);
    let wanted = LogsWanted { of, since: None, pattern: None, ranked_by: None, limit, cursor: None };
    let mut lines = read(&caller.client, wanted).await?.lines;
    lines.reverse();
    Ok(lines.iter().map(|line| format!("{} {} {}\n", line.at, line.stream, line.text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_read_as_it_is_written() {
        for uri in ["provost://processes", "provost://processes/web.1", "provost://logs/web.1"] {
            assert_eq!(Uri::parse(uri).unwrap().to_string(), uri);
        }
        for uri in
            ["", "provost://", "provost://processes/", "provost://logs", "provost://logs/a/b", "file:///x"]
        {
            assert_eq!(Uri::parse(uri), None, "{uri}");
        }
    }
}
