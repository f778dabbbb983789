//! The text of `explain --at`.

use std::fmt::Write as _;

use provost_api::Explanation;
use provost_api::columns::width;
use provost_control::{past_process, past_sentence};
use provost_journal::Record;
use provost_state::{Note, Noted};
use provost_supervisor::rfc3339;

use super::explained::ExplainedPast;
use super::told::{inputs, line};
use crate::render::events::Lines;
use crate::render::explain;
use crate::render::humane::{counted, one_line};
use crate::render::page::Page;
use crate::render::style::Style;

/// Renders what is known of the process `name` at `at_ms`.
pub(crate) fn text(past: &ExplainedPast, name: &str, at_ms: u64, now_ms: u64, page: &Page) -> String {
    let mut text = format!("At {}:\n", page.zone.stamp(&rfc3339(at_ms)));
    match &past.state {
        Some(state) => {
            let (process, sentence) = (past_process(state), past_sentence(state));
            let explanation = Explanation {
                process,
                sentence,
                history: Vec::new(),
                forgotten: 0,
                deaths: None,
                policies: None,
            };
            text.push_str(&explain::text(&explanation, now_ms, page));
        }
        // Writing to a string does not fail.
        None => _ = writeln!(text, "{} did not exist then.", one_line(name)),
    }
    if past.records.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n{}", page.paint.text(Style::Bold, "What led here, oldest first:"));
    if past.left_out > 0 {
        let _ = writeln!(text, "  ({} left out)", counted(past.left_out, "older record"));
    }
    let mut lines = Lines::new(page, now_ms, width(name)).indented();
    for entry in &past.records {
        text.push_str(&line(entry, &mut lines));
        if let Record::Note(Note { what: Noted::Decision(judged), .. }) = &entry.record {
            for input in &inputs(judged) {
                let _ = writeln!(text, "      {}", one_line(input));
            }
        }
    }
    text
}
