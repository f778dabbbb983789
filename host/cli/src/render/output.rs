//! Renders `logs`: lines of processes and of the host's own log.

use std::borrow::Cow;

use base64::Engine as _;
use provost_api::{LogItem, LogStream};

use super::local::Zone;
use super::style::{Paint, Style};
use super::terminal;

/// The style of the lines.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) paint: Paint,
    /// The number of columns of the longest name; 0 to leave the names out.
    pub(crate) width: usize,
    /// The zone in which to show the time of each line; `None` to leave the times out.
    pub(crate) timestamps: Option<Zone>,
    /// Whether to print only the unchanged bytes of the lines.
    pub(crate) raw: bool,
    /// The mark between name and text; `None` for that of the stream.
    pub(crate) mark: Option<&'static str>,
}

/// Formats lines one after the other.
#[derive(Debug)]
pub(crate) struct Printer {
    look: Look,
    /// The process and the stream of the incomplete line that was printed last.
    open: Option<(String, LogStream)>,
}

impl Printer {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, open: None }
    }

    /// Returns the bytes to write for the next item. An incomplete line is continued by the next item of its stream, and ended
    /// before any other item.
    pub(crate) fn next(&mut self, item: &LogItem) -> Vec<u8> {
        let (process, stream, at, text, partial) = match item {
            LogItem::Text { process, stream, at, text, partial } => {
                (process, stream, at, Cow::Borrowed(text.as_bytes()), *partial)
            }
            LogItem::Binary { process, stream, at, base64, partial } => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(base64);
                let bytes = bytes.unwrap_or_else(|_| base64.clone().into_bytes());
                (process, stream, at, Cow::Owned(bytes), *partial)
            }
            LogItem::Missed { process, missed } => {
                let note = match missed {
                    Some(missed) => {
                        format!("{missed} lines skipped: this reader was too slow; they are in the log file")
                    }
                    None => "lines may be missing here: the log files no longer have all of them".to_owned(),
                };
                return self.note(process, &note);
            }
            LogItem::Cleared { process, .. } => {
                return self.note(process, "the log was cleared: what was printed before is no longer in it");
            }
            LogItem::Unknown { .. } => return Vec::new(),
        };
        let mut line = Vec::with_capacity(text.len() + 64);
        let whose = (process.clone(), stream.clone());
        let goes_on = self.open.as_ref() == Some(&whose);
        if self.open.take().is_some() && !goes_on {
            line.push(b'\n');
        }
        if !goes_on && !self.look.raw {
            line.extend_from_slice(self.look.head(process, stream, at).as_bytes());
        }
        if self.look.raw {
            line.extend_from_slice(&text);
        } else {
            line.extend_from_slice(terminal::shown(&text, self.look.paint.is_on()).as_bytes());
        }
        if partial {
            self.open = Some(whose);
        } else {
            line.push(b'\n');
        }
        line
    }

    /// Returns the bytes to write after the last item.
    pub(crate) fn end(&mut self) -> &'static [u8] {
        if self.open.take().is_some() { b"\n" } else { b"" }
    }

    fn note(&mut self, process: &str, note: &str) -> Vec<u8> {
        let mut line = String::from_utf8_lossy(self.end()).into_owned();
        line.push_str(&self.look.prefix(process, "▸"));
        line.push_str(&self.look.paint.text(Style::Yellow, note));
        line.push('\n');
        line.into_bytes()
    }
}

impl Look {
    /// Returns the text in front of a line.
    fn head(&self, process: &str, stream: &LogStream, at: &str) -> String {
        let time = match &self.timestamps {
            Some(zone) => self.paint.text(Style::Dim, &format!("{} ", zone.stamp(at))),
            None => String::new(),
        };
        let of_stream = match stream {
            LogStream::Stderr => "!",
            LogStream::Stdout | LogStream::Other(_) => "|",
        };
        let mark = self.mark.unwrap_or(of_stream);
        time + &self.prefix(process, mark)
    }

    /// Returns `web    | ` in the colour of the name.
    fn prefix(&self, name: &str, mark: &str) -> String {
        if self.width == 0 || self.raw {
            return String::new();
        }
        let padded = format!("{name:<width$} {mark} ", width = self.width);
        self.paint.text(Style::of_name(name), &padded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(stream: LogStream, text: &str, partial: bool) -> LogItem {
        let at = "2026-11-25T21:54:09.120Z".into();
        LogItem::Text { process: "web".into(), stream, at, text: text.into(), partial }
    }

    fn look() -> Look {
        Look { paint: Paint::OFF, width: 0, timestamps: None, raw: false, mark: None }
    }

    fn printed(look: Look, items: &[LogItem]) -> String {
        let mut printer = Printer::new(look);
        let mut printed: Vec<u8> = items.iter().flat_map(|item| printer.next(item)).collect();
        printed.extend_from_slice(printer.end());
        String::from_utf8_lossy(&printed).into_owned()
    }

    #[test]
    fn without_a_width_there_are_no_names() {
        assert_eq!(printed(look(), &[item(LogStream::Stdout, "hello", false)]), "hello\n");
    }

    #[test]
    fn names_and_times_with_their_offset_precede_the_line() {
        let look = Look { width: 6, timestamps: Some(Zone::ahead(2)), ..look() };
        let (process, stream) = ("web".into(), LogStream::Stderr);
        let bytes =
            LogItem::Binary { process, stream, at: "T".into(), base64: "/wA=".into(), partial: false };
        insta::assert_snapshot!(printed(look, &[item(LogStream::Stdout, "hello", false), bytes]), @r"
        2026-11-25T23:54:09.120+02:00 web    | hello
        T web    ! \xff\u{0}
        ");
    }

    #[test]
    fn an_incomplete_line_is_continued_or_ended_before_any_other() {
        let items = [
            item(LogStream::Stdout, "PIN: ", true),
            item(LogStream::Stdout, "12", true),
            item(LogStream::Stdout, "34", false),
            item(LogStream::Stdout, "again: ", true),
            item(LogStream::Stderr, "wrong", false),
            item(LogStream::Stdout, "rest", false),
            item(LogStream::Stdout, "last: ", true),
        ];
        insta::assert_snapshot!(printed(Look { width: 3, ..look() }, &items), @r"
        web | PIN: 1234
        web | again: 
        web ! wrong
        web | rest
        web | last: 
        ");
    }

    #[test]
    fn raw_output_is_only_the_bytes() {
        let look = Look { raw: true, width: 6, ..look() };
        assert_eq!(printed(look, &[item(LogStream::Stderr, "\x1b[2Jx\r", false)]), "\x1b[2Jx\r\n");
    }

    #[test]
    fn a_follower_sees_that_the_log_was_cleared() {
        let cleared = LogItem::Cleared { process: "web".into(), cleared: true };
        let items =
            [item(LogStream::Stdout, "before", false), cleared, item(LogStream::Stdout, "after", false)];
        insta::assert_snapshot!(printed(Look { width: 3, ..look() }, &items), @r"
        web | before
        web ▸ the log was cleared: what was printed before is no longer in it
        web | after
        ");
    }

    #[test]
    fn skipped_lines_are_counted() {
        let missed = LogItem::Missed { process: "web".into(), missed: Some(12) };
        insta::assert_snapshot!(
            printed(look(), &[missed]),
            @"12 lines skipped: this reader was too slow; they are in the log file"
        );
    }
}
