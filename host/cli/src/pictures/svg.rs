//! SVG documents: shapes, text that is escaped, and colours for light and dark backgrounds. A document refers to nothing outside
//! of itself and contains no script.

use std::fmt::Write as _;

use provost_api::Phase;
use provost_api::columns;

use crate::render::humane::one_line;

/// The width of a column of text, in pixels, at the size of the style sheet.
pub(super) const COLUMN: f64 = 7.3;

/// The margin around everything, in pixels.
pub(super) const MARGIN: f64 = 16.0;

/// The colours and fonts. The first set of colours is for a light background.
const STYLE: &str = "\
svg { --paper: #ffffff; --ink: #1f2328; --dim: #59636e; --line: #8c959f; --box: #f6f8fa;
 --running: #2da44e; --starting: #54aeff; --waiting: #b6c2cf; --backoff: #d4a72c; --stopping: #8250df;
 --exited: #8c959f; --stopped: #d8dee4; --fatal: #cf222e }
@media (prefers-color-scheme: dark) {
 svg { --paper: #0d1117; --ink: #e6edf3; --dim: #9198a1; --line: #656c76; --box: #161b22;
 --running: #3fb950; --starting: #388bfd; --waiting: #4d5763; --backoff: #d29922; --stopping: #a371f7;
 --exited: #656c76; --stopped: #2a313c; --fatal: #f85149 }
}
text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: var(--ink); white-space: pre }
.title { font-weight: bold; font-size: 14px }
.strong { font-weight: bold }
.dim { fill: var(--dim) }
.paper { fill: var(--paper) }
.box { fill: var(--box); stroke: var(--line) }
.tick { stroke: var(--line); stroke-opacity: 0.35 }
.mark { stroke: var(--ink); stroke-width: 1.5 }
.bad { stroke: var(--fatal); stroke-width: 2.5 }
.edge { fill: none; stroke: var(--line); stroke-width: 1.5 }
.arrow { fill: var(--line) }
.started { stroke-dasharray: 1.5 3 }
.completed { stroke-dasharray: 6 3 }
.p-running { fill: var(--running) } .p-starting { fill: var(--starting) } .p-waiting { fill: var(--waiting) }
.p-backoff { fill: var(--backoff) } .p-stopping { fill: var(--stopping) } .p-exited { fill: var(--exited) }
.p-stopped { fill: var(--stopped) } .p-fatal { fill: var(--fatal) }
";

/// Returns the class of the colour of a phase.
pub(super) fn class(phase: &Phase) -> &'static str {
    match phase {
        Phase::Running => "p-running",
        Phase::Starting => "p-starting",
        Phase::Waiting => "p-waiting",
        Phase::Backoff => "p-backoff",
        Phase::Stopping => "p-stopping",
        Phase::Exited => "p-exited",
        Phase::Fatal => "p-fatal",
        Phase::Stopped | Phase::Other(_) => "p-stopped",
    }
}

/// A document while it is drawn.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Svg {
    /// Draws text whose baseline begins at this place.
    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        // Writing to a string does not fail.
        let _ =
            writeln!(self.body, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escaped(text));
    }

    /// Draws a rectangle, with a text that is shown while the pointer is on it, if there is one.
    pub(super) fn area(&mut self, area: Area, class: &str, title: &str) {
        let Area { x, y, width, height } = area;
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" class=\"{class}\">{}</rect>",
            titled(title)
        );
    }

    /// Draws a vertical line.
    pub(super) fn upright(&mut self, x: f64, from: f64, to: f64, class: &str, title: &str) {
        let _ = writeln!(
            self.body,
            "<line x1=\"{x:.1}\" y1=\"{from:.1}\" x2=\"{x:.1}\" y2=\"{to:.1}\" class=\"{class}\">{}</line>",
            titled(title)
        );
    }

    /// Draws a curve that ends with an arrow; `path` is in the language of the attribute `d`.
    pub(super) fn arrow(&mut self, path: &str, class: &str, title: &str) {
        let _ = writeln!(
            self.body,
            "<path d=\"{path}\" class=\"edge {class}\" marker-end=\"url(#arrow)\">{}</path>",
            titled(title)
        );
    }

    /// Draws an example of an arrow and its meaning, and returns the place behind it.
    pub(super) fn example(&mut self, x: f64, y: f64, class: &str, meaning: &str) -> f64 {
        self.arrow(&format!("M {x:.1} {:.1} h 28", y - 4.0), class, "");
        self.text(x + 42.0, y, "dim", meaning);
        x + 42.0 + width(meaning) + 20.0
    }

    /// Draws an example of a colour and its meaning, and returns the place behind it.
    pub(super) fn sample(&mut self, x: f64, y: f64, class: &str, meaning: &str) -> f64 {
        self.area(Area { x, y: y - 9.0, width: 10.0, height: 10.0 }, class, "");
        self.text(x + 16.0, y, "dim", meaning);
        x + 16.0 + width(meaning) + 16.0
    }

    /// Returns the whole document.
    pub(super) fn document(self, title: &str, width: f64, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n\
             <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
             markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M 0 0 L 8 4 L 0 8 z\" class=\"arrow\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n{}</svg>\n",
            escaped(title),
            self.body,
        )
    }
}

/// Returns the width of a text, in pixels.
pub(super) fn width(text: &str) -> f64 {
    number(columns::width(text)) * COLUMN
}

/// Converts a count or a place to pixels.
#[expect(clippy::cast_precision_loss, reason = "pictures have far fewer than 2^52 parts")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

/// Converts a span of time to a number.
#[expect(clippy::cast_precision_loss, reason = "2^52 milliseconds are far more than any process lives")]
pub(super) fn span(ms: u64) -> f64 {
    ms as f64
}

fn titled(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(title)) }
}

/// Escapes text for XML. Characters that XML does not allow are replaced, as are those that are unfit for a terminal.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Asserts that a document is well-formed XML, as far as this program writes it: elements are closed in order, attributes
    /// are quoted, and nothing is referred to but what is in the document.
    pub(crate) fn is_sound(document: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = document;
        while let Some(at) = rest.find('<') {
            let text = &rest[..at];
            let after = &rest[at + 1..];
            let end = after.find('>').expect("a tag ends");
            let tag = &after[..end];
            assert!(!text.contains('>') && !tag.contains('<'), "{tag}");
            for part in text.split('&').skip(1) {
                assert!(
                    ["amp;", "lt;", "gt;", "quot;"].iter().any(|known| part.starts_with(known)),
                    "{part}"
                );
            }
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None => {
                    let name = tag.split([' ', '/']).next().unwrap();
                    assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
                    let outside: String = tag.split('"').step_by(2).collect();
                    assert_eq!(outside.matches('=').count() * 2, tag.matches('"').count(), "{tag}");
                    if !tag.ends_with('/') {
                        open.push(name);
                    }
                }
            }
            rest = &after[end + 1..];
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
        let outside = document.replace("http://www.w3.org/2000/svg", "");
        for odd in ["http:", "https:", "href", "<script", "@import", "\u{ffff}"] {
            assert!(!outside.contains(odd), "{odd}");
        }
        assert_eq!(outside.matches("url(").count(), outside.matches("url(#arrow)").count());
    }

    #[test]
    fn foreign_text_stays_text() {
        let mut svg = Svg::default();
        let odd = "</text><script>alert(\"1\")</script> & \u{1b}[2J\u{ffff}";
        svg.text(0.0, 0.0, "dim", odd);
        svg.area(Area { x: 0.0, y: 0.0, width: 1.0, height: 1.0 }, "box", odd);
        let document = svg.document(odd, 10.0, 10.0);
        is_sound(&document);
        assert!(document.contains(
            "&lt;/text&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; \u{fffd}[2J\u{fffd}"
        ));
    }
}
