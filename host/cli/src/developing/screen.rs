//! What the session prints: its steps and the decisions on standard output, failures on standard error.

use std::io::{self, Write};

use crate::failure::Failure;
use crate::render::page::Page;
use crate::render::style::{Paint, Style};

/// Where the session prints.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// Standard output.
    pub(super) page: Page,
    /// The colours of standard error.
    pub(super) paint: Paint,
}

impl Screen {
    /// Prints one line.
    ///
    /// # Errors
    /// Standard output is closed or takes nothing.
    pub(super) fn line(&self, style: Style, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", self.page.paint.text(style, text))?;
        Ok(out.flush()?)
    }

    /// Prints a failure. If it cannot be printed, the next line on standard output says that something has failed.
    pub(super) fn failure(&self, failure: &Failure) {
        if !failure.report().is_empty() {
            // The report may quote untrusted text.
            let report = self.paint.report(&provost_state::text::lines(failure.report()));
            let _ = io::stderr().lock().write_all(report.as_bytes());
        }
    }
}
