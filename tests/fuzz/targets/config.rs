//! Config files. For all texts: the spans of problems are within the text, the report is bounded and safe for a terminal, and
//! a config that is accepted is accepted again with the same result.

use std::path::PathBuf;

use provost::config::{Config, Problems, SourceFile};
use provost_state::text;

/// The greatest size of a report in bytes; it shortens long lines and long words.
const REPORT_BYTES_MAX: usize = 1 << 20;

fn parsed(text: &str) -> Result<Config, Problems> {
    Config::parse(SourceFile { path: PathBuf::from("/nowhere/provost.toml"), text: text.to_owned() })
}

fn check(text: &str, problems: &Problems) {
    assert!(!problems.list.is_empty());
    for problem in &problems.list {
        let span = &problem.span;
        assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {}", text.len());
        assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}");
        assert!(!problem.what.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        let place = problems.source_file.place(span.start);
        assert!(place.line >= 1 && place.line <= text.matches('\n').count() + 1 && place.column >= 1);
    }
    let report = problems.to_string();
    assert!(report.len() <= REPORT_BYTES_MAX, "{} bytes of report", report.len());
    let shown = text::lines(&report);
    assert!(!shown.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{shown}");
}

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parsed(text) {
        Err(problems) => check(text, &problems),
        Ok(config) => {
            let again = parsed(text).unwrap();
            assert!(config.process_names().eq(again.process_names()));
            assert!(config.plugins().map(|it| &it.name).eq(again.plugins().map(|it| &it.name)));
            assert!(
                config
                    .plugins()
                    .all(|it| serde_json::from_str::<serde_json::Value>(&it.settings_json).is_ok())
            );
            // A comment at the end changes nothing.
            let longer = parsed(&format!("{text}\n# the end")).unwrap();
            assert!(config.process_names().eq(longer.process_names()));
        }
    }
}
