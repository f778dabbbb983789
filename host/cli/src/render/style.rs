//! Styles text with colours where they are wanted.

use std::fmt::Write as _;
use std::io::IsTerminal;

use clap::ValueEnum;
use provost_api::Phase;

/// The choice of when to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The style of a piece of text, an SGR sequence of ANSI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
    BoldRed,
    /// The colour of a name, one of [`NAME_COLORS`].
    Name(u8),
}

/// The colours of names, as SGR numbers: those that are readable on a dark and on a light background and have no meaning.
const NAME_COLORS: [u8; 10] = [36, 33, 35, 34, 32, 96, 93, 95, 94, 92];

impl Style {
    /// Returns the colour of a name, which is always the same for the same name.
    pub(crate) fn of_name(name: &str) -> Self {
        // FNV-1a: short, and spreads short names well.
        let hash = name
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let count = u32::try_from(NAME_COLORS.len()).unwrap_or(1);
        let index = usize::try_from((hash >> 8) % count).unwrap_or(0);
        Self::Name(NAME_COLORS[index])
    }

    /// Returns the style of a phase.
    pub(crate) fn of_phase(phase: &Phase) -> Self {
        match phase {
            Phase::Running => Self::Green,
            Phase::Starting | Phase::Stopping | Phase::Waiting => Self::Cyan,
            Phase::Backoff => Self::Yellow,
            Phase::Fatal => Self::BoldRed,
            Phase::Stopped | Phase::Exited | Phase::Other(_) => Self::Dim,
        }
    }

    fn sgr(self) -> String {
        match self {
            Self::Plain => "0".into(),
            Self::Bold => "1".into(),
            Self::Dim => "2".into(),
            Self::Red => "31".into(),
            Self::Green => "32".into(),
            Self::Yellow => "33".into(),
            Self::Cyan => "36".into(),
            Self::BoldRed => "1;31".into(),
            Self::Name(color) => color.to_string(),
        }
    }
}

/// Applies styles to text if colours are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    pub(crate) const OFF: Self = Self { on: false };

    /// Decides about colours for a stream. `Auto` means on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn wanted(when: ColorWhen, stream: &impl IsTerminal) -> Self {
        let on = match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                !refused && !dumb && stream.is_terminal()
            }
        };
        Self { on }
    }

    /// Whether colours are on.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    /// Returns `text` in `style`.
    pub(crate) fn text(self, style: Style, text: &str) -> String {
        if !self.on || style == Style::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{}m{text}\x1b[0m", style.sgr())
    }

    /// Colours the labels `error:`, `warning:` and `hint:` of a report.
    pub(crate) fn report(self, report: &str) -> String {
        let mut painted = String::with_capacity(report.len());
        for line in report.lines() {
            let (style, head) =
                [(Style::BoldRed, "error:"), (Style::Yellow, "warning:"), (Style::Cyan, "hint:")]
                    .into_iter()
                    .find(|(_, head)| line.starts_with(head))
                    .unwrap_or((Style::Plain, ""));
            // Writing to a string does not fail.
            let _ = writeln!(painted, "{}{}", self.text(style, head), &line[head.len()..]);
        }
        painted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_colour() {
        assert_eq!(Style::of_name("web"), Style::of_name("web"));
        assert_ne!(Style::of_name("web"), Style::of_name("worker"));
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint::OFF.text(Style::Red, "x"), "x");
        assert_eq!(Paint { on: true }.text(Style::Red, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(Paint { on: true }.report("error: a\n  b\n"), "\u{1b}[1;31merror:\u{1b}[0m a\n  b\n");
    }
}
