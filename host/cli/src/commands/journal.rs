//! `journal`: checks, exports and counts the journal. It needs no running host: these are files.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use provost_files::FileError;
use provost_journal::{Entry, Gap, History, Inspection, Wanted, inspect};
use provost_supervisor::rfc3339;
use serde_json::{Value, json as object};

use super::context::Context;
use super::printing::{json, pretty, print, write_line};
use crate::args::{JournalCommand, LineFormat};
use crate::failure::Failure;
use crate::past;
use crate::render::humane::{counted, one_line, size};
use crate::render::local::Zone;

/// The most gaps that are listed; the others are counted.
const GAPS_MAX: usize = 20;

/// Runs one of the commands.
pub(super) fn journal(context: &Context, command: &JournalCommand) -> Result<(), Failure> {
    let dir = dir(context)?;
    match command {
        JournalCommand::Verify { output } => verify(context, &dir, *output),
        JournalCommand::Export { since, until } => export(&dir, *since, *until),
        JournalCommand::Stats { output } => stats(context, &dir, *output),
    }
}

/// Returns the directory of the journal, in which there is one.
pub(super) fn dir(context: &Context) -> Result<PathBuf, Failure> {
    let dir = context.outline()?.journal_dir;
    if History::new(&dir).exists() { Ok(dir) } else { Err(none(&dir)) }
}

/// Calls `each` with the wanted records until it fails.
pub(super) fn read(
    dir: &Path,
    wanted: &Wanted,
    mut each: impl FnMut(&Entry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let read = History::new(dir).read(wanted, |entry| {
        outcome = each(&entry);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    outcome?;
    read.map_err(|error| unread(&error))
}

/// The failure if there is no journal in `dir`.
pub(super) fn none(dir: &Path) -> Failure {
    let hint =
        "a host begins one when it starts, unless `enabled = false` in [journal]; `-c` names its config";
    Failure::failed(format!("there is no journal in {}", dir.display()), hint)
}

/// The failure if the journal cannot be read.
pub(super) fn unread(error: &FileError) -> Failure {
    Failure::failed(
        format!("cannot read the journal: {error}"),
        "run this command as the user who started the host, or as root",
    )
}

fn verify(context: &Context, dir: &Path, output: LineFormat) -> Result<(), Failure> {
    let found = inspect(dir).map_err(|error| unread(&error))?;
    print(match output {
        LineFormat::Json => pretty(&verified(&found))?,
        LineFormat::Text => verified_text(&found, &context.page.zone),
    })?;
    if found.problems.is_empty() { Ok(()) } else { Err(Failure::silent(1)) }
}

fn verified(found: &Inspection) -> Value {
    let segments = found.segments.iter().map(|segment| {
        object!({
            "file": segment.file, "bytes": segment.bytes, "sealed": segment.is_sealed,
            "first_seq": segment.first_seq, "records": segment.records,
            "unfinished_bytes": segment.unfinished_bytes,
        })
    });
    let problems = found
        .problems
        .iter()
        .map(|problem| object!({ "file": problem.file, "offset": problem.offset, "what": problem.what }));
    object!({
        "intact": found.problems.is_empty(),
        "records": found.records(),
        "bytes": found.bytes(),
        "segments": segments.collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
        "gaps": gaps(found),
    })
}

fn gaps(found: &Inspection) -> Vec<Value> {
    let gap = |gap: &Gap| {
        object!({
            "at": rfc3339(gap.at.wall_ms), "reason": gap.reason.as_str(),
            "count": (gap.count > 0).then_some(gap.count),
        })
    };
    found.gaps.iter().map(gap).collect()
}

fn verified_text(found: &Inspection, zone: &Zone) -> String {
    let mut lines: Vec<String> =
        found.problems.iter().map(|problem| format!("damaged: {}", one_line(&problem.to_string()))).collect();
    lines.extend(
        found
            .gaps
            .iter()
            .take(GAPS_MAX)
            .map(|gap| format!("gap at {}: {}", zone.stamp(&rfc3339(gap.at.wall_ms)), past::missing(gap))),
    );
    if found.gaps.len() > GAPS_MAX {
        lines.push(format!("and {} more gaps", found.gaps.len() - GAPS_MAX));
    }
    for segment in found.segments.iter().filter(|segment| segment.unfinished_bytes > 0) {
        lines.push(format!(
            "{}: the last {} are not a whole block: they are being written, or the next host cuts them",
            segment.file,
            counted(segment.unfinished_bytes, "byte")
        ));
    }
    let all = all(found);
    lines.push(match found.problems.len() {
        0 => format!("{all}: every block is intact"),
        count => format!("{all}: {}", counted(count as u64, "problem")),
    });
    lines.join("\n") + "\n"
}

/// Describes how much there is.
fn all(found: &Inspection) -> String {
    let (records, files) = (counted(found.records(), "record"), counted(found.segments.len() as u64, "file"));
    format!("{records} in {files}, {}", size(found.bytes()))
}

fn export(dir: &Path, since_ms: Option<u64>, until_ms: Option<u64>) -> Result<(), Failure> {
    let wanted = Wanted { since_ms, until_ms, name: None };
    read(dir, &wanted, |entry| write_line(&json(&past::object(entry))?))
}

fn stats(context: &Context, dir: &Path, output: LineFormat) -> Result<(), Failure> {
    let found = inspect(dir).map_err(|error| unread(&error))?;
    let (records, bytes) = (found.records(), found.bytes());
    let per_record = bytes.checked_div(records).unwrap_or(0);
    let span = found.wall_ms.map(|(first, last)| (rfc3339(first), rfc3339(last)));
    if output == LineFormat::Json {
        let kinds: serde_json::Map<String, Value> =
            found.kinds.iter().map(|(kind, count)| (kind.as_str().to_owned(), (*count).into())).collect();
        let (first, last) = span.unzip();
        return print(pretty(&object!({
            "records": records, "bytes": bytes, "bytes_per_record": per_record,
            "segments": found.segments.len(), "first_at": first, "last_at": last, "kinds": kinds,
            "gaps": gaps(&found),
        }))?);
    }
    let zone = &context.page.zone;
    let mut text = format!("{}, {per_record} bytes each\n", all(&found));
    if let Some((first, last)) = span {
        text.push_str(&format!("from {} to {}\n", zone.stamp(&first), zone.stamp(&last)));
    }
    for (kind, count) in &found.kinds {
        text.push_str(&format!("  {:<13} {count}\n", kind.as_str()));
    }
    print(text)
}
