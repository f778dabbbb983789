//! Draws a terminal as SVG: text with the SGR sequences that `provost` and tmux print.

use std::fmt::Write as _;

/// The width of a column and the height of a line, in pixels.
const COLUMN: f64 = 7.85;
const LINE: f64 = 19.0;
/// The margin, and the height of the bar with the title.
const MARGIN: f64 = 16.0;
const BAR: f64 = 30.0;

const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";
const DIM: &str = "#868c98";

/// The eight colours of a terminal: the SGR numbers 30 to 37 and 90 to 97, and the first 16 of its 256 colours.
const COLORS: [&str; 8] =
    ["#5c6370", "#ef6b73", "#8cc570", "#e0b860", "#63a8f0", "#c78be0", "#53b9c4", FOREGROUND];

/// The style of the text that follows.
#[derive(Clone, Copy)]
struct Look {
    color: &'static str,
    bold: bool,
    dim: bool,
    reversed: bool,
}

impl Look {
    const PLAIN: Self = Self { color: FOREGROUND, bold: false, dim: false, reversed: false };

    /// Returns the style after an SGR sequence with these numbers.
    fn after(self, numbers: &str) -> Self {
        let mut numbers = numbers.split(';').map(|number| number.parse::<usize>().unwrap_or_default());
        let mut look = self;
        while let Some(number) = numbers.next() {
            look = match number {
                0 => Self::PLAIN,
                1 => Self { bold: true, ..look },
                2 => Self { dim: true, ..look },
                7 => Self { reversed: true, ..look },
                30..=37 | 90..=97 => Self { color: COLORS[number % 10], ..look },
                // One of 256 colours: `38;5;N`.
                38 => Self { color: COLORS[numbers.nth(1).unwrap_or_default() % 8], ..look },
                39 => Self { color: FOREGROUND, ..look },
                _ => look,
            };
        }
        look
    }

    fn drawn_in(self) -> &'static str {
        if self.dim && self.color == FOREGROUND { DIM } else { self.color }
    }
}

/// Draws a screen of at most `columns` columns.
pub(crate) fn drawn(title: &str, screen: &str, columns: usize) -> String {
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    let width = 2.0 * MARGIN + places(columns) * COLUMN;
    let height = BAR + 2.0 * MARGIN + places(lines.len()) * LINE;
    let mut svg = format!(
        "<svg xml:space=\"preserve\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{}\">\n\
         <style>text {{ font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre }}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <text x=\"{:.0}\" y=\"20\" text-anchor=\"middle\" fill=\"{DIM}\">{}</text>\n",
        escaped(title),
        width / 2.0,
        escaped(title),
    );
    // tmux does not repeat the style at the beginning of a line.
    let mut look = Look::PLAIN;
    for (at, line) in lines.iter().enumerate() {
        let y = BAR + MARGIN + places(at) * LINE + 8.0;
        look = write_line(&mut svg, line, y, look);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws one line: a `<text>` for each run of one style, at its column. Returns the style at its end.
fn write_line(svg: &mut String, line: &str, y: f64, before: Look) -> Look {
    let (mut look, mut column) = (before, 0);
    for (part, run) in line.split("\u{1b}[").enumerate() {
        let text = match run.split_once('m') {
            Some((numbers, text)) if part > 0 => {
                look = look.after(numbers);
                text
            }
            _ => run,
        };
        let runs = text.chars().count();
        if look.reversed && runs > 0 {
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{LINE}\" fill=\"{}\"/>",
                MARGIN + places(column) * COLUMN,
                y - 14.0,
                places(runs) * COLUMN,
                look.drawn_in(),
            );
        }
        let blanks = text.chars().take_while(|letter| *letter == ' ').count();
        if !text.trim().is_empty() {
            let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
            // An explicit width of the run keeps the columns aligned in every font.
            let visible = text.trim();
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{y:.0}\" fill=\"{}\"{weight} textLength=\"{:.1}\">{}</text>",
                MARGIN + places(column + blanks) * COLUMN,
                if look.reversed { BACKGROUND } else { look.drawn_in() },
                places(visible.chars().count()) * COLUMN,
                escaped(visible),
            );
        }
        column += runs;
    }
    look
}

#[expect(clippy::cast_precision_loss, reason = "columns and lines of a screen are few")]
fn places(count: usize) -> f64 {
    count as f64
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
