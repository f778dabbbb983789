//! What is printed on: its colours, how many columns it has, and the time zone of its reader.

use std::io::Stdout;
use std::num::NonZeroUsize;

use rustix::termios::tcgetwinsize;

use super::local::Zone;
use super::style::{ColorWhen, Paint};

/// Narrower than this nothing can be laid out.
const COLUMNS_MIN: usize = 20;

/// Where a command prints.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) paint: Paint,
    /// How many columns a line may take; `None` for as many as it needs.
    pub(crate) columns: Option<usize>,
    pub(crate) zone: Zone,
}

impl Page {
    /// Standard output: as wide as `COLUMNS` says, else as the terminal is; what is not a terminal has no width.
    pub(crate) fn of(stdout: &Stdout, color: ColorWhen) -> Self {
        let said = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse::<NonZeroUsize>().ok());
        // A terminal that does not know its width says 0.
        let terminal =
            || tcgetwinsize(stdout).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
        let columns = said.map(NonZeroUsize::get).or_else(terminal);
        Self {
            paint: Paint::wanted(color, stdout),
            columns: columns.map(|columns| columns.max(COLUMNS_MIN)),
            zone: Zone::system(),
        }
    }

    /// The same without a limit on its width.
    pub(crate) fn endless(&self) -> Self {
        Self { columns: None, ..self.clone() }
    }

    /// No colours, no limit, UTC.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { paint: Paint::OFF, columns: None, zone: Zone::utc() }
    }

    /// The same with so many columns.
    #[cfg(test)]
    pub(crate) fn narrow(columns: usize) -> Self {
        Self { columns: Some(columns), ..Self::plain() }
    }
}
