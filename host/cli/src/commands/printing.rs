//! Writes to standard output: texts, JSON, and single lines.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// The default width of names, in columns.
pub(super) const NAME_WIDTH: usize = 6;

/// Writes to standard output.
pub(super) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref())?;
    out.flush()?;
    Ok(())
}

/// Returns pretty-printed JSON.
pub(super) fn pretty(object: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(object).map_err(io::Error::from)?;
    Ok(provost_state::text::in_json(&text) + "\n")
}

/// Returns one line of JSON.
pub(super) fn json(object: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let line = serde_json::to_string(object).map_err(io::Error::from)?;
    Ok((provost_state::text::in_json(&line) + "\n").into_bytes())
}

/// Writes one line. Standard output is line-buffered, so a line is written at its newline.
pub(super) fn write_line(line: &[u8]) -> Result<(), Failure> {
    Ok(io::stdout().lock().write_all(line)?)
}
