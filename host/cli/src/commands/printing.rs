//! Standard output: texts, JSON, and lines that are out when they end.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Columns of names, before longer ones are known.
pub(super) const NAME_WIDTH: usize = 6;

/// Writes to standard output.
pub(super) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref())?;
    out.flush()?;
    Ok(())
}

/// Pretty-printed JSON.
pub(super) fn pretty(object: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(object).map_err(io::Error::from)?;
    Ok(provost_state::text::in_json(&text) + "\n")
}

/// One line of JSON.
pub(super) fn json(object: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let line = serde_json::to_string(object).map_err(io::Error::from)?;
    Ok((provost_state::text::in_json(&line) + "\n").into_bytes())
}

/// Standard output is line-buffered: a line is out when it ends.
pub(super) fn write_line(line: &[u8]) -> Result<(), Failure> {
    Ok(io::stdout().lock().write_all(line)?)
}
