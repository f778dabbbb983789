//! The properties of the output: its colours, its width and the time zone of its reader.

use std::io::Stdout;
use std::num::NonZeroUsize;

use rustix::termios::tcgetwinsize;

use super::local::Zone;
use super::style::{ColorWhen, Paint, Style};
use provost_api::columns::wrapped;

/// The smallest width that is used; nothing can be laid out in less.
const COLUMNS_MIN: usize = 20;

/// The output of a command.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) paint: Paint,
    /// The number of columns of a line; `None` for no limit.
    pub(crate) columns: Option<usize>,
    pub(crate) zone: Zone,
}

impl Page {
    /// Returns the page of standard output. Its width is that of `COLUMNS`, or else of the terminal, or else unlimited.
    pub(crate) fn of(stdout: &Stdout, color: ColorWhen) -> Self {
        let said = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse::<NonZeroUsize>().ok());
        // A terminal that does not know its width reports 0.
        let terminal =
            || tcgetwinsize(stdout).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
        let columns = said.map(NonZeroUsize::get).or_else(terminal);
        Self {
            paint: Paint::wanted(color, stdout),
            columns: columns.map(|columns| columns.max(COLUMNS_MIN)),
            zone: Zone::system(),
        }
    }

    /// Returns a sentence in lines of the page, each with its line break.
    pub(crate) fn sentence(&self, style: Style, sentence: &str) -> String {
        let lines = wrapped(sentence, self.columns.unwrap_or(usize::MAX), usize::MAX);
        lines.iter().map(|line| self.paint.text(style, line) + "\n").collect()
    }

    /// Returns the same page without a limit on its width.
    pub(crate) fn endless(&self) -> Self {
        Self { columns: None, ..self.clone() }
    }

    /// Returns a page without colours, without a limit and in UTC.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { paint: Paint::OFF, columns: None, zone: Zone::utc() }
    }

    /// Returns a plain page with this number of columns.
    #[cfg(test)]
    pub(crate) fn narrow(columns: usize) -> Self {
        Self { columns: Some(columns), ..Self::plain() }
    }
}
