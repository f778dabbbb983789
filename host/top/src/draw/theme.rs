//! Styles, with colours or without: then by brightness and inversion alone.

use provost_api::Phase;
use ratatui::style::{Color, Modifier, Style};

/// The colours of names: those that are readable on a dark and on a light background and have no meaning.
const NAMES: [Color; 6] =
    [Color::Cyan, Color::Magenta, Color::Blue, Color::LightCyan, Color::LightMagenta, Color::LightBlue];

/// Styles, with colours or without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    /// Whether there are colours.
    pub(crate) colors: bool,
}

impl Theme {
    fn color(self, color: Color) -> Style {
        if self.colors { Style::new().fg(color) } else { Style::new() }
    }

    /// Returns the style of a phase.
    pub(crate) fn phase(self, phase: &Phase) -> Style {
        match phase {
            Phase::Running => self.color(Color::Green),
            Phase::Starting | Phase::Stopping | Phase::Waiting => self.color(Color::Cyan),
            Phase::Backoff => self.color(Color::Yellow).add_modifier(Modifier::BOLD),
            Phase::Fatal => self.color(Color::Red).add_modifier(Modifier::BOLD),
            Phase::Stopped | Phase::Exited | Phase::Other(_) => self.dim(),
        }
    }

    /// Returns the style of a name, which is always the same for the same name.
    pub(crate) fn name(self, name: &str) -> Style {
        let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        self.color(NAMES[sum % NAMES.len()])
    }

    /// Returns the style of a failure.
    pub(crate) fn bad(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Returns the style of a warning.
    pub(crate) fn warning(self) -> Style {
        self.color(Color::Yellow)
    }

    /// Returns the style of what matters less.
    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Returns the style of headings.
    pub(crate) fn head(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Returns the style of the selection.
    pub(crate) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}
