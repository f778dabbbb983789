//! Lines of processes: `logs`.

use base64::Engine as _;
use provost_control::wire::LogItem;

use super::style::{Paint, Style};

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) paint: Paint,
    /// Columns of the longest name; 0 to leave the names out.
    pub(crate) width: usize,
    pub(crate) timestamps: bool,
}

impl Look {
    /// One line, with all its bytes and a newline.
    pub(crate) fn line(self, item: &LogItem) -> Vec<u8> {
        let (process, stream, at, text) = match item {
            LogItem::Text { process, stream, at, text } => (process, stream, at, text.clone().into_bytes()),
            LogItem::Binary { process, stream, at, base64 } => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(base64);
                (process, stream, at, bytes.unwrap_or_else(|_| base64.clone().into_bytes()))
            }
            LogItem::Missed { process, missed } => {
                let note =
                    format!("{missed} lines skipped: this reader was too slow; they are in the log file");
                let mut line = self.prefix(process, "▸");
                line.push_str(&self.paint.text(Style::Yellow, &note));
                line.push('\n');
                return line.into_bytes();
            }
        };
        let mut line = String::new();
        if self.timestamps {
            line.push_str(&self.paint.text(Style::Dim, &format!("{at} ")));
        }
        line.push_str(&self.prefix(process, if stream == "stderr" { "!" } else { "|" }));
        let mut line = line.into_bytes();
        line.extend_from_slice(&text);
        line.push(b'\n');
        line
    }

    /// `web    | `, in the colour of the name.
    fn prefix(self, name: &str, mark: &str) -> String {
        if self.width == 0 {
            return String::new();
        }
        let padded = format!("{name:<width$} {mark} ", width = self.width);
        self.paint.text(Style::of_name(name), &padded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> LogItem {
        LogItem::Text { process: "web".into(), stream: "stdout".into(), at: "T".into(), text: text.into() }
    }

    #[test]
    fn one_process_needs_no_names() {
        let look = Look { paint: Paint::OFF, width: 0, timestamps: false };
        assert_eq!(look.line(&item("hello")), b"hello\n");
    }

    #[test]
    fn names_and_times_stand_before_the_line() {
        let look = Look { paint: Paint::OFF, width: 6, timestamps: true };
        assert_eq!(look.line(&item("hello")), b"T web    | hello\n");
        let (process, stream) = ("web".into(), "stderr".into());
        let bytes = LogItem::Binary { process, stream, at: "T".into(), base64: "/wA=".into() };
        assert_eq!(look.line(&bytes), b"T web    ! \xff\0\n");
    }

    #[test]
    fn what_was_missed_is_said() {
        let look = Look { paint: Paint::OFF, width: 0, timestamps: false };
        let missed = LogItem::Missed { process: "web".into(), missed: 12 };
        let text = String::from_utf8(look.line(&missed)).unwrap();
        assert_eq!(text, "12 lines skipped: this reader was too slow; they are in the log file\n");
    }
}
