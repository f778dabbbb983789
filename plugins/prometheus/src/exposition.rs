//! Writes lines of the OpenMetrics text format.

use std::fmt::Write;

/// Writes the lines before a metric's samples. A metric whose name ends in `_seconds` or `_bytes` has that unit.
pub(crate) fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    sample(out, format_args!("# TYPE {name} {kind}"));
    if let Some((_, unit @ ("seconds" | "bytes"))) = name.rsplit_once('_') {
        sample(out, format_args!("# UNIT {name} {unit}"));
    }
    sample(out, format_args!("# HELP {name} {help}"));
}

/// Writes one line.
pub(crate) fn sample(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

/// Escapes the backslashes, quotes and newlines of a label value, as OpenMetrics requires.
pub(crate) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
