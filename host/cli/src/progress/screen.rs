//! Lines on a terminal that are replaced in place.
//!
//! The cursor is never hidden and always below the lines. So there is nothing to restore, however the command ends.

use std::io::{self, IsTerminal, Stderr, Write};

use rustix::termios::tcgetwinsize;

/// The size of a terminal that does not say it.
const COLUMNS: usize = 80;
const ROWS: usize = 24;

/// Begin and end of what a terminal should show at once, for those that know it; others ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// The lines at the end of a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    stderr: Stderr,
    /// The number of lines above the cursor that are replaced next time.
    drawn: usize,
    /// The width for which they were drawn.
    columns: usize,
}

impl Screen {
    /// Returns the terminal of standard error, if it is one that can replace lines.
    pub(super) fn of_stderr() -> Option<Self> {
        let stderr = io::stderr();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        (stderr.is_terminal() && !dumb).then_some(Self { stderr, drawn: 0, columns: 0 })
    }

    /// Returns the number of columns and rows of the terminal at this moment.
    pub(super) fn size(&self) -> (usize, usize) {
        let size = tcgetwinsize(&self.stderr).ok();
        let or = |said: Option<u16>, default| match said {
            None | Some(0) => default,
            Some(said) => usize::from(said),
        };
        (or(size.map(|size| size.ws_col), COLUMNS), or(size.map(|size| size.ws_row), ROWS))
    }

    /// Replaces the lines of the last time. Each must be narrower than the terminal.
    pub(super) fn draw(&mut self, lines: &[String]) {
        let (columns, _) = self.size();
        // On a terminal that has become narrower, the lines of the last time have another height now.
        let up = if columns < self.columns { 0 } else { self.drawn };
        let frame = frame(up, lines);
        (self.drawn, self.columns) = (lines.len(), columns);
        // If nothing can be written, nothing has to be shown.
        let _ = self.stderr.lock().write_all(frame.as_bytes());
    }

    /// Removes the lines.
    pub(super) fn erase(&mut self) {
        if self.drawn > 0 {
            self.draw(&[]);
        }
    }
}

/// Returns the bytes that replace the `up` lines above the cursor, written at once so that nothing flickers.
fn frame(up: usize, lines: &[String]) -> String {
    let mut frame = String::from(BEGIN);
    if up > 0 {
        frame.push_str(&format!("\x1b[{up}A"));
    }
    frame.push('\r');
    for line in lines {
        frame.push_str(line);
        // Removes the rest of the line that was here.
        frame.push_str("\x1b[K\n");
    }
    // Removes the lines below.
    frame.push_str("\x1b[J");
    frame.push_str(END);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_replaces_the_lines_of_the_last_one_without_clearing_them_first() {
        let shown = |up, lines: &[&str]| {
            frame(up, &lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).replace('\x1b', "ESC")
        };
        assert_eq!(shown(0, &["a"]), "ESC[?2026h\raESC[K\nESC[JESC[?2026l");
        assert_eq!(shown(2, &["a", "b"]), "ESC[?2026hESC[2A\raESC[K\nbESC[K\nESC[JESC[?2026l");
        assert_eq!(shown(3, &[]), "ESC[?2026hESC[3A\rESC[JESC[?2026l");
    }
}
